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

/* One batch: inputs, outputs of the session and their elements an image. */
typedef struct rows {
    int most;
    float *input, *outputs[CLI_OUTPUT_COUNT];
    size_t sizes[CLI_OUTPUT_COUNT];
} rows;

static clvgg_status make_rows(const cli_run *run, rows *r)
{
    const size_t most = (size_t)r->most;
    VGG_MEMORY_NEW_PASS(r->input, most * cli_context_input_elements(&run->context),
                        "a batch of inputs");
    for (size_t i = 0; i < run->output_count; i++) {
        clvgg_shape shape;
        VGG_PASS(clvgg_session_output_shape(run->session, i, &shape));
        r->sizes[i] = 1;
        for (int d = 0; d < shape.rank; d++)
            r->sizes[i] *= (size_t)shape.dims[d];
        VGG_MEMORY_NEW_PASS(r->outputs[i], most * r->sizes[i], "a batch of outputs");
    }
    return CLVGG_STATUS_OK;
}

static void free_rows(rows *r)
{
    for (size_t i = 0; i < CLI_OUTPUT_COUNT; i++)
        vgg_memory_free(r->outputs[i]);
    vgg_memory_free(r->input);
}

static clvgg_status report_row(cli_run *run, const rows *r, int row, int64_t index)
{
    vgg_result result = {.file = run->arguments->input, .row = index, .output = -1};
    const float *outputs[CLI_OUTPUT_COUNT] = {NULL};
    for (size_t i = 0; i < run->output_count; i++)
        outputs[i] = r->outputs[i] + (size_t)row * r->sizes[i];
    VGG_PASS(cli_run_report(run, &result, outputs));
    return cli_run_flush(run);
}

static clvgg_status run_rows(cli_run *run, clvgg_npy_reader *reader, int64_t row_count,
                             const rows *r)
{
    for (int64_t first = 0; first < row_count; first += r->most) {
        const int count = row_count - first < r->most ? (int)(row_count - first) : r->most;
        VGG_PASS(clvgg_npy_read(reader, first, count, r->input));
        VGG_PASS(clvgg_session_run(run->session, count, r->input, r->outputs));
        for (int row = 0; row < count; row++)
            VGG_PASS(report_row(run, r, row, first + row));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status cli_run_npy(cli_run *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_npy_reader *reader = NULL;
    clvgg_shape shape = {0};
    rows r = {0};
    VGG_TRY(clvgg_npy_open(run->context.runtime, run->arguments->input, &reader, &shape));
    VGG_TRY(check_shape(run, &shape));
    const size_t count = (size_t)shape.dims[0];
    r.most = cli_run_batch(run, count);
    VGG_TRY(cli_run_start(run, r.most));
    VGG_TRY(make_rows(run, &r));
    if (!run->arguments->context.quiet)
        run->progress = vgg_progress_start(&run->cli->err_style, NULL, count);
    VGG_TRY(run_rows(run, reader, shape.dims[0], &r));
cleanup:
    free_rows(&r);
    vgg_progress_finish(&run->progress);
    clvgg_npy_close(reader);
    return status;
}
