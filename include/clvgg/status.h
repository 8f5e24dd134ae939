/* clvgg/status.h — result codes, the message that goes with them, and the export macro.
 *
 * Every call of clvgg that can fail returns a clvgg_status. Zero is success. On any other value
 * clvgg_status_message() says, for the calling thread, what happened in words. Handles must not be
 * NULL but where a call says so (every *_free() and *_close() accepts NULL); fallible calls check
 * them, plain getters don't.
 */
#ifndef CLVGG_STATUS_H
#define CLVGG_STATUS_H

#if defined(__GNUC__)
#define CLVGG_API __attribute__((visibility("default")))
#else
#define CLVGG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CLVGG_VERSION_MAJOR 0
#define CLVGG_VERSION_MINOR 1
#define CLVGG_VERSION_PATCH 0

typedef enum clvgg_status {
    CLVGG_STATUS_OK = 0,
    CLVGG_STATUS_INVALID_ARGUMENT = 1,      /* an argument is out of its documented range */
    CLVGG_STATUS_NOT_FOUND = 2,             /* no such file, layer, tensor or device */
    CLVGG_STATUS_IO = 3,                    /* reading or writing failed: permissions, full disk */
    CLVGG_STATUS_BAD_FILE = 4,              /* the content is malformed, truncated or hostile */
    CLVGG_STATUS_SHAPE_MISMATCH = 5,        /* a tensor doesn't fit the graph */
    CLVGG_STATUS_NON_FINITE = 6,            /* NaN or infinity where a number is needed */
    CLVGG_STATUS_UNSUPPORTED = 7,           /* well-formed, but this build or device can't do it */
    CLVGG_STATUS_OUT_OF_MEMORY = 8,         /* host memory */
    CLVGG_STATUS_OUT_OF_DEVICE_MEMORY = 9,  /* OpenCL memory: a smaller batch may fit */
    CLVGG_STATUS_NO_DEVICE = 10,            /* no usable OpenCL platform or device */
    CLVGG_STATUS_BUILD_FAILED = 11,         /* a kernel didn't compile; the message has the log */
    CLVGG_STATUS_OPENCL = 12,               /* any other OpenCL error, named in the message */
    CLVGG_STATUS_DEVICE_LOST = 13,          /* the session can't be used any more */
    CLVGG_STATUS_CANCELLED = 14             /* a callback asked to stop */
} clvgg_status;

/* The code's name without its prefix, "OUT_OF_MEMORY" for example. Static storage; never NULL. */
CLVGG_API const char *clvgg_status_name(clvgg_status status);

/* The message of the calling thread's latest failed call: the file, layer or tensor, expected and
 * actual. Valid until the thread's next failing call; empty before the first; never NULL. */
CLVGG_API const char *clvgg_status_message(void);

/* "0.1.0". Static storage. */
CLVGG_API const char *clvgg_version(void);

#ifdef __cplusplus
}
#endif
#endif
