/* api/session.h — what clvgg_session is inside: a model, and what runs it on a device. */
#ifndef VGG_API_SESSION_H
#define VGG_API_SESSION_H

#include "model/model.h"
#include "pipeline/runner.h"

struct clvgg_session {
    const vgg_scope *scope; /* the runtime's */
    clvgg_model *model;     /* retained */
    vgg_runner *runner;     /* retains the device */
    double stream_wait_ms;  /* of clvgg_session_run_stream() */
};

#endif
