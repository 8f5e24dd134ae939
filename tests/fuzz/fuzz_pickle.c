/* tests/fuzz/fuzz_pickle.c — any bytes as a PyTorch checkpoint's object, in the stream of pickles:
 * opened and read in full, or refused. What stands around the object is always right, so that the
 * fuzzer works on the object: the input is the object's pickle and, behind it, the list of keys and
 * the storages.
 *
 * Seeds: tests/data/weights/small_stream.pth without its first 137 bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/input_file.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char front[] = "\x80\2\x8A\nl\xFC\x9C\x46\xF9 j\xA8P\x19."
                                "\x80\2M\xE9\3.\x80\2}.";
    vgg_weights *weights;
    uint8_t *file = malloc(sizeof front - 1 + size);
    memcpy(file, front, sizeof front - 1);
    if (size > 0)
        memcpy(file + sizeof front - 1, data, size);
    const char *path = fuzz_input_file(file, sizeof front - 1 + size);
    free(file);
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        return 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        void *values = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype) + 1);
        if (vgg_weights_find(weights, entry->name) != entry ||
            vgg_weights_read(weights, entry, 0, entry->count, values) != CLVGG_STATUS_OK)
            abort(); /* what was accepted must be there */
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
