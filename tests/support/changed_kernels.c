#include "support/changed_kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "ocl/program.h"
#include "support/scratch.h"

const char *changed_kernels_write(const char *file, const char *right, const char *wrong)
{
    static char setting[300];
    for (const vgg_kernel_source *source = vgg_kernel_sources; source->file != NULL; source++) {
        const char *rest = source->text;
        vgg_text changed = {0};
        if (strcmp(source->file, file) == 0) {
            const char *at = strstr(rest, right);
            assert_non_null(at);
            vgg_text_append(&changed, rest, (size_t)(at - rest));
            vgg_text_puts(&changed, wrong);
            rest = at + strlen(right);
        }
        vgg_text_puts(&changed, rest);
        assert_false(changed.failed);
        test_scratch_write(source->file, changed.bytes, changed.length);
        vgg_text_free(&changed);
    }
    snprintf(setting, sizeof setting, "CLVGG_KERNEL_DIR=%s", test_scratch_path("."));
    return setting;
}

const char *changed_kernels_folder(const char *file, const char *right, const char *wrong)
{
    return changed_kernels_write(file, right, wrong) + strlen("CLVGG_KERNEL_DIR=");
}
