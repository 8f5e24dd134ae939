/* base/status.c — the thread's message. Fixed storage, so that failing never allocates. */
#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[VGG_MESSAGE_BYTES];
static _Thread_local clvgg_status message_code; /* of the failure that wrote it */
static _Thread_local bool is_held;

clvgg_status vgg_fail(clvgg_status code, const char *format, ...)
{
    va_list arguments;
    if (is_held)
        return code;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    message_code = code;
    return code;
}

static void put_before(const char *format, va_list arguments)
{
    char prefix[1024];
    vsnprintf(prefix, sizeof prefix, format, arguments);
    size_t prefix_length = strlen(prefix), length = strlen(message);
    size_t kept = sizeof message - 1 - prefix_length - 2;
    if (length > kept)
        length = kept;
    memmove(message + prefix_length + 2, message, length);
    memcpy(message, prefix, prefix_length);
    memcpy(message + prefix_length, ": ", 2);
    message[prefix_length + 2 + length] = '\0';
}

void vgg_message_prefix(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_before(format, arguments);
    va_end(arguments);
}

clvgg_status vgg_prefixed(clvgg_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (status != CLVGG_STATUS_OK)
        put_before(format, arguments);
    va_end(arguments);
    return status;
}

const char *vgg_message(void)
{
    return message;
}

void vgg_message_hold(void)
{
    is_held = true;
}

void vgg_message_release(void)
{
    is_held = false;
}

clvgg_status vgg_fail_as(clvgg_status code)
{
    message_code = code;
    return code;
}

const char *vgg_message_of(clvgg_status status)
{
    return message_code == status && message[0] != '\0' ? message : vgg_status_name(status);
}

const char *vgg_status_name(clvgg_status status)
{
    static const char *const names[] = {
        "OK",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "IO",
        "BAD_FILE",
        "SHAPE_MISMATCH",
        "NON_FINITE",
        "UNSUPPORTED",
        "OUT_OF_MEMORY",
        "OUT_OF_DEVICE_MEMORY",
        "NO_DEVICE",
        "BUILD_FAILED",
        "OPENCL",
        "DEVICE_LOST",
        "CANCELLED",
    };
    size_t index = (size_t)status;
    return index < sizeof names / sizeof *names ? names[index] : "UNKNOWN";
}
