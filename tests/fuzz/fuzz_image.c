/* tests/fuzz/fuzz_image.c — any bytes as a picture: measured, decoded and prepared, or refused. */
#include <stdlib.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float prepared[3 * 8 * 9];
    static const clvgg_preprocess preprocess = {.struct_size = sizeof preprocess,
                                                .channels = 3,
                                                .resize_short = 7,
                                                .height = 8,
                                                .width = 9,
                                                .scale = 1,
                                                .std = {1, 1, 1}};
    vgg_image_cost cost;
    clvgg_image *image;
    if (vgg_image_decode(data, size, "fuzz", &image) != CLVGG_STATUS_OK)
        return 0;
    if (vgg_image_measure(data, size, "fuzz", &cost) != CLVGG_STATUS_OK ||
        cost.decode_bytes < (uint64_t)image->width * (uint64_t)image->height * 3 ||
        vgg_image_prepare(image, &preprocess, prepared) != CLVGG_STATUS_OK)
        abort(); /* what was decoded must be measured and prepared */
    vgg_image_free(image);
    return 0;
}
