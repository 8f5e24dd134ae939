/* weights/keras/keras_files.c — the HDF5 files that hold a model's variables: the file itself, a
 * member of a .keras, the files that a .weights.json names.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "base/text.h"

enum { LARGEST_SHARD_LIST = 4 << 20, MOST_SHARDS = 4096 };

static clvgg_status next_file(vgg_keras *keras, keras_file **out)
{
    VGG_GROW_PASS(keras->files, keras->file_count, keras->file_capacity, 4);
    *out = &keras->files[keras->file_count++];
    **out = (keras_file){0};
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_keras_add_file(vgg_keras *keras, const char *path)
{
    keras_file *file;
    VGG_PASS(next_file(keras, &file));
    VGG_DUP_PASS(file->name, path != NULL ? path : keras->weights->path);
    if (path != NULL)
        VGG_PASS(vgg_weights_open_part(keras->weights, path, &file->own));
    const vgg_file *source = path != NULL ? file->own : keras->weights->file;
    return vgg_hdf5_open((vgg_hdf5_source){source, 0, vgg_file_size(source)}, file->name,
                         &file->hdf5);
}

/* HDF5 is read here and there, what is deflated from its beginning on: it is unpacked first. */
clvgg_status vgg_keras_add_member(vgg_keras *keras, const vgg_archive_member *member)
{
    vgg_weights *weights = keras->weights;
    vgg_hdf5_source source = {weights->file, member->offset, member->bytes};
    keras_file *file;
    vgg_text name = {0};
    VGG_PASS(next_file(keras, &file));
    vgg_text_printf(&name, "%s: %s", weights->path, member->name);
    VGG_PASS(vgg_text_take(&name, "a name", &file->name));
    if (!member->stored) {
        VGG_PASS(vgg_archive_unpack(weights->archive, member, &file->own));
        source = (vgg_hdf5_source){file->own, 0, member->bytes};
        vgg_weights_note(weights,
                         "its %s is deflated, and is unpacked into a temporary file at each "
                         "opening: zip -0 packs it as Keras does",
                         member->name);
    }
    return vgg_hdf5_open(source, file->name, &file->hdf5);
}

void vgg_keras_close_files(vgg_keras *keras)
{
    for (size_t i = 0; i < keras->file_count; i++) {
        vgg_hdf5_close(keras->files[i].hdf5);
        vgg_file_close(keras->files[i].own);
        vgg_free(keras->files[i].name);
    }
    vgg_free(keras->files);
}

/* ---- shards ---- */

clvgg_status vgg_keras_path_in(const char *folder, const char *name, char **path)
{
    vgg_text text = {0};
    vgg_text_printf(&text, "%s/%s", folder, name);
    return vgg_text_take(&text, "a path", path);
}

/* The path of a file that lies beside the list. */
static clvgg_status shard_path(const char *list, const char *shard, char **path)
{
    vgg_text text = {0};
    const char *slash = strrchr(list, '/');
    VGG_CHECK(shard[0] != '\0' && shard[0] != '.' && strchr(shard, '/') == NULL,
              CLVGG_STATUS_BAD_FILE, "%s: names a part '%.64s', which isn't a file beside it", list,
              shard);
    if (slash != NULL)
        vgg_text_append(&text, list, (size_t)(slash - list) + 1);
    vgg_text_puts(&text, shard);
    return vgg_text_take(&text, "a path", path);
}

static clvgg_status add_shard(vgg_keras *keras, const char *shard)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *path = NULL;
    bool known = false;
    VGG_TRY(shard_path(keras->weights->path, shard, &path));
    for (size_t i = 0; i < keras->file_count && !known; i++)
        known = strcmp(keras->files[i].name, path) == 0;
    VGG_REQUIRE(known || keras->file_count < MOST_SHARDS, CLVGG_STATUS_BAD_FILE,
                "%s: names more than %d parts", keras->weights->path, MOST_SHARDS);
    if (!known)
        VGG_TRY(vgg_keras_add_file(keras, path));
cleanup:
    vgg_free(path);
    return status;
}

/* A part's name, or a list of them. */
static clvgg_status add_parts(vgg_keras *keras, const cJSON *map)
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
    VGG_CHECK(keras->file_count > 0, CLVGG_STATUS_BAD_FILE, "%s: names no file of weights",
              keras->weights->path);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_keras_add_shards(vgg_keras *keras)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *path = keras->weights->path;
    cJSON *list = NULL;
    unsigned char *text = NULL;
    size_t size;
    VGG_TRY(vgg_file_read_all(path, LARGEST_SHARD_LIST, &text, &size));
    VGG_TRY(vgg_json_parse((const char *)text, size + 1, true, NULL, &list));
    VGG_REQUIRE(cJSON_IsObject(list), CLVGG_STATUS_BAD_FILE, "%s: isn't JSON", path);
    VGG_TRY(add_parts(keras, cJSON_GetObjectItemCaseSensitive(list, "weight_map")));
cleanup:
    cJSON_Delete(list);
    vgg_free(text);
    return status;
}
#endif
