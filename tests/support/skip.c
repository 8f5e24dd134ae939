#include "support/skip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void test_skip_when(const char *variable, const char *test)
{
    if (getenv(variable) == NULL)
        return;
    fprintf(stderr, "SKIPPED: %s: %s is set\n", test, variable);
    skip();
}
