/* base/log.h — lines for the runtime's log callback. */
#ifndef VGG_BASE_LOG_H
#define VGG_BASE_LOG_H

#include "base/status.h"
#include "clvgg/runtime.h"

/* Logs one line, without a newline, by the thread's scope; does nothing where the scope has no log.
 */
void vgg_log(clvgg_log_level level, const char *format, ...) VGG_PRINTF(2, 3);

#endif
