/* tests/fuzz/fuzz_ncnn.c — any bytes as an ncnn description, with weights that are all there: as
 * many zeros as it asks for, up to a megabyte. Opened and read, or refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/dtype.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(const char *path, const void *data, size_t size, long bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size ||
        (bytes > (long)size && (fseek(file, bytes - 1, SEEK_SET) != 0 || fputc(0, file) == EOF)) ||
        fclose(file) != 0)
        abort();
}

/* The size that a message asks for: "the network's weights end at byte N". */
static long wanted_bytes(void)
{
    const char *found = strstr(vgg_message(), "weights end at byte ");
    const long bytes = found != NULL ? atol(found + strlen("weights end at byte ")) : 0;
    return bytes > 0 && bytes < 1 << 20 ? bytes : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/tmp/fuzz-ncnn-XXXXXX", param[64], bin[64];
    vgg_weights *weights;
    if (param[0] == '\0') {
        if (mkdtemp(folder) == NULL)
            abort();
        snprintf(param, sizeof param, "%s/net.param", folder);
        snprintf(bin, sizeof bin, "%s/net.bin", folder);
    }
    write_file(param, data, size, 0);
    write_file(bin, "", 0, 1 << 20);
    clvgg_status status = vgg_weights_open(param, &weights);
    if (status != CLVGG_STATUS_OK && wanted_bytes() > 0) {
        write_file(bin, "", 0, wanted_bytes());
        status = vgg_weights_open(param, &weights);
    }
    if (status != CLVGG_STATUS_OK)
        return 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        void *values = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype) + 1);
        if (vgg_weights_read(weights, entry, 0, entry->count, values) != CLVGG_STATUS_OK)
            abort();
        free(values);
    }
    vgg_weights_close(weights);
    return 0;
}
