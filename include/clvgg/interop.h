/* clvgg/interop.h — clvgg on the caller's own OpenCL objects. The only header that includes CL.
 *
 * Make a clvgg_device from your context, a session on it as usual, then enqueue on your queue with
 * your buffers. Nothing here blocks on the device after the session is made.
 */
#ifndef CLVGG_INTEROP_H
#define CLVGG_INTEROP_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include "clvgg/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Wraps one device of the caller's context; retains the context until the clvgg_device is freed.
 * Sessions made on it share weights. Such sessions use clvgg's own GEMM unless their options ask
 * for CLBlast, which keeps a context alive until the last session on the clvgg_device is freed:
 * then CLBlast's cache, the process's, is emptied. Errors: INVALID_ARGUMENT (the context doesn't
 * hold the device), UNSUPPORTED. */
CLVGG_API clvgg_status clvgg_device_from_context(clvgg_runtime *runtime, cl_context context,
                                                 cl_device_id device, clvgg_device **out);

/* A caller's buffer and an offset into it, in float32 elements (any; no alignment needed). */
typedef struct clvgg_buffer {
    cl_mem memory;
    size_t offset_elements;
} clvgg_buffer;

/* Enqueues one pass over `count` images, at most the session's max_batch, on `queue` (in-order or
 * out-of-order, of the session's context and device). Input float32 NCHW [count][c][h][w];
 * outputs[i] as in clvgg_session_run(); an output whose memory is NULL is not written. Starts after
 * `wait_list`; *event (may be NULL) completes when every output is written; the caller releases it.
 * The buffers must live until then (OpenCL retains them for enqueued commands). No clFinish inside.
 * A second call on the same session is ordered behind the first, also on another queue. Sub-buffers
 * do, images and pipes don't; kernels read the input, outputs are written by copies: only a
 * CL_MEM_WRITE_ONLY input is refused. Objects that were released can't be told from others. Errors:
 * INVALID_ARGUMENT (no buffer, or one too small: expected and actual), OPENCL, DEVICE_LOST.
 */
CLVGG_API clvgg_status clvgg_session_enqueue(clvgg_session *session, cl_command_queue queue,
                                             int count, const clvgg_buffer *input,
                                             const clvgg_buffer *outputs, cl_uint wait_count,
                                             const cl_event *wait_list, cl_event *event);

#ifdef __cplusplus
}
#endif
#endif
