/* tests/fuzz/fuzz_caffe.c — any bytes as a Caffe model: opened and read in full, or refused. */
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
        const uint64_t count = entry->count < 65536 ? entry->count : 65536;
        void *values = malloc((size_t)count * vgg_dtype_bytes(entry->dtype) + 1);
        if (vgg_weights_find(weights, entry->name) != entry ||
            vgg_weights_read(weights, entry, entry->count - count, count, values) !=
                CLVGG_STATUS_OK)
            abort(); /* what was accepted must be there */
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
