/* weights/keras/weights_keras.c — Keras's files: .keras (a zip of config.json and
 * model.weights.h5), a folder of the two, .weights.h5, .h5 with or without the model's
 * configuration, and .weights.json, which names the .weights.h5 files that hold the parts. Caffe's
 * HDF5 too.
 *
 * Written by Keras 3.15 and looked at; h5py stores a bfloat16 array as opaque elements of two
 * bytes. The variant with model.weights.npz, which takes an internal call, has pickles of Python's
 * objects: neither Keras 3.3, 3.8 nor 3.15 reads back what it wrote. None puts parts into a .keras.
 */
#include "weights/keras/keras.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weights/format.h"

static bool holds(const vgg_candidate *candidate, const char *word)
{
    const size_t length = strlen(word);
    for (size_t i = 0; i + length <= candidate->bytes; i++)
        if (memcmp(candidate->head + i, word, length) == 0)
            return true;
    return false;
}

/* Without libzip the first member's name tells it. */
static bool matches_keras(const vgg_candidate *candidate)
{
    if (candidate->archive == NULL)
        return vgg_archive_matches(candidate->head, candidate->bytes) && candidate->bytes > 43 &&
               memcmp(candidate->head + 30, "metadata.json", 13) == 0;
    return vgg_archive_find(candidate->archive, "config.json") != NULL &&
           (vgg_archive_find(candidate->archive, "model.weights.h5") != NULL ||
            vgg_archive_find(candidate->archive, "model.weights.npz") != NULL);
}

