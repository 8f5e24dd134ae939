#include "support/changed_kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocl/program.h"
#include "support/scratch.h"

const char *changed_kernels_write(const char *file, const char *right, const char *wrong)
{
    static char setting[300];
    for (const vgg_kernel_source *source = vgg_kernel_sources; source->file != NULL; source++) {
        char *text = strdup(source->text);
        assert_non_null(text);
        if (strcmp(source->file, file) == 0) {
            char *at = strstr(text, right);
            assert_non_null(at);
            memcpy(at, wrong, strlen(wrong));
        }
        test_scratch_write(source->file, text, strlen(text));
        free(text);
    }
    snprintf(setting, sizeof setting, "CLVGG_KERNEL_DIR=%s", test_scratch_path("."));
    return setting;
}
