/* weights/keras/hdf5_caffe.c — Caffe's snapshots in HDF5 (.caffemodel.h5), weights alone:
 * data/LAYER/0 is a layer's weight, data/LAYER/1 its bias, in clvgg's layouts; diff/ has gradients.
 *
 * Source: Net::ToHDF5() of BVLC's Caffe. It writes a group for each layer, most of them empty.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>
#include <string.h>

#include "graph/layer.h"

/* Where the layer's name begins in "data/LAYER/0", and its length; 0: it is no such path. */
static size_t layer_of(const char *path, const char **name)
{
    const char *last = strrchr(path, '/');
    *name = path + 5;
    return strncmp(path, "data/", 5) == 0 && last > *name && strspn(last + 1, "0123456789") > 0
               ? (size_t)(last - *name)
               : 0;
}

bool vgg_keras_is_caffe(const vgg_keras *keras)
{
    const vgg_hdf5 *file = keras->files[0].hdf5;
    const char *name;
    for (size_t i = 0; i < file->count; i++) {
        const size_t length = layer_of(file->datasets[i].path, &name);
        if (strncmp(file->datasets[i].path, "diff/", 5) != 0 &&
            (length == 0 || memchr(name, '/', length) != NULL || strncmp(name, "vars/", 5) == 0))
            return false;
    }
    return file->count > 0;
}

static clvgg_status add_blob(vgg_keras *keras, const vgg_hdf5_dataset *set)
{
    const char *layer, *blob = strrchr(set->path, '/') + 1;
    const size_t length = layer_of(set->path, &layer);
    char name[VGG_MAX_NAME_LENGTH + 32];
    keras_place *place = NULL;
    int64_t stride = 1;
    if (length == 0)
        return CLVGG_STATUS_OK; /* a gradient */
    VGG_CHECK(strcmp(blob, "0") == 0 || strcmp(blob, "1") == 0, CLVGG_STATUS_UNSUPPORTED,
              "layer '%.*s' has more than weight and bias, as batch norm has, which Caffe's HDF5 "
              "doesn't say: save the .caffemodel, without snapshot_format: HDF5",
              (int)length, layer);
    VGG_CHECK(set->foreign == NULL, CLVGG_STATUS_UNSUPPORTED, "data set \"%s\" %s", set->path,
              set->foreign);
    VGG_CHECK(length <= VGG_MAX_NAME_LENGTH, CLVGG_STATUS_BAD_FILE,
              "layer '%.64s…' has a name of more than %d bytes", layer, VGG_MAX_NAME_LENGTH);
    VGG_PASS(vgg_keras_add_place(keras, set, 0, &place));
    place->strided.rank = set->shape.rank;
    for (int i = set->shape.rank - 1; i >= 0; i--) {
        place->strided.dims[i] = set->shape.dims[i];
        place->strided.strides[i] = stride;
        stride *= set->shape.dims[i];
    }
    snprintf(name, sizeof name, "%.*s.%s", (int)length, layer, blob[0] == '0' ? "weight" : "bias");
    return vgg_weights_add(keras->weights, name, &set->shape, set->dtype, NULL,
                           keras->place_count - 1);
}

clvgg_status vgg_keras_add_caffe(vgg_keras *keras)
{
    const vgg_hdf5 *file = keras->files[0].hdf5;
    for (size_t i = 0; i < file->count; i++)
        VGG_PASS(add_blob(keras, &file->datasets[i]));
    return CLVGG_STATUS_OK;
}
#endif
