/* tests/fuzz/fuzz_keras.c — any bytes as a Keras file, stored or deflated, or as Caffe's HDF5: opened
 * and read in full, or refused. Seeds: tests/data/formats/KEY/keras*, *.caffemodel.h5,
 * tests/data/keras_refused.
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
        /* What is packed may be damaged, which is found when it is read. */
        if (vgg_weights_find(weights, entry->name) != entry ||
            (vgg_weights_read(weights, entry, 0, entry->count, values) == CLVGG_STATUS_OK &&
             vgg_weights_read(weights, entry, entry->count - 1, 1, values) != CLVGG_STATUS_OK))
            abort();
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
