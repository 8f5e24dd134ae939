/* weights/numpy/npy_layout.c — arrays in TensorFlow's layouts, as the canonical ones.
 *
 * Ports of VGG to TensorFlow store convolutions as height, width, input, output, dense layers as
 * (input, output), and the first dense layer reads a height × width × channel flattening. That a
 * file is such a one is seen by conv1_1, whose last dimension, not the first, is as long as its
 * bias.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/shape.h"
#include "weights/numpy/npy_values.h"

static vgg_tensor_slot *find(vgg_weights *weights, const char *name)
{
    for (size_t i = 0; i < weights->slot_count; i++)
        if (weights->slots[i].foreign_dtype == NULL &&
            strcmp(weights->slots[i].entry.name, name) == 0)
            return &weights->slots[i];
    return NULL;
}

static bool is_tensorflow(vgg_weights *weights)
{
    const vgg_tensor_slot *weight = find(weights, "conv1_1.weight");
    const vgg_tensor_slot *bias = find(weights, "conv1_1.bias");
    if (weight == NULL || bias == NULL || weight->entry.shape.rank != 4)
        return false;
    const int64_t *dims = weight->entry.shape.dims, out = (int64_t)bias->entry.count;
    return dims[0] == dims[1] && dims[0] != out && dims[3] == out;
}

/* Takes the array's dimensions in another order. */
static void transpose(vgg_tensor_slot *slot, vgg_strided *values, const int *axes)
{
    const vgg_strided stored = *values;
    for (int i = 0; i < values->rank; i++) {
        values->dims[i] = slot->entry.shape.dims[i] = stored.dims[axes[i]];
        values->strides[i] = stored.strides[axes[i]];
    }
}

/* The last convolution's output channels, of which the first dense layer reads images. */
static int64_t last_channels(const vgg_weights *weights)
{
    const vgg_tensor_slot *last = NULL;
    for (size_t i = 0; i < weights->slot_count; i++) {
        const vgg_tensor_slot *slot = &weights->slots[i];
        if (strncmp(slot->entry.name, "conv", 4) == 0 && slot->entry.shape.rank == 4 &&
            (last == NULL || strcmp(slot->entry.name, last->entry.name) > 0))
            last = slot;
    }
    return last != NULL ? last->entry.shape.dims[0] : 0;
}

/* Features in the order channel, height, width; an image is square. */
static clvgg_status unflatten(const vgg_weights *weights, const vgg_tensor_slot *slot,
                              vgg_strided *values)
{
    const int64_t channels = last_channels(weights), features = values->dims[1];
    const int64_t stride = values->strides[1];
    int64_t side = 1;
    while (channels > 0 && side < 65536 && side * side < features / channels)
        side++;
    VGG_CHECK(
        channels > 0 && features % channels == 0 && side * side == features / channels,
        CLVGG_STATUS_UNSUPPORTED,
        "%s: tensor '%s' takes %" PRId64 " features, no square image of %" PRId64
        " channels; it is in TensorFlow's layout, whose order of features depends on the image",
        weights->path, slot->entry.name, features, channels);
    const int64_t dims[] = {values->dims[0], channels, side, side};
    const int64_t strides[] = {values->strides[0], stride, side * channels * stride,
                               channels * stride};
    memcpy(values->dims, dims, sizeof dims);
    memcpy(values->strides, strides, sizeof strides);
    values->rank = 4;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npy_make_canonical(vgg_weights *weights,
                                    vgg_strided *(*values_of)(vgg_weights *weights, size_t place))
{
    static const int from_hwio[] = {3, 2, 0, 1}, swapped[] = {1, 0};
    if (!is_tensorflow(weights))
        return CLVGG_STATUS_OK;
    for (size_t i = 0; i < weights->slot_count; i++) {
        vgg_tensor_slot *slot = &weights->slots[i];
        const int rank = slot->foreign_dtype == NULL ? slot->entry.shape.rank : 0;
        if ((rank == 4 && strncmp(slot->entry.name, "conv", 4) == 0) ||
            (rank == 2 && strncmp(slot->entry.name, "fc", 2) == 0))
            transpose(slot, values_of(weights, slot->place), rank == 4 ? from_hwio : swapped);
    }
    const vgg_tensor_slot *fc6 = find(weights, "fc6.weight");
    if (fc6 != NULL && fc6->entry.shape.rank == 2)
        VGG_PASS(unflatten(weights, fc6, values_of(weights, fc6->place)));
    vgg_weights_note(weights, "read as TensorFlow's layout: convolutions are height x width x in x "
                              "out, and fc6 reads height x width x channels");
    return CLVGG_STATUS_OK;
}
