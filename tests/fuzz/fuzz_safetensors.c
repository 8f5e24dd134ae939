/* tests/fuzz/fuzz_safetensors.c — any bytes as a weight file: opened and read in full, or refused.
 */
#include <stdlib.h>

#include "fuzz/input_file.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vgg_weights *weights;
    if (vgg_weights_open(fuzz_input_file(data, size), &weights) != CLVGG_STATUS_OK)
        return 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        void *values = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype) + 1);
        const clvgg_status status = vgg_weights_read(weights, entry, 0, entry->count, values);
        if (vgg_weights_find(weights, entry->name) != entry ||
            (status != CLVGG_STATUS_OK && !(entry->int8 && status == CLVGG_STATUS_BAD_FILE)))
            abort(); /* what was accepted must be there; levels and scales are judged as they are read */
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
