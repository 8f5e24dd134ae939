/* clvgg/storage.h — the types that weights may have on a device.
 *
 * These aren't the types that tensors may have in files (clvgg_dtype), though each has a namesake
 * there: a session rounds whatever a file holds to its storage.
 */
#ifndef CLVGG_STORAGE_H
#define CLVGG_STORAGE_H

#include "clvgg/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kernels are compiled with these numbers, and fingerprints hold them: they stay as they are. */
typedef enum clvgg_storage {
    CLVGG_STORAGE_F32 = 0, /* IEEE 754 binary32: 4 bytes a weight */
    CLVGG_STORAGE_F16 = 1, /* IEEE 754 binary16: 2 bytes; weights too large are UNSUPPORTED */
    CLVGG_STORAGE_BF16 = 2, /* bfloat16, the upper half of a binary32: 2 bytes */
    CLVGG_STORAGE_INT8 = 3  /* of layers whose input is quantised: integers from -127 to 127 times a
                               scale for each output channel, 1 byte; others as F32 */
} clvgg_storage;

/* The names in the order of the numbers, as a program's --help may list them. */
#define CLVGG_STORAGE_NAMES "f32|f16|bf16|int8"

/* "f32", "f16", "bf16" or "int8", static; NULL for a number that stands for no storage. */
CLVGG_API const char *clvgg_storage_name(clvgg_storage storage);
/* The storage of that name. Errors: INVALID_ARGUMENT (lists the names there are). */
CLVGG_API clvgg_status clvgg_storage_parse(const char *name, clvgg_storage *storage);

#ifdef __cplusplus
}
#endif
#endif