static bool matches_hdf5(const vgg_candidate *candidate)
{
    return candidate->bytes >= 8 && memcmp(candidate->head, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static bool matches_shards(const vgg_candidate *candidate)
{
    return candidate->bytes > 0 && candidate->head[0] == '{' && holds(candidate, "weight_map") &&
           holds(candidate, ".weights.h5");
}

static bool has_file(const char *folder, const char *name)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0;
}

/* What model.save(FOLDER, zipped=False) and Hugging Face's hub have. */
static bool matches_folder(const vgg_candidate *candidate)
{
    return candidate->file == NULL && has_file(candidate->path, "config.json") &&
           has_file(candidate->path, "model.weights.h5");
}

#ifdef VGG_KERAS_IS_READ
#include "base/alloc.h"
#include "base/text.h"
#include "weights/strided.h"

enum { LARGEST_CONFIG = 16 << 20 };

static clvgg_status create(vgg_weights *weights, vgg_keras **out)
{
    VGG_NEW_PASS(*out, 1);
    (*out)->weights = weights;
    weights->own = *out;
    return vgg_row_cache_create(&(*out)->rows);
}

/* ---- the network ---- */

static clvgg_status build_network(vgg_keras *keras)
{
    clvgg_status status = CLVGG_STATUS_OK;
    keras_build build = {.keras = keras};
    const char *architecture;
    VGG_TRY(vgg_keras_collect(keras));
    if (keras->config_text != NULL) {
        VGG_TRY(vgg_keras_read_steps(keras));
        VGG_TRY(vgg_keras_build_steps(&build));
    } else {
        VGG_TRY(vgg_keras_build_from_shapes(&build));
    }
    VGG_TRY(vgg_keras_name_layers(build.graph, &architecture));
    if (architecture != NULL)
        VGG_TRY(vgg_weights_state(keras->weights, "clvgg.arch", architecture));
    VGG_TRY(vgg_keras_bind(&build));
    VGG_TRY(vgg_keras_state_preprocessing(&build, architecture != NULL));
    VGG_GIVE(&keras->weights->graph, build.graph);
cleanup:
    vgg_graph_free(build.graph);
    return vgg_prefixed(status, "%s", keras->weights->path);
}

/* ---- opening ---- */

/* The list of layers, and the configuration of a whole model. */
static clvgg_status read_h5_attributes(vgg_keras *keras)
{
    char **texts = NULL;
    size_t count = 0;
    vgg_hdf5 *file = keras->files[0].hdf5;
    VGG_PASS(vgg_hdf5_texts(file, "model_weights", "layer_names", &keras->layer_names,
                            &keras->layer_count));
    if (keras->layer_count == 0)
        VGG_PASS(vgg_hdf5_texts(file, "", "layer_names", &keras->layer_names, &keras->layer_count));
    VGG_PASS(vgg_hdf5_texts(file, "", "model_config", &texts, &count));
    if (count == 1) {
        keras->config_text = texts[0];
        texts[0] = NULL;
    }
    vgg_hdf5_free_texts(texts, count);
    return CLVGG_STATUS_OK;
}

static clvgg_status open_hdf5(vgg_weights *weights)
{
    vgg_keras *keras = NULL;
    VGG_PASS(create(weights, &keras));
    VGG_PASS(vgg_keras_add_file(keras, NULL));
    if (vgg_keras_is_caffe(keras))
        return vgg_prefixed(vgg_keras_add_caffe(keras), "%s", weights->path);
    VGG_PASS(read_h5_attributes(keras));
    return build_network(keras);
}

#ifdef CLVGG_HAVE_ZIP
static clvgg_status open_keras(vgg_weights *weights)
{
    vgg_keras *keras = NULL;
    const vgg_archive_member *config = vgg_archive_find(weights->archive, "config.json");
    const vgg_archive_member *variables = vgg_archive_find(weights->archive, "model.weights.h5");
    VGG_CHECK(variables != NULL, CLVGG_STATUS_UNSUPPORTED,
              "%s: its weights are in model.weights.npz as pickled objects, which Keras itself "
              "doesn't read back: save the model by model.save('NAME.keras')",
              weights->path);
    VGG_PASS(create(weights, &keras));
    VGG_PASS(vgg_archive_read_all(weights->archive, config, LARGEST_CONFIG, &keras->config_text));
    VGG_PASS(vgg_keras_add_member(keras, variables));
    return build_network(keras);
}
#endif

static clvgg_status open_keras_shards(vgg_weights *weights)
{
    vgg_keras *keras = NULL;
    VGG_PASS(create(weights, &keras));
    VGG_PASS(vgg_keras_add_shards(keras));
    return build_network(keras);
}

static clvgg_status open_keras_folder(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_keras *keras = NULL;
    char *config = NULL, *variables = NULL;
    unsigned char *text;
    size_t size;
    VGG_TRY(create(weights, &keras));
    VGG_TRY(vgg_keras_path_in(weights->path, "config.json", &config));
    VGG_TRY(vgg_keras_path_in(weights->path, "model.weights.h5", &variables));
    VGG_TRY(vgg_file_read_all(config, LARGEST_CONFIG, &text, &size));
    keras->config_text = (char *)text;
    VGG_TRY(vgg_keras_add_file(keras, variables));
    VGG_TRY(build_network(keras));
cleanup:
    vgg_free(config);
    vgg_free(variables);
    return status;
}

/* ---- values ---- */

static clvgg_status read_keras(const vgg_weights *weights, size_t slot, uint64_t first,
                               uint64_t count, void *data)
{
    const vgg_keras *keras = weights->own;
    const keras_place *place = keras->places[weights->slots[slot].place];
    if (place->set != NULL)
        return vgg_row_cache_read(keras->rows, &place->strided, weights->slots[slot].entry.dtype,
                                  first, count, data);
    for (uint64_t i = 0; i < count; i++)
        ((float *)data)[i] = place->constant;
    return CLVGG_STATUS_OK;
}

static const vgg_strided *strided_of(const vgg_weights *weights, size_t slot)
{
    const vgg_keras *keras = weights->own;
    const keras_place *place = keras->places[weights->slots[slot].place];
    return place->set != NULL ? &place->strided : NULL;
}

static void close_keras(vgg_weights *weights)
{
    vgg_keras *keras = weights->own;
    if (keras == NULL)
        return;
    vgg_keras_close_files(keras);
    for (size_t i = 0; i < keras->group_count; i++)
        vgg_free(keras->groups[i].path);
    for (size_t i = 0; i < keras->step_count; i++) {
        vgg_free(keras->steps[i].path);
        vgg_free(keras->steps[i].model);
    }
    for (size_t i = 0; i < keras->place_count; i++)
        vgg_free(keras->places[i]);
    vgg_hdf5_free_texts(keras->layer_names, keras->layer_count);
    cJSON_Delete(keras->config);
    vgg_row_cache_free(keras->rows);
    vgg_free(keras->config_text);
    vgg_free(keras->groups);
    vgg_free(keras->steps);
    vgg_free(keras->bound);
    vgg_free(keras->places);
    vgg_free(keras);
    weights->own = NULL;
}

#define OPENED_BY(function)                                                                        \
    .open = function, .read = read_keras, .strided = strided_of, .close = close_keras
#else
#define OPENED_BY(function) .needs = "cJSON"
#endif

#if defined(VGG_KERAS_IS_READ) && !defined(CLVGG_HAVE_ZIP)
const vgg_weights_format vgg_weights_keras = {
    .name = "a Keras model (.keras)", .matches = matches_keras, .needs = "libzip"};
#else
const vgg_weights_format vgg_weights_keras = {
    .name = "a Keras model (.keras)", .matches = matches_keras, OPENED_BY(open_keras)};
#endif
const vgg_weights_format vgg_weights_hdf5 = {
    .name = "an HDF5 file (Keras, Caffe)", .matches = matches_hdf5, OPENED_BY(open_hdf5)};
const vgg_weights_format vgg_weights_keras_folder = {
    .name = "a Keras model's folder", .matches = matches_folder, OPENED_BY(open_keras_folder)};
const vgg_weights_format vgg_weights_keras_shards = {.name =
                                                         "Keras weights in parts (.weights.json)",
                                                     .matches = matches_shards,
                                                     OPENED_BY(open_keras_shards)};
