/* tests/fuzz/fuzz_bench_file.c — any bytes as a result of `clvgg bench`: refused, or read and
 * compared with itself, which is never faster than itself.
 */
#include <stdlib.h>

#include "fuzz/input_file.h"
#include "report/bench_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const vgg_bench_file *file)
{
    vgg_comparison comparison = {0};
    for (size_t i = 0; i < 2; i++)
        if (vgg_comparison_add(&comparison, file, file->path, i, false) != CLVGG_STATUS_OK) {
            if (file->result_count > 0)
                abort(); /* another work than its own */
            vgg_comparison_free(&comparison);
            return;
        }
    if (vgg_comparison_judge(&comparison) != CLVGG_STATUS_OK)
        abort();
    for (size_t i = 0; i < comparison.row_count; i++)
        if (comparison.rows[i].cells[1].verdict.kind > VGG_VERDICT_SAME)
            abort();
    vgg_comparison_free(&comparison);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vgg_bench_files files = {0};
    if (vgg_bench_files_add(&files, fuzz_input_file(data, size)) == CLVGG_STATUS_OK)
        for (size_t i = 0; i < files.count; i++)
            compare(&files.items[i]);
    vgg_bench_files_free(&files);
    return 0;
}
