/* model/model_metadata.c — see model_metadata.h. */
#include "model/model_metadata.h"

#include <string.h>

#include "base/alloc.h"
#include "model/assemble.h"
#include "model/labels.h"
#include "model/preprocess.h"

static const char *const keys[VGG_KEY_COUNT] = {
    "clvgg.format",         "clvgg.arch",     "clvgg.graph",    "clvgg.preprocess",
    VGG_PREPROCESS_ASSUMED, "clvgg.classes",  "clvgg.training", "clvgg.head.source",
    "clvgg.converted",      "clvgg.quantized"};

/* The file whose metadata a model inherits, through all its bases, or NULL. */
static const vgg_weights *file_of(const clvgg_model *model)
{
    while (model->weights == NULL && model->base != NULL)
        model = model->base;
    return model->weights;
}

/* Names the file and its format, and what was taken of it; without its folder, which is nobody's
 * business but the maker's. Only where the file doesn't say that of another one. */
static void write_converted(const clvgg_model *model, vgg_text *text)
{
    const vgg_weights *file = file_of(model);
    if (file == NULL || vgg_weights_metadata(file, keys[VGG_KEY_CONVERTED]) != NULL)
        return;
    const char *path = vgg_weights_path(file), *slash = strrchr(path, '/');
    vgg_text_printf(text, "by clvgg %s from %s, %s", clvgg_version(),
                    slash != NULL ? slash + 1 : path, vgg_weights_format_name(file));
    for (const char *note = vgg_weights_notes(file); *note != '\0';) {
        const int length = (int)strcspn(note, "\n");
        vgg_text_printf(text, "; %.*s", length, note);
        note += note[length] == '\n' ? length + 1 : length;
    }
    if (!vgg_text_is_utf8(vgg_text_string(text))) { /* which metadata has to be */
        vgg_text_free(text);
        vgg_text_printf(text, "by clvgg %s from %s", clvgg_version(),
                        vgg_weights_format_name(file));
    }
}

static clvgg_status write_values(const clvgg_model *model, const vgg_metadata_choice *choice,
                                 vgg_text values[VGG_KEY_COUNT])
{
    const clvgg_preprocess *preprocess =
        choice->preprocess != NULL ? choice->preprocess : &model->preprocess;
    vgg_text_printf(&values[VGG_KEY_FORMAT], "%d", VGG_FORMAT_VERSION);
    vgg_text_puts(&values[VGG_KEY_ARCHITECTURE], model->architecture);
    if (choice->graph != NULL)
        vgg_graph_write_json(choice->graph, &values[VGG_KEY_GRAPH]);
    if (vgg_model_preprocess_is_for_photographs(preprocess))
        vgg_model_preprocess_write_json(preprocess, &values[VGG_KEY_PREPROCESS]);
    if (choice->preprocess == NULL && model->preprocess_assumed)
        vgg_text_puts(&values[VGG_KEY_PREPROCESS_ASSUMED], model->preprocess_origin);
    if (model->labels != NULL)
        vgg_labels_write_json(model->labels, model->class_count, &values[VGG_KEY_CLASSES]);
    if (model->training != NULL)
        vgg_text_puts(&values[VGG_KEY_TRAINING], model->training);
    if (model->head_source != NULL)
        vgg_text_puts(&values[VGG_KEY_HEAD_SOURCE], model->head_source);
    if (model->quantized != NULL)
        vgg_text_puts(&values[VGG_KEY_QUANTIZED], model->quantized);
    if (choice->converted)
        write_converted(model, &values[VGG_KEY_CONVERTED]);
    for (int i = 0; i < VGG_KEY_COUNT; i++)
        VGG_PASS(vgg_text_check(&values[i], "metadata"));
    return CLVGG_STATUS_OK;
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
        strcmp(key, keys[VGG_KEY_TRAINING]) == 0 || strcmp(key, keys[VGG_KEY_HEAD_SOURCE]) == 0;
    if (of_head || strcmp(key, "clvgg.head.license") == 0)
        return model->base == NULL || model->quantized != NULL || (!of_head && model->head_kept)
                   ? KEPT
                   : DROPPED;
    if (is_among(key, keys, VGG_KEY_CONVERTED) ||
        (model->quantized != NULL && strcmp(key, keys[VGG_KEY_QUANTIZED]) == 0))
        return DROPPED; /* written anew */
    if (model->base == NULL || strncmp(key, "clvgg.", 6) == 0 || strncmp(key, "base.", 5) == 0)
        return KEPT;
    return is_among(key, lasting, sizeof lasting / sizeof *lasting) ? KEPT : OF_BASE;
}

clvgg_status vgg_model_metadata_list(const clvgg_model *model, const vgg_metadata_choice *choice,
                                     vgg_model_metadata *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_weights *file = file_of(model);
    vgg_text key = {0};
    *out = (vgg_model_metadata){.inherited = file != NULL ? vgg_weights_metadata_count(file) : 0};
    VGG_TRY(write_values(model, choice, out->values));
    VGG_NEW(out->entries, VGG_KEY_COUNT + out->inherited + 1);
    VGG_NEW(out->renamed, out->inherited);
    for (int i = 0; i < VGG_KEY_COUNT; i++)
        if (out->values[i].bytes != NULL)
            out->entries[out->count++] = (vgg_metadata_entry){keys[i], out->values[i].bytes};
    for (size_t i = 0; i < out->inherited; i++) {
        vgg_metadata_entry entry;
        vgg_weights_metadata_at(file, i, &entry.key, &entry.value);
        const inheritance how = inherits(model, entry.key);
        if (how == OF_BASE) {
            key.length = 0;
            vgg_text_printf(&key, "base.%s", entry.key);
            VGG_TRY(vgg_text_check(&key, "metadata"));
            VGG_DUP(out->renamed[i], key.bytes);
            entry.key = out->renamed[i];
        }
        if (how != DROPPED)
            out->entries[out->count++] = entry;
    }
cleanup:
    vgg_text_free(&key);
    return status;
}

void vgg_model_metadata_free(vgg_model_metadata *metadata)
{
    for (int i = 0; i < VGG_KEY_COUNT; i++)
        vgg_text_free(&metadata->values[i]);
    for (size_t i = 0; i < metadata->inherited && metadata->renamed != NULL; i++)
        vgg_free(metadata->renamed[i]);
    vgg_free(metadata->renamed);
    vgg_free(metadata->entries);
    *metadata = (vgg_model_metadata){0};
}
