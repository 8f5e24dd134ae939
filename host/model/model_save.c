/* model/model_save.c — writes a model as safetensors: canonical names and shapes, clvgg's metadata,
 * and whatever else the file it came from says about itself.
 *
 * With another head, source and licence of the file it came from are those of the layers that it
 * keeps; clvgg.head.source and clvgg.head.license are about the head. What else the file says
 * (how right it is, on what it was trained) is true of the network that it was: "base." stands
 * before it.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "model/assemble.h"
#include "model/labels.h"
#include "model/preprocess.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

#define SCRATCH_ELEMENTS 65536

/* The `user` of the writer's callback. */
typedef struct save_state {
    const clvgg_model *model;
    const vgg_tensor_entry *tensors;
    float *scratch; /* SCRATCH_ELEMENTS, of a source's values before conversion */
} save_state;

/* Values of a source are converted piece by piece. */
static clvgg_status read_converted(const save_state *save, const vgg_parameter *parameter,
                                   clvgg_dtype dtype, uint64_t first, uint64_t count, void *data)
{
    for (uint64_t done = 0; done < count;) {
        size_t piece = count - done < SCRATCH_ELEMENTS ? (size_t)(count - done) : SCRATCH_ELEMENTS;
        unsigned char *at = (unsigned char *)data + done * vgg_dtype_bytes(dtype);
        VGG_PASS(
            vgg_model_read_parameter(save->model, parameter, first + done, piece, save->scratch));
        vgg_from_f32(dtype, save->scratch, piece, at);
        size_t bad = vgg_find_non_finite(dtype, at, piece);
        VGG_CHECK(bad == piece, CLVGG_STATUS_NON_FINITE,
                  "tensor '%s': element %llu is %g, too large for %s", parameter->name,
                  (unsigned long long)(first + done + bad), (double)save->scratch[bad],
                  vgg_dtype_name(dtype));
        done += piece;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensor(void *user, size_t tensor, uint64_t first, uint64_t count,
                                void *data)
{
    const save_state *save = user;
    const vgg_parameter *parameter = &save->model->parameters[tensor];
    clvgg_dtype dtype = save->tensors[tensor].dtype;
    if (parameter->dtype == dtype)
        return vgg_model_read_parameter(save->model, parameter, first, count, data);
    return read_converted(save, parameter, dtype, first, count, data);
}

enum {
    KEY_FORMAT,
    KEY_ARCHITECTURE,
    KEY_GRAPH,
    KEY_PREPROCESS,
    KEY_CLASSES,
    KEY_TRAINING,
    KEY_HEAD_SOURCE,
    KEY_COUNT
};

static const char *const keys[KEY_COUNT] = {"clvgg.format",     "clvgg.arch",    "clvgg.graph",
                                            "clvgg.preprocess", "clvgg.classes", "clvgg.training",
                                            "clvgg.head.source"};

static clvgg_status write_values(const clvgg_model *model, vgg_text values[KEY_COUNT])
{
    vgg_text_printf(&values[KEY_FORMAT], "%d", VGG_FORMAT_VERSION);
    vgg_text_puts(&values[KEY_ARCHITECTURE], model->architecture);
    vgg_graph_write_json(model->graph, &values[KEY_GRAPH]);
    if (vgg_model_preprocess_is_for_photographs(&model->preprocess))
        vgg_model_preprocess_write_json(&model->preprocess, &values[KEY_PREPROCESS]);
    if (model->labels != NULL)
        vgg_labels_write_json(model->labels, model->class_count, &values[KEY_CLASSES]);
    if (model->training != NULL)
        vgg_text_puts(&values[KEY_TRAINING], model->training);
    if (model->head_source != NULL)
        vgg_text_puts(&values[KEY_HEAD_SOURCE], model->head_source);
    for (int i = 0; i < KEY_COUNT; i++)
        if (values[i].failed)
            return CLVGG_STATUS_OUT_OF_MEMORY;
    return CLVGG_STATUS_OK;
}

/* The file whose metadata a model inherits, through all its bases, or NULL. */
static const vgg_weights *file_of(const clvgg_model *model)
{
    while (model->weights == NULL && model->base != NULL)
        model = model->base;
    return model->weights;
}

/* A file's type is kept; what comes from a source gets the caller's. */
static clvgg_dtype stored_dtype(const vgg_parameter *parameter, clvgg_dtype dtype)
{
    while (parameter->inherited != NULL)
        parameter = parameter->inherited;
    return parameter->entry != NULL ? parameter->dtype : dtype;
}

static bool is_among(const char *key, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, words[i]) == 0)
            return true;
    return false;
}

