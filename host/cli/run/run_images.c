/* cli/run/run_images.c — photographs from files and folders through the network, in order. */

#include "cli/run/run.h"
#include "report/clock.h"
#include "report/format.h"

enum { DEFAULT_LIMIT_MIB = 256 }; /* of images that wait (clvgg/image.h) */

/* Reports one delivery of the stream: items in order, the OK ones being rows of the batch. */
static void report_items(cli_run *run, const clvgg_stream_item *items, size_t item_count)
{
    int row = 0;
    for (size_t i = 0; i < item_count; i++) {
        vgg_result result = {.file = items[i].path,
                             .row = -1,
                             .output = -1,
                             .warning_count = items[i].warning_count};
        if (items[i].status == CLVGG_STATUS_OK) {
            cli_run_report(run, &result, row++);
        } else {
            /* Want of memory is no fault of the photograph's, and never permitted. */
            run->unreadable_count += items[i].status != CLVGG_STATUS_OUT_OF_MEMORY;
            cli_run_report_error(run, &result, items[i].message);
        }
    }
}

/* Waits for decoded images, runs them, reports. *more is false at the end. */
static clvgg_status turn(cli_run *run, clvgg_image_stream *stream, clvgg_stream_item *items,
                         size_t max_items, bool *more)
{
    size_t item_count = 0;
    double start = vgg_clock_ms();
    clvgg_status status =
        clvgg_image_stream_next(stream, run->input, items, max_items, &item_count);
    run->decode_wait_ms += vgg_clock_ms() - start;
    if (status != CLVGG_STATUS_OK)
        return status;
    int ok_count = 0;
    for (size_t i = 0; i < item_count; i++)
        ok_count += items[i].status == CLVGG_STATUS_OK;
    status = cli_run_forward(run, ok_count);
    if (status != CLVGG_STATUS_OK)
        return status;
    report_items(run, items, item_count);
    *more = item_count > 0 && cli_run_flush(run);
    return CLVGG_STATUS_OK;
}

/* The stream takes room for an image whatever its limit, and before the session says whether the
 * network fits: an input that the limit doesn't cover is refused first. */
static bool check_room(const cli_run *run)
{
    const uint64_t bytes = sizeof(float) * (uint64_t)cli_run_input_elements(run);
    const uint64_t given = run->arguments->memory_limit_bytes;
    const uint64_t limit = given > 0 ? given : (uint64_t)DEFAULT_LIMIT_MIB << 20;
    vgg_text text = {0};
    if (bytes <= limit)
        return true;
    vgg_text_puts(&text, "one prepared image takes ");
    vgg_text_size(&text, bytes);
    vgg_text_puts(&text, ", more than --mem-limit allows, ");
    vgg_text_size(&text, limit);
    cli_error(run->cli, "%s: %s", clvgg_model_name(run->model),
              text.failed ? "out of memory" : text.bytes);
    vgg_text_free(&text);
    return false;
}

clvgg_status cli_run_images(cli_run *run)
{
    if (!check_room(run)) {
        run->failure_count++;
        return CLVGG_STATUS_OK;
    }
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess = run->preprocess;
    options.max_batch = cli_run_batch(run, 0);
    options.memory_limit_bytes = run->arguments->memory_limit_bytes;
    clvgg_image_stream *stream = NULL;
    clvgg_stream_item *items = NULL;
    clvgg_status status = clvgg_image_stream_open(
        run->runtime, run->arguments->paths, run->arguments->path_count, &options,
        &stream); /* decodes from here on, while the session is made */
    if (status == CLVGG_STATUS_OK) {
        size_t count = clvgg_image_stream_count(stream);
        cli_say_skipped(run->cli, stream);
        status = cli_run_start(run, cli_run_batch(run, count));
        if (!run->arguments->quiet)
            run->progress = vgg_progress_start(&run->cli->err_style, NULL, count);
    }
    if (status == CLVGG_STATUS_OK) {
        size_t max_items = 2 * (size_t)options.max_batch; /* room for some that fail */
        items = vgg_calloc(max_items, sizeof *items);
        status = items != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
        for (bool more = true; more && status == CLVGG_STATUS_OK;)
            status = turn(run, stream, items, max_items, &more);
    }
    vgg_progress_finish(&run->progress);
    clvgg_image_stream_close(stream);
    vgg_free(items);
    return status;
}
