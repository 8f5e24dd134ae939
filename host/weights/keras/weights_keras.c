/* weights/keras/weights_keras.c — Keras's files: .keras (a zip of config.json and
 * model.weights.h5), .weights.h5, .h5 with or without the model's configuration, and .weights.json,
 * which names the .weights.h5 files that hold the parts.
 *
 * Written by Keras 3.15 and looked at; h5py stores a bfloat16 array as opaque elements of two
 * bytes. The variant with model.weights.npz holds pickles, which Keras itself doesn't read back.
 */
#include "weights/keras/keras.h"

#include <string.h>

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
            vgg_archive_find(candidate->archive, "model.weights.npz") != NULL ||
            vgg_archive_find(candidate->archive, "model.weights.json") != NULL);
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

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "weights/strided.h"

enum { LARGEST_CONFIG = 16 << 20, LARGEST_SHARD_LIST = 4 << 20, MOST_SHARDS = 4096 };

/* ---- the files ---- */

static clvgg_status reserve_file(vgg_keras *keras)
{
    if (keras->file_count < keras->file_capacity)
        return CLVGG_STATUS_OK;
    const size_t more = keras->file_capacity > 0 ? 2 * keras->file_capacity : 4;
    void *files = vgg_realloc(keras->files, more, sizeof *keras->files);
    VGG_PASS(VGG_MADE(files));
    keras->files = files;
    void *opened = vgg_realloc(keras->opened, more, sizeof *keras->opened);
    VGG_PASS(VGG_MADE(opened));
    keras->opened = opened;
    void *names = vgg_realloc(keras->names, more, sizeof *keras->names);
    VGG_PASS(VGG_MADE(names));
    keras->names = names;
    keras->file_capacity = more;
    return CLVGG_STATUS_OK;
}

/* Takes the name, and a file of its own where `path` isn't NULL. */
static clvgg_status add_file(vgg_keras *keras, vgg_hdf5_source source, const char *path, char *name)
{
    const clvgg_status status = reserve_file(keras);
    if (status != CLVGG_STATUS_OK) {
        vgg_free(name);
        return status;
    }
    const size_t at = keras->file_count++;
    keras->names[at] = name;
    keras->files[at] = NULL;
    keras->opened[at] = NULL;
    if (path != NULL) {
        VGG_PASS(vgg_file_open(path, &keras->opened[at]));
        source = (vgg_hdf5_source){keras->opened[at], 0, vgg_file_size(keras->opened[at])};
    }
    return vgg_hdf5_open(source, keras->names[at], &keras->files[at]);
}

static clvgg_status create(vgg_weights *weights, vgg_keras **out)
{
    VGG_NEW_PASS(*out, 1);
    (*out)->weights = weights;
    weights->own = *out;
    return vgg_row_cache_create(&(*out)->rows);
}

/* ---- the network ---- */

/* Preprocessing: the file's own layer, or what Keras's VGGs were trained with. */
static clvgg_status state_preprocessing(const keras_build *build, bool is_vgg)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_weights *weights = build->keras->weights;
    const int64_t *input = build->graph->nodes[0].output.dims;
    const float *deviation = build->deviation;
    vgg_text text = {0};
    if (input[0] != 3 || (!is_vgg && !build->has_preprocessing))
        return status;
    if (build->has_preprocessing) {
        vgg_text_puts(&text, "{\"channels\": \"RGB\", \"scale\": ");
        vgg_text_json_number(&text, (double)build->scale);
        for (int c = 0; c < 3; c++) {
            vgg_text_puts(&text, c == 0 ? ", \"mean\": [" : ", ");
            vgg_text_json_number(&text, -(double)build->offset[c]);
        }
        for (int c = 0; c < 3; c++) {
            vgg_text_puts(&text, c == 0 ? "], \"std\": [" : ", ");
            vgg_text_json_number(&text, (double)deviation[c]);
        }
        weights->preprocess_origin = "the model's own first layer";
    } else {
        vgg_text_puts(&text, "{\"channels\": \"BGR\", \"scale\": 1, \"mean\": [103.939, 116.779, "
                             "123.68], \"std\": [1, 1, 1");
        weights->preprocess_origin = "Keras's VGG16, from the file's format";
    }
    vgg_text_printf(&text, "], \"crop\": [%lld, %lld], \"mode\": \"squash\"}", (long long)input[1],
                    (long long)input[2]);
    VGG_TRY(vgg_text_check(&text, "preprocessing"));
    VGG_TRY(vgg_weights_state(weights, "clvgg.preprocess", vgg_text_string(&text)));
    vgg_weights_note(weights, "pictures are squashed to the input's size, as Keras does, but by "
                              "antialiased bilinear interpolation, which Keras doesn't");
cleanup:
    vgg_text_free(&text);
    return status;
}

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
    VGG_TRY(state_preprocessing(&build, architecture != NULL));
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
    vgg_hdf5 *file = keras->files[0];
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
    char *name;
    VGG_PASS(create(weights, &keras));
    VGG_DUP_PASS(name, weights->path);
    VGG_PASS(add_file(keras, (vgg_hdf5_source){weights->file, 0, vgg_file_size(weights->file)},
                      NULL, name));
    VGG_PASS(read_h5_attributes(keras));
    return build_network(keras);
}

#ifdef CLVGG_HAVE_ZIP
static clvgg_status name_member(const vgg_weights *weights, const char *member, char **name)
{
    vgg_text text = {0};
    vgg_text_printf(&text, "%s: %s", weights->path, member);
    return vgg_text_take(&text, "a name", name);
}

