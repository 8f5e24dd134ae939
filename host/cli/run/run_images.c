/* cli/run/run_images.c — photographs from files and folders through the network, in order. */

#include "cli/run/run.h"
#include "report/format.h"

enum { DEFAULT_LIMIT_MIB = 256 }; /* of images that wait (clvgg/image.h) */

static clvgg_status report_item(void *user, const clvgg_stream_item *item,
                                const float *const *outputs)
{
    cli_run *run = user;
    vgg_result result = {
        .file = item->path, .row = -1, .output = -1, .warning_count = item->warning_count};
    if (outputs != NULL) {
        VGG_PASS(cli_run_report(run, &result, outputs));
    } else {
        /* Want of memory is no fault of the photograph's, and never permitted. */
        run->unreadable_count += item->status != CLVGG_STATUS_OUT_OF_MEMORY;
        cli_run_report_error(run, &result, item->message);
    }
    return cli_run_flush(run);
}

/* The stream takes room for an image whatever its limit, and before the session says whether the
 * network fits: an input that the limit doesn't cover is refused first. */
static clvgg_status check_room(const cli_run *run)
{
    const uint64_t bytes = sizeof(float) * (uint64_t)cli_context_input_elements(&run->context);
    const uint64_t given = run->arguments->execution.memory_limit_bytes;
    const uint64_t limit = given > 0 ? given : (uint64_t)DEFAULT_LIMIT_MIB << 20;
    VGG_CHECK(bytes <= limit, CLVGG_STATUS_UNSUPPORTED,
              "%s: one prepared image takes %s, more than --mem-limit allows, %s",
              clvgg_model_name(run->context.model), VGG_SIZE(bytes), VGG_SIZE(limit));
    return CLVGG_STATUS_OK;
}

clvgg_status cli_run_images(cli_run *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    VGG_TRY(check_room(run));
    options.preprocess = run->context.preprocess;
    options.max_batch = cli_run_batch(run, 0);
    options.memory_limit_bytes = run->arguments->execution.memory_limit_bytes;
    VGG_TRY(clvgg_image_stream_open(run->context.runtime, run->paths.items, run->paths.count,
                                    &options, &stream)); /* decodes while the session is made */
    const size_t count = clvgg_image_stream_count(stream);
    cli_say_skipped(run->cli, stream);
    VGG_TRY(cli_run_start(run, cli_run_batch(run, count)));
    if (!run->arguments->context.quiet)
        run->progress = vgg_progress_start(&run->cli->err_style, NULL, count);
    VGG_TRY(clvgg_session_run_stream(run->session, stream, report_item, run));
cleanup:
    vgg_progress_finish(&run->progress);
    clvgg_image_stream_close(stream);
    return status;
}
