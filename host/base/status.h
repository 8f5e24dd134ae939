/* base/status.h — how a function fails: a code is returned, the deepest failure writes the message.
 *
 * The idiom: `clvgg_status status = CLVGG_STATUS_OK;`, handles NULL-initialised, VGG_TRY and
 * VGG_REQUIRE jump to one `cleanup:` label, which frees and returns `status`. A function that owns
 * nothing has neither: VGG_PASS and VGG_CHECK return.
 */
#ifndef VGG_BASE_STATUS_H
#define VGG_BASE_STATUS_H

#include <stdarg.h>

#include "clvgg/status.h"

#if defined(__GNUC__)
#define VGG_PRINTF(format_index, first_argument)                                                   \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define VGG_PRINTF(format_index, first_argument)
#endif

/* Room for a compiler's log of a few screens; longer ones are cut at the end. */
enum { VGG_MESSAGE_BYTES = 16384 };

/* Stores the calling thread's message and returns `code`. Callers don't overwrite it. */
clvgg_status vgg_fail(clvgg_status code, const char *format, ...) VGG_PRINTF(2, 3);
/* Puts "prefix: " before the thread's message, for context only a caller has (which file). */
void vgg_message_prefix(const char *format, ...) VGG_PRINTF(1, 2);
/* The same where `status` is a failure's; returns it. */
clvgg_status vgg_prefixed(clvgg_status status, const char *format, ...) VGG_PRINTF(2, 3);
/* The calling thread's message; "" before the first failure. */
const char *vgg_message(void);
/* Gives the latest failure another code, for a caller who knows better whose fault it is. */
clvgg_status vgg_fail_as(clvgg_status code);
/* Between these two calls, failures leave the thread's message as it is. They stand around what is
 * freed behind a failure, and may fail itself while it is saved. */
void vgg_message_hold(void);
void vgg_message_release(void);
/* The thread's message if it belongs to a failure with this code. Else, when a later failure that
 * was overcome has replaced it, the code's name. */
const char *vgg_message_of(clvgg_status status);
const char *vgg_status_name(clvgg_status status);

/* Runs a fallible call; on failure jumps to cleanup with its status. */
#define VGG_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CLVGG_STATUS_OK)                                                             \
            goto cleanup;                                                                          \
    } while (0)

/* Checks what a file, an argument or a device must satisfy; on failure writes the message. */
#define VGG_REQUIRE(condition, code, ...)                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            status = vgg_fail((code), __VA_ARGS__);                                                \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

/* *out = pointer; sets `pointer` to NULL, so that cleanup doesn't free what was handed out. */
#define VGG_GIVE(out, pointer)                                                                     \
    do {                                                                                           \
        *(out) = (pointer);                                                                        \
        (pointer) = NULL;                                                                          \
    } while (0)

/* VGG_TRY and VGG_REQUIRE for a function that owns nothing: it returns at once. */
#define VGG_PASS(call)                                                                             \
    do {                                                                                           \
        const clvgg_status vgg_passed = (call);                                                    \
        if (vgg_passed != CLVGG_STATUS_OK)                                                         \
            return vgg_passed;                                                                     \
    } while (0)
#define VGG_CHECK(condition, code, ...)                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return vgg_fail((code), __VA_ARGS__);                                                  \
    } while (0)

#endif