static clvgg_status open_keras(vgg_weights *weights)
{
    vgg_keras *keras = NULL;
    char *name;
    const vgg_archive *archive = weights->archive;
    const vgg_archive_member *config = vgg_archive_find(archive, "config.json");
    const vgg_archive_member *stored = vgg_archive_find(archive, "model.weights.h5");
    VGG_CHECK(stored != NULL, CLVGG_STATUS_UNSUPPORTED,
              "%s: its weights aren't in model.weights.h5 but in shards or in an .npz of pickles, "
              "which isn't read: save it by model.save('NAME.keras')",
              weights->path);
    VGG_CHECK(stored->stored, CLVGG_STATUS_UNSUPPORTED,
              "%s: its member model.weights.h5 is packed, which Keras doesn't do: unpack the zip "
              "and pack it with level 0",
              weights->path);
    VGG_PASS(create(weights, &keras));
    VGG_PASS(vgg_archive_read_all(archive, config, LARGEST_CONFIG, &keras->config_text));
    VGG_PASS(name_member(weights, stored->name, &name));
    VGG_PASS(add_file(keras, (vgg_hdf5_source){weights->file, stored->offset, stored->bytes}, NULL,
                      name));
    return build_network(keras);
}
#endif

/* ---- shards ---- */

/* The path of a file that lies beside the list. */
static clvgg_status shard_path(const vgg_weights *weights, const char *shard, char **path)
{
    vgg_text text = {0};
    const char *slash = strrchr(weights->path, '/');
    VGG_CHECK(shard[0] != '\0' && shard[0] != '.' && strchr(shard, '/') == NULL,
              CLVGG_STATUS_BAD_FILE, "%s: names a part '%.64s', which isn't a file beside it",
              weights->path, shard);
    if (slash != NULL)
        vgg_text_append(&text, weights->path, (size_t)(slash - weights->path) + 1);
    vgg_text_puts(&text, shard);
    return vgg_text_take(&text, "a path", path);
}

static clvgg_status add_shard(vgg_keras *keras, const char *shard)
{
    char *path;
    VGG_PASS(shard_path(keras->weights, shard, &path));
    for (size_t i = 0; i < keras->file_count; i++)
        if (strcmp(keras->names[i], path) == 0) {
            vgg_free(path);
            return CLVGG_STATUS_OK;
        }
    if (keras->file_count >= MOST_SHARDS) {
        vgg_free(path);
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: names more than %d parts", keras->weights->path,
                        MOST_SHARDS);
    }
    return add_file(keras, (vgg_hdf5_source){0}, path, path);
}

/* A part's name, or a list of them. */
static clvgg_status add_shards(vgg_keras *keras, const cJSON *map)
{
    VGG_CHECK(cJSON_IsObject(map), CLVGG_STATUS_BAD_FILE, "%s: has no object weight_map",
              keras->weights->path);
    for (const cJSON *entry = map->child; entry != NULL; entry = entry->next) {
        const cJSON *part = cJSON_IsArray(entry) ? entry->child : entry;
        for (; part != NULL; part = cJSON_IsArray(entry) ? part->next : NULL) {
            VGG_CHECK(cJSON_IsString(part), CLVGG_STATUS_BAD_FILE,
                      "%s: weight_map names no file for '%.64s'", keras->weights->path,
                      entry->string);
            VGG_PASS(add_shard(keras, part->valuestring));
        }
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status open_keras_shards(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_keras *keras = NULL;
    cJSON *list = NULL;
    unsigned char *text = NULL;
    size_t size;
    VGG_TRY(create(weights, &keras));
    VGG_TRY(vgg_file_read_all(weights->path, LARGEST_SHARD_LIST, &text, &size));
    VGG_TRY(vgg_json_parse((const char *)text, size + 1, true, NULL, &list));
    VGG_REQUIRE(cJSON_IsObject(list), CLVGG_STATUS_BAD_FILE, "%s: isn't JSON", weights->path);
    VGG_TRY(add_shards(keras, cJSON_GetObjectItemCaseSensitive(list, "weight_map")));
    VGG_REQUIRE(keras->file_count > 0, CLVGG_STATUS_BAD_FILE, "%s: names no file of weights",
                weights->path);
    VGG_TRY(build_network(keras));
cleanup:
    cJSON_Delete(list);
    vgg_free(text);
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

static void close_keras(vgg_weights *weights)
{
    vgg_keras *keras = weights->own;
    if (keras == NULL)
        return;
    for (size_t i = 0; i < keras->file_count; i++) {
        vgg_hdf5_close(keras->files[i]);
        vgg_file_close(keras->opened[i]);
        vgg_free(keras->names[i]);
    }
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
    vgg_free(keras->files);
    vgg_free(keras->opened);
    vgg_free(keras->names);
    vgg_free(keras->groups);
    vgg_free(keras->steps);
    vgg_free(keras->bound);
    vgg_free(keras->places);
    vgg_free(keras);
    weights->own = NULL;
}

#define OPENED_BY(function) .open = function, .read = read_keras, .close = close_keras
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
    .name = "an HDF5 file (Keras)", .matches = matches_hdf5, OPENED_BY(open_hdf5)};
const vgg_weights_format vgg_weights_keras_shards = {.name =
                                                         "Keras weights in parts (.weights.json)",
                                                     .matches = matches_shards,
                                                     OPENED_BY(open_keras_shards)};
