/* train/finetune_story.c — what the new model's file says about how it came to be: the settings,
 * and a sentence for people.
 */
#include <string.h>

#include "base/alloc.h"
#include "train/finetune.h"

/* Some bytes as a JSON string; `part` is where they get their end. */
static void put_part(vgg_text *json, vgg_text *part, const char *bytes, size_t length)
{
    part->length = 0;
    vgg_text_append(part, bytes, length);
    if (!part->failed)
        vgg_text_json_string(json, part->bytes);
}

/* The settings as a JSON object of strings, for the model's file. */
static clvgg_status put_settings(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text json = {0}, part = {0};
    vgg_text_puts(&json, "{");
    for (const char *line = finetune->settings.bytes; *line != '\0';) {
        const size_t name = strcspn(line, "="), end = strcspn(line, "\n");
        vgg_text_puts(&json, json.length > 1 ? ", " : "");
        put_part(&json, &part, line, name);
        vgg_text_puts(&json, ": ");
        put_part(&json, &part, line + name + 1, end - name - 1);
        line += end + 1;
    }
    vgg_text_puts(&json, "}");
    VGG_REQUIRE(!json.failed && !part.failed, CLVGG_STATUS_OUT_OF_MEMORY,
                "no memory for a description");
    vgg_free(finetune->model->training);
    finetune->model->training = json.bytes;
    json = (vgg_text){0};
cleanup:
    vgg_text_free(&json);
    vgg_text_free(&part);
    return status;
}

/* "fc6 to fc8", "fc8" or "": the layers that are as asked for, which are neighbours. */
static void put_range(vgg_text *text, const vgg_head_choice *choice, bool trained)
{
    const char *first = NULL, *last = NULL;
    for (int i = 0; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        if (trained ? layer->frozen : !layer->kept)
            continue;
        first = first == NULL ? layer->name : first;
        last = layer->name;
    }
    if (first != NULL)
        vgg_text_puts(text, first);
    if (last != first)
        vgg_text_printf(text, " to %s", last);
}

/* Writes in words where the head comes from. For layers that have, or began with, the base's
 * weights, the base's own sentence follows. */
static clvgg_status put_source(clvgg_finetune *finetune)
{
    enum { MOST_CLASSES = 10 };
    clvgg_model *model = finetune->model;
    const clvgg_dataset *train = finetune->train;
    const size_t classes = train->files->class_count;
    vgg_text text = {0};
    put_range(&text, &finetune->choice, true);
    vgg_text_printf(&text, " trained by clvgg %s on %zu photographs of ", clvgg_version(),
                    train->count);
    for (size_t i = 0; i < classes && i < MOST_CLASSES; i++)
        vgg_text_printf(&text, "%s%s", i > 0 ? ", " : "", vgg_dataset_class_name(train, i));
    if (classes > MOST_CLASSES)
        vgg_text_printf(&text, " and %zu more", classes - MOST_CLASSES);
    for (int i = 0; i < finetune->choice.layer_count; i++)
        model->head_kept |= finetune->choice.layers[i].kept;
    const vgg_weights *file = finetune->base->weights;
    const char *before = file != NULL ? vgg_weights_metadata(file, "clvgg.head.source") : NULL;
    if (model->head_kept) {
        vgg_text_puts(&text, "; weights of ");
        put_range(&text, &finetune->choice, false);
        vgg_text_printf(&text, " from the base%s%s", before != NULL ? ": " : "",
                        before != NULL ? before : "");
    }
    vgg_free(model->head_source);
    return vgg_text_take(&text, "a description", &model->head_source);
}

clvgg_status vgg_finetune_describe(clvgg_finetune *finetune)
{
    const clvgg_status status = put_settings(finetune);
    return status == CLVGG_STATUS_OK ? put_source(finetune) : status;
}
