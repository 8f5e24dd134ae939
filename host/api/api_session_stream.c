/* api/api_session_stream.c — clvgg_session_run_stream(): photographs in, results in their order. */
#include "api/scope.h"
#include "api/session.h"
#include "base/alloc.h"
#include "pipeline/feed.h"

typedef struct results {
    clvgg_session *session;
    clvgg_session_result_fn take;
    void *user;
    float **outputs;   /* [output_count], each [batch][elements] */
    const float **row; /* [output_count], of the image that is handed on */
} results;

static clvgg_status compute(void *user, int count, const float *images)
{
    const results *r = user;
    return vgg_runner_run(r->session->runner, count, &images, r->outputs);
}

static clvgg_status hand_on(void *user, const clvgg_stream_item *item, int row)
{
    const results *r = user;
    const vgg_runner *runner = r->session->runner;
    for (int i = 0; i < runner->options.output_count && row >= 0; i++)
        r->row[i] = r->outputs[i] + (size_t)row * runner->to_elements[i];
    return r->take(r->user, item, row >= 0 ? r->row : NULL);
}

static clvgg_status run_stream(clvgg_session *session, clvgg_image_stream *stream,
                               clvgg_session_result_fn take, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_runner *runner = session->runner;
    const size_t count = (size_t)runner->options.output_count;
    results r = {.session = session, .take = take, .user = user};
    const vgg_feed feed = {&r, compute, hand_on};
    VGG_NEW(r.row, count);
    VGG_NEW(r.outputs, count);
    for (size_t i = 0; i < count; i++)
        VGG_NEW(r.outputs[i], vgg_stream_max_batch(stream) * runner->to_elements[i]);
    VGG_TRY(vgg_feed_all(stream, &session->model->graph->nodes[0].output, &feed,
                         &session->stream_wait_ms));
cleanup:
    for (size_t i = 0; i < count && r.outputs != NULL; i++)
        vgg_free(r.outputs[i]);
    vgg_free(r.outputs);
    vgg_free(r.row);
    return status;
}

clvgg_status clvgg_session_run_stream(clvgg_session *session, clvgg_image_stream *stream,
                                      clvgg_session_result_fn result, void *user)
{
    VGG_API_GIVEN(session, stream, result);
    VGG_API_RETURN(session->scope, run_stream(session, stream, result, user));
}
