/* cli/run/run_engine.c — batches on a session; a smaller session where the device's memory is
 * short. */
#include "cli/run/run.h"

#include "report/clock.h"

/* Frees the session and halves the batch. False when there is nothing left to halve. */
static bool shrink(cli_engine *engine)
{
    if (engine->options.max_batch <= 1)
        return false;
    clvgg_session_free(engine->session);
    engine->session = NULL;
    engine->options.max_batch /= 2;
    cli_note(engine->cli, "device memory is short: %s\ntrying batches of %d",
             clvgg_status_message(), engine->options.max_batch);
    return true;
}

clvgg_status cli_engine_start(cli_engine *engine)
{
    double start = vgg_report_now_ms();
    clvgg_status status;
    do
        status =
            clvgg_session_create(engine->device, engine->model, &engine->options, &engine->session);
    while (status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY && shrink(engine));
    engine->session_ms += vgg_report_now_ms() - start;
    if (status != CLVGG_STATUS_OK)
        return status;
    clvgg_shape shape;
    clvgg_session_input_shape(engine->session, &shape);
    engine->input_elements = 1;
    for (int i = 0; i < shape.rank; i++)
        engine->input_elements *= (size_t)shape.dims[i];
    return CLVGG_STATUS_OK;
}

/* Makes one call of clvgg_session_run() on images [first, first + count). */
static clvgg_status run_some(cli_engine *engine, int first, int count, const float *input,
                             float *const *outputs, const size_t *sizes)
{
    float *from[CLI_OUTPUT_COUNT] = {NULL};
    for (size_t i = 0; i < engine->options.output_count; i++)
        if (outputs[i] != NULL)
            from[i] = outputs[i] + (size_t)first * sizes[i];
    double start = vgg_report_now_ms();
    clvgg_status status = clvgg_session_run(engine->session, count,
                                            input + (size_t)first * engine->input_elements, from);
    engine->forward_ms += vgg_report_now_ms() - start;
    return status;
}

clvgg_status cli_engine_run(cli_engine *engine, int count, const float *input,
                            float *const *outputs, const size_t *sizes)
{
    for (int done = 0; done < count;) {
        int most = engine->options.max_batch;
        int some = count - done < most ? count - done : most;
        clvgg_status status = run_some(engine, done, some, input, outputs, sizes);
        if (status == CLVGG_STATUS_OK) {
            done += some;
            engine->image_count += (uint64_t)some;
        } else if (status != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || !shrink(engine)) {
            return status;
        } else {
            status = cli_engine_start(engine); /* and the same images again */
            if (status != CLVGG_STATUS_OK)
                return status;
        }
    }
    return CLVGG_STATUS_OK;
}

void cli_engine_stop(cli_engine *engine)
{
    clvgg_session_free(engine->session);
    engine->session = NULL;
}
