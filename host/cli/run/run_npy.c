/* cli/run/run_npy.c — inputs that are preprocessed already, from an array file. */
#include <stdio.h>

#include "cli/run/run.h"

/* The array must be [n][channels][height][width] of the network. Says both shapes when it isn't. */
static clvgg_status check_shape(const cli_run *run, const clvgg_shape *array)
{
    const clvgg_preprocess *p = &run->context.preprocess;
    if (array->rank == 4 && array->dims[0] > 0 && array->dims[1] == p->channels &&
        array->dims[2] == p->height && array->dims[3] == p->width)
        return CLVGG_STATUS_OK;
    char actual[256] = "";
    size_t length = 0;
    for (int i = 0; i < array->rank; i++)
        length += (size_t)snprintf(actual + length, sizeof actual - length, "%s%lld",
                                   i > 0 ? ", " : "", (long long)array->dims[i]);
    return vgg_fail(CLVGG_STATUS_SHAPE_MISMATCH,
                    "%s: needs shape (n, %d, %d, %d) with n at least 1, has (%s)",
                    run->arguments->input, p->channels, p->height, p->width, actual);
}

static clvgg_status run_rows(cli_run *run, clvgg_npy_reader *reader, int64_t row_count, int batch)
{
    clvgg_status status = CLVGG_STATUS_OK;
    bool more = true;
    for (int64_t first = 0; first < row_count && more; first += batch) {
        const int count = row_count - first < batch ? (int)(row_count - first) : batch;
        VGG_TRY(clvgg_npy_read(reader, first, count, run->input));
        VGG_TRY(cli_run_forward(run, count));
        for (int row = 0; row < count; row++) {
            vgg_result result = {.file = run->arguments->input, .row = first + row, .output = -1};
            cli_run_report(run, &result, row);
        }
        more = cli_run_flush(run);
    }
cleanup:
    return status;
}

clvgg_status cli_run_npy(cli_run *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_npy_reader *reader = NULL;
    clvgg_shape shape = {0};
    VGG_TRY(clvgg_npy_open(run->context.runtime, run->arguments->input, &reader, &shape));
    VGG_TRY(check_shape(run, &shape));
    const size_t count = (size_t)shape.dims[0];
    const int batch = cli_run_batch(run, count);
    VGG_TRY(cli_run_start(run, batch));
    if (!run->arguments->context.quiet)
        run->progress = vgg_progress_start(&run->cli->err_style, NULL, count);
    VGG_TRY(run_rows(run, reader, shape.dims[0], batch));
cleanup:
    vgg_progress_finish(&run->progress);
    clvgg_npy_close(reader);
    return status;
}
