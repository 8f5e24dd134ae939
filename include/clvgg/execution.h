/* clvgg/execution.h — how a network is computed: whose kernels, in what memory.
 *
 * One struct, the field `execution` of the options of whatever runs a network: a new choice is a
 * field here. Its size is part of the size of the struct that it lies in.
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
    CLVGG_GEMM_AUTO = 0,
    CLVGG_GEMM_OWN = 1,
    CLVGG_GEMM_CLBLAST = 2
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
