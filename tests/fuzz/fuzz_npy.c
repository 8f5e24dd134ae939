/* tests/fuzz/fuzz_npy.c — any bytes as a .npy file: opened and read in full, or refused. */
#include <stdlib.h>

#include "fuzz/input_file.h"
#include "tensor/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    clvgg_npy_reader *reader;
    if (vgg_npy_open(fuzz_input_file(data, size), &reader) != CLVGG_STATUS_OK)
        return 0;
    float *values = malloc(size + sizeof *values);
    if (vgg_npy_read(reader, 0, reader->shape.dims[0], values) != CLVGG_STATUS_OK)
        abort(); /* what was accepted must be there */
    free(values);
    vgg_npy_close(reader);
    return 0;
}
