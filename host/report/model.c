/* report/model.c — preprocessing, memory and shapes as JSON and as text. */
#include "report/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "report/format.h"

/* Writes one value a channel, of a network that photographs can be prepared for. */
static void values_json(vgg_json *json, const char *key, const clvgg_preprocess *preprocess,
                        const float values[3])
{
    vgg_json_begin_array(json, key);
    for (int c = 0; c < preprocess->channels; c++)
        vgg_json_number(json, NULL, (double)values[c]);
    vgg_json_end(json);
}

static void values_text(vgg_text *text, const char *name, const clvgg_preprocess *preprocess,
                        const float values[3])
{
    vgg_text_printf(text, ", %s", name);
    for (int c = 0; c < preprocess->channels; c++)
        vgg_text_printf(text, " %.6g", (double)values[c]);
}

static const char *channels_name(const clvgg_preprocess *preprocess)
{
    return preprocess->channels == 1 ? "grey" : preprocess->order == CLVGG_BGR ? "BGR" : "RGB";
}

bool vgg_report_takes_photographs(const clvgg_preprocess *preprocess)
{
    return preprocess->channels == 1 || preprocess->channels == 3;
}

/* The short side that 0, in proportion, stands for (clvgg/image.h). */
static long short_side(const clvgg_preprocess *preprocess)
{
    const int crop =
        preprocess->height < preprocess->width ? preprocess->height : preprocess->width;
    return preprocess->resize_short > 0 ? preprocess->resize_short : lround(crop * 256.0 / 224.0);
}

void vgg_report_preprocess_json(vgg_json *json, const char *key, const clvgg_preprocess *preprocess,
                                const char *origin)
{
    if (!vgg_report_takes_photographs(preprocess))
        return;
    vgg_json_begin_object(json, key);
    vgg_json_string(json, "resize_mode",
                    preprocess->mode == CLVGG_RESIZE_SQUASH ? "squash" : "crop");
    vgg_json_integer(json, "resize_short", short_side(preprocess));
    vgg_json_integer(json, "height", preprocess->height);
    vgg_json_integer(json, "width", preprocess->width);
    vgg_json_string(json, "channels", channels_name(preprocess));
    vgg_json_number(json, "scale", (double)preprocess->scale);
    values_json(json, "mean", preprocess, preprocess->mean);
    values_json(json, "std", preprocess, preprocess->std);
    vgg_json_string(json, "origin", origin);
    vgg_json_end(json);
}

void vgg_report_preprocess(vgg_text *text, const clvgg_preprocess *preprocess)
{
    if (!vgg_report_takes_photographs(preprocess)) {
        vgg_text_printf(text, "%d channels of %dx%d", preprocess->channels, preprocess->height,
                        preprocess->width);
        return;
    }
    if (preprocess->mode == CLVGG_RESIZE_SQUASH)
        vgg_text_puts(text, "squashed to ");
    else
        vgg_text_printf(text, "short side %ld, centre ", short_side(preprocess));
    vgg_text_printf(text, "%dx%d, %s x %.6g", preprocess->height, preprocess->width,
                    channels_name(preprocess), (double)preprocess->scale);
    values_text(text, "mean", preprocess, preprocess->mean);
    values_text(text, "std", preprocess, preprocess->std);
}

void vgg_report_fingerprint_json(vgg_json *json, uint64_t fingerprint)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%016" PRIx64, fingerprint);
    vgg_json_string(json, "fingerprint", digits);
}

void vgg_report_memory_json(vgg_json *json, const clvgg_session_stats *stats)
{
    vgg_json_string(json, "storage", clvgg_storage_name(stats->storage));
    vgg_json_bytes(json, "weight_bytes", stats->weight_bytes);
    vgg_json_bytes(json, "arena_bytes", stats->arena_bytes);
    vgg_json_bytes(json, "arena_bound_bytes", stats->arena_bound_bytes);
    vgg_json_bytes(json, "unshared_bytes", stats->unshared_bytes);
}

void vgg_report_peak_json(vgg_json *json)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    vgg_json_bytes(json, "peak_bytes", (uint64_t)usage.ru_maxrss * 1024);
}

void vgg_report_memory(vgg_text *text, const clvgg_session_stats *stats)
{
    vgg_text_printf(text, "weights %s", VGG_SIZE(stats->weight_bytes));
    if (stats->storage != CLVGG_STORAGE_F32)
        vgg_text_printf(text, " as %s", clvgg_storage_name(stats->storage));
    vgg_text_printf(text, ", activations %s", VGG_SIZE(stats->arena_bytes));
}

void vgg_report_shape(vgg_text *text, const clvgg_shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        vgg_text_printf(text, "%s%" PRId64, i > 0 ? " x " : "", shape->dims[i]);
}
