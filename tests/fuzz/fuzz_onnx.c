/* tests/fuzz/fuzz_onnx.c — any bytes as an ONNX model: its network made and its weights read in
 * full, or refused. Seeds: tests/data/formats, the .onnx files. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/input_file.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a tensor in pieces: broadcast ones may stand for more than a file has. */
static void read_all(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    enum { PIECE = 65536 };
    void *values = malloc(PIECE * sizeof(float));
    for (uint64_t at = 0; at < entry->count && at < 16 * PIECE; at += PIECE) {
        const uint64_t left = entry->count - at, some = left < PIECE ? left : PIECE;
        if (vgg_weights_read(weights, entry, at, some, values) != CLVGG_STATUS_OK)
            abort(); /* what was accepted must be there */
    }
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vgg_weights *weights;
    if (vgg_weights_open(fuzz_input_file(data, size), &weights) != CLVGG_STATUS_OK)
        return 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++)
        read_all(weights, vgg_weights_entry(weights, i));
    vgg_weights_close(weights);
    return 0;
}
