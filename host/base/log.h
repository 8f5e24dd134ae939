/* base/log.h — lines for the runtime's log callback. */
#ifndef VGG_BASE_LOG_H
#define VGG_BASE_LOG_H

#include "base/status.h"
#include "clvgg/runtime.h"

/* One line, without a newline, to the thread's scope; nothing where nobody listens. */
void vgg_log(clvgg_log_level level, const char *format, ...) VGG_PRINTF(2, 3);

#endif