typedef enum inheritance { DROPPED, KEPT, OF_BASE } inheritance;

static inheritance inherits(const clvgg_model *model, const char *key)
{
    static const char *const lasting[] = {"format", "source", "license", "licence"};
    const bool of_head =
        strcmp(key, keys[KEY_TRAINING]) == 0 || strcmp(key, keys[KEY_HEAD_SOURCE]) == 0;
    if (of_head || strcmp(key, "clvgg.head.license") == 0)
        return model->base == NULL || (!of_head && model->head_kept) ? KEPT : DROPPED;
    if (is_among(key, keys, KEY_COUNT))
        return DROPPED; /* written anew */
    if (model->base == NULL || strncmp(key, "clvgg.", 6) == 0 || strncmp(key, "base.", 5) == 0)
        return KEPT;
    return is_among(key, lasting, sizeof lasting / sizeof *lasting) ? KEPT : OF_BASE;
}

/* The model's own entries, then those of its file that it doesn't replace. `renamed` gets the keys
 * that change. */
static clvgg_status list_metadata(const clvgg_model *model, const vgg_text values[KEY_COUNT],
                                  vgg_metadata_entry *entries, char **renamed, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text key = {0};
    for (int i = 0; i < KEY_COUNT; i++)
        if (values[i].bytes != NULL)
            entries[(*count)++] = (vgg_metadata_entry){keys[i], values[i].bytes};
    const vgg_weights *file = file_of(model);
    size_t inherited = file != NULL ? vgg_weights_metadata_count(file) : 0;
    for (size_t i = 0; i < inherited; i++) {
        vgg_metadata_entry entry;
        vgg_weights_metadata_at(file, i, &entry.key, &entry.value);
        const inheritance how = inherits(model, entry.key);
        if (how == OF_BASE) {
            key.length = 0;
            vgg_text_printf(&key, "base.%s", entry.key);
            VGG_REQUIRE(!key.failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for metadata");
            VGG_DUP(renamed[i], key.bytes);
            entry.key = renamed[i];
        }
        if (how != DROPPED)
            entries[(*count)++] = entry;
    }
cleanup:
    vgg_text_free(&key);
    return status;
}

clvgg_status vgg_model_save(const clvgg_model *model, const char *path, clvgg_dtype dtype)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text values[KEY_COUNT] = {{0}};
    vgg_metadata_entry *metadata = NULL;
    vgg_tensor_entry *tensors = NULL;
    char **renamed = NULL;
    size_t count = 0;
    save_state save = {.model = model};
    const vgg_weights *file = file_of(model);
    size_t inherited = file != NULL ? vgg_weights_metadata_count(file) : 0;
    VGG_TRY(write_values(model, values));
    VGG_NEW(metadata, KEY_COUNT + inherited);
    VGG_NEW(renamed, inherited);
    VGG_TRY(list_metadata(model, values, metadata, renamed, &count));
    VGG_NEW(tensors, model->parameter_count);
    VGG_NEW(save.scratch, SCRATCH_ELEMENTS);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        tensors[i] = (vgg_tensor_entry){.name = parameter->name,
                                        .dtype = stored_dtype(parameter, dtype),
                                        .shape = parameter->shape,
                                        .count = vgg_shape_elements(&parameter->shape)};
    }
    save.tensors = tensors;
    VGG_TRY(vgg_weights_write(path, tensors, model->parameter_count, metadata, count, read_tensor,
                              &save));
cleanup:
    for (int i = 0; i < KEY_COUNT; i++)
        vgg_text_free(&values[i]);
    for (size_t i = 0; i < inherited && renamed != NULL; i++)
        vgg_free(renamed[i]);
    vgg_free(renamed);
    vgg_free(save.scratch);
    vgg_free(tensors);
    vgg_free(metadata);
    return status;
}
