/* clvgg/execution.h — how a network is computed: whose kernels, in what memory.
 *
 * The options of everything that runs a network have this struct as their field `execution`. It has
 * no struct_size: theirs covers it. What it points to is the caller's, and is copied where it is
 * needed after the call; clvgg_bench_create() says that it isn't there.
 */
#ifndef CLVGG_EXECUTION_H
#define CLVGG_EXECUTION_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/storage.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clvgg_gemm {
    CLVGG_GEMM_AUTO = 0,   /* tuning or rules choose; on a caller's context as OWN */
    CLVGG_GEMM_OWN = 1,    /* clvgg's own kernels */
    CLVGG_GEMM_CLBLAST = 2 /* CLBlast's for every layer that it can compute */
} clvgg_gemm;

/* All zeros are the defaults. */
typedef struct clvgg_execution {
    clvgg_gemm gemm;             /* whose GEMM serves dense layers; default AUTO */
    const char *const *variants; /* "LAYER=NAME" each: force a kernel variant; LAYER may be "*" */
    size_t variant_count;
    clvgg_storage storage;       /* of weights on the device; default F32. Arithmetic is float32,
                                    but with BF16 convolutions may use a CPU's matrix unit, which
                                    multiplies bfloat16 and sums in float32: on Linux the process
                                    then asks for AMX tiles, for good */
    uint64_t memory_limit_bytes; /* of activations on the device; 0: no limit but the device's */
} clvgg_execution;

#ifdef __cplusplus
}
#endif
#endif
