/* ops/pack_items.c — which program packs a weight, and by how many work-items. */
#include "ops/pack_items.h"

#include <stdio.h>

#include "ops/upload.h"

/* Rows that a work-item takes at a time, and, of what isn't transformed, columns. Vectors are for
 * CPUs: elsewhere so many values don't fit a work-item's registers. */
static int vector_width(const clvgg_device *device, const vgg_pack *pack)
{
    int width = device->info.type == CLVGG_DEVICE_CPU && !pack->pairs ? 16 : 1;
    while (pack->panel % width != 0)
        width /= 2;
    return width;
}

uint64_t vgg_pack_items(const clvgg_device *device, const vgg_pack *pack)
{
    const uint64_t width = (uint64_t)vector_width(device, pack),
                   channels = (uint64_t)pack->channels;
    return pack->winograd != 0 ? channels
                               : (channels * (uint64_t)pack->spatial + width - 1) / width;
}

bool vgg_upload_takes_turned(const vgg_pack *pack)
{
    return pack->winograd == 0 &&
           pack->storage != CLVGG_STORAGE_INT8; /* a scale needs a whole row */
}

/* A number of the way of packing. */
static int way_of(const vgg_pack *pack, bool turned)
{
    return pack->storage == CLVGG_STORAGE_INT8 ? 3 : turned ? 2 : pack->winograd != 0;
}

const char *vgg_upload_file(const vgg_pack *pack, bool turned)
{
    static const char *const files[] = {"pack.cl", "pack_winograd.cl", "pack_turned.cl",
                                        "pack_int8.cl"};
    return files[way_of(pack, turned)];
}

void vgg_upload_list_program(vgg_kernel_list *list, const vgg_pack *pack, clvgg_dtype dtype,
                             bool turned, vgg_kernel **kernel)
{
    const bool winograd = pack->winograd != 0;
    char options[64];
    const int length = snprintf(options, sizeof options, "-DTYPE=%d -DSTORAGE=%d -D%s=%d",
                                (int)dtype, (int)pack->storage, winograd ? "M" : "PAIRS",
                                winograd ? pack->winograd : (int)pack->pairs);
    turned = turned && vgg_upload_takes_turned(pack);
    if (!turned)
        snprintf(options + length, sizeof options - (size_t)length, " -DVW=%d",
                 vector_width(list->device, pack));
    static const char *const names[] = {"pack", "pack_winograd", "pack_turned", "pack_int8"};
    vgg_kernel_list_add(list, vgg_upload_file(pack, turned), options, names[way_of(pack, turned)],
                        kernel);
}
