/* tests/fuzz/fuzz_torch.c — any bytes as a file of PyTorch's, a zip archive or a tar: opened and
 * read in full, or refused. A member that is packed may turn out to be damaged when it is read.
 *
 * Seeds: tests/data/weights/small.pth, small.pt2 and small_tar.pth.
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
        const uint64_t some = entry->count < 4096 ? entry->count : 4096;
        void *values = malloc((size_t)some * vgg_dtype_bytes(entry->dtype) + 1);
        if (vgg_weights_find(weights, entry->name) != entry)
            abort();
        const clvgg_status status = vgg_weights_read(weights, entry, 0, some, values);
        if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_BAD_FILE)
            abort();
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
