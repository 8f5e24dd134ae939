/* cli/run/run_npy.c — inputs that are preprocessed already, from an array file. */
#include <stdio.h>

#include "cli/run/run.h"

/* The array must be [n][channels][height][width] of the network. Says both shapes when it isn't. */
static bool check_shape(const cli_run *run, const clvgg_shape *array)
{
    const int channels = run->preprocess.channels;
    const int height = run->preprocess.height, width = run->preprocess.width;
    if (array->rank == 4 && array->dims[0] > 0 && array->dims[1] == channels &&
        array->dims[2] == height && array->dims[3] == width)
        return true;
    char actual[256] = "";
    size_t length = 0;
    for (int i = 0; i < array->rank; i++)
        length += (size_t)snprintf(actual + length, sizeof actual - length, "%s%lld",
                                   i > 0 ? ", " : "", (long long)array->dims[i]);
    cli_error(run->cli, "%s: needs shape (n, %d, %d, %d) with n at least 1, has (%s)",
              run->arguments->input, channels, height, width, actual);
    return false;
}

static clvgg_status run_rows(cli_run *run, clvgg_npy_reader *reader, int64_t row_count, int batch)
{
    for (int64_t first = 0; first < row_count; first += batch) {
        int count = row_count - first < batch ? (int)(row_count - first) : batch;
        clvgg_status status = clvgg_npy_read(reader, first, count, run->input);
        if (status == CLVGG_STATUS_OK)
            status = cli_run_forward(run, count);
        if (status != CLVGG_STATUS_OK)
            return status;
        for (int row = 0; row < count; row++) {
            vgg_result result = {.file = run->arguments->input, .row = first + row, .output = -1};
            cli_run_report(run, &result, row);
        }
        if (!cli_run_flush(run))
            break;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status cli_run_npy(cli_run *run)
{
    clvgg_npy_reader *reader = NULL;
    clvgg_shape shape = {0};
    clvgg_status status = clvgg_npy_open(run->runtime, run->arguments->input, &reader, &shape);
    if (status == CLVGG_STATUS_OK && !check_shape(run, &shape)) {
        run->failure_count++;
    } else if (status == CLVGG_STATUS_OK) {
        size_t count = (size_t)shape.dims[0];
        int batch = cli_run_batch(run, count);
        status = cli_run_start(run, batch);
        if (!run->arguments->quiet)
            run->progress = vgg_progress_start(&run->cli->err_style, NULL, count);
        if (status == CLVGG_STATUS_OK)
            status = run_rows(run, reader, shape.dims[0], batch);
    }
    vgg_progress_finish(&run->progress);
    clvgg_npy_close(reader);
    return status;
}
