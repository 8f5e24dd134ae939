/* cli/run/run_work.c — everything behind setup: feeding, ending the output, the exit code, freeing.
 */
#include <errno.h>

#include "cli/interrupt.h"
#include "cli/run/run.h"
#include "cli/value.h"
#include "report/format.h"
#include "report/table.h"

/* Prints the time of each step as text; the JSON format writes its own. */
static void print_profile(const cli_run *run)
{
    static const vgg_column columns[] = {
        {"step", false}, {"variant", false}, {"ms", true}, {"GFLOP/image", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < clvgg_session_step_count(run->session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(run->session, i, &step) != CLVGG_STATUS_OK)
            continue;
        vgg_table_put(&table, step.layers);
        vgg_table_put(&table, step.variant);
        vgg_table_measure(&table, step.ms, 3, "");
        vgg_table_measure(&table, (double)step.flops / 1e9, 3, "");
    }
    vgg_text text = {0};
    vgg_style plain = {0};
    vgg_table_finish(&table, &plain, &text);
    int has_clock = 1;
    clvgg_device_has_clock(run->context.device, &has_clock); /* known since the first pass */
    if (!has_clock)
        vgg_text_puts(&text, "(by the host's clock: the device has none that can be believed)\n");
    cli_note_text(run->cli, &text, "the times of the steps");
}

/* Counts the failed images that --max-bad doesn't forgive. */
static size_t count_failures(const cli_run *run)
{
    if (run->max_bad == NULL || run->unreadable_count == 0)
        return run->failure_count;
    if (cli_allowance_permits(run->max_bad, run->unreadable_count, run->result_count))
        return run->failure_count - run->unreadable_count;
    cli_error(run->cli, "%zu of %zu images can't be read, more than --max-bad allows",
              run->unreadable_count, run->result_count);
    return run->failure_count;
}

/* Ends the output. `status` is what stopped the run, with its message. */
static void end(cli_run *run, clvgg_status status, bool interrupted)
{
    if (!run->started)
        return;
    run->format->end(run, status != CLVGG_STATUS_OK ? vgg_message_of(status)
                          : interrupted             ? "interrupted"
                                                    : NULL);
    if (run->arguments->profile && !run->arguments->json && run->session != NULL)
        print_profile(run);
}

/* A writer is committed only if nothing stopped the run. */
clvgg_status cli_run_work(cli_run *run)
{
    clvgg_status status = run->arguments->input != NULL ? cli_run_npy(run) : cli_run_images(run);
    const int error = run->cli->out.error;
    const bool interrupted = cli_interrupt_signal() != 0;
    if (status == CLVGG_STATUS_CANCELLED) /* nobody wants more, which is no failure by itself */
        status = CLVGG_STATUS_OK;
    VGG_TRY(status);
    if (run->writer != NULL && (error == 0 || error == EPIPE) && !interrupted)
        VGG_TRY(clvgg_npy_commit(run->writer));
cleanup:
    vgg_message_hold(); /* a failure's, which is printed behind this */
    end(run, status, interrupted);
    vgg_message_release();
    if (status != CLVGG_STATUS_OK)
        return status;
    if (interrupted)
        return vgg_fail(CLVGG_STATUS_CANCELLED, "interrupted after %zu %s", run->result_count,
                        vgg_plural(run->result_count, "result", "results"));
    if (count_failures(run) > 0)
        run->cli->exit_code = CLI_EXIT_FAILED;
    return status;
}

void cli_run_release(cli_run *run)
{
    clvgg_session_free(run->session);
    clvgg_npy_writer_free(run->writer);
    vgg_memory_free(run->ranking);
    vgg_memory_free(run->groups);
    clvgg_class_map_free(run->map);
    cli_context_close(&run->context);
}
