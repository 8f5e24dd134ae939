/* tests/unit/test_weights_recognised.c — formats that aren't read are named, with what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/files.h"
#include "weights/weights.h"

static void assert_refused(const char *path, const char *says, const char *advice)
{
    vgg_weights *weights;
    const clvgg_status status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_UNSUPPORTED || strstr(vgg_message(), says) == NULL ||
        strstr(vgg_message(), advice) == NULL || strstr(vgg_message(), path) == NULL)
        fail_msg("%s, \"%s\" and \"%s\" were expected: %s", vgg_status_name(status), says, advice,
                 vgg_message());
    assert_null(weights);
}

static void files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        const char *says, *advice;
    } cases[] = {
        {"\x93NUMPYxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "a single NumPy array (.npy)", "numpy.savez"},
    };
    const char *path = temp_path("other");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_write(path, cases[i].head, 48);
        assert_refused(path, cases[i].says, cases[i].advice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_named),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
