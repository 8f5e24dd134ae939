/* cli/visualize/vis_top_pixels.c — what a unit sees, cut out of its photograph or its
 * projection. */
#include <string.h>

#include "cli/visualize/vis_top.h"
#include "report/alloc.h"

void cli_top_box(const clvgg_receptive_field *field, int64_t y, int64_t x, int height, int width,
                 int64_t box[4])
{
    const int64_t extents[2] = {height, width}, at[2] = {y, x};
    for (int axis = 0; axis < 2; axis++) {
        int64_t first = field->start[axis] + at[axis] * field->stride[axis];
        int64_t end = first + field->size[axis];
        first = first < 0 ? 0 : first >= extents[axis] ? extents[axis] - 1 : first;
        end = end > extents[axis] ? extents[axis] : end <= first ? first + 1 : end;
        box[1 - axis] = first;
        box[3 - axis] = end;
    }
}

void cli_top_cut(const float *values, const clvgg_preprocess *preprocess, const int64_t box[4],
                 float *part)
{
    const int64_t height = preprocess->height, width = preprocess->width;
    const size_t columns = (size_t)(box[2] - box[0]);
    for (int64_t c = 0; c < preprocess->channels; c++)
        for (int64_t y = box[1]; y < box[3]; y++, part += columns)
            memcpy(part, values + (c * height + y) * width + box[0], columns * sizeof *part);
}

/* All that a unit sees, beyond the edges too, so that pictures of a layer have one size; its
 * clipped box where it sees more than there is. */
static void whole_box(const clvgg_receptive_field *field, const clvgg_preprocess *preprocess,
                      const vgg_manifest_unit *unit, int64_t whole[4])
{
    const int64_t extents[2] = {preprocess->height, preprocess->width}, at[2] = {unit->y, unit->x};
    for (int axis = 0; axis < 2; axis++) {
        const bool fits = field->size[axis] <= extents[axis];
        const int64_t first = field->start[axis] + at[axis] * field->stride[axis];
        whole[1 - axis] = fits ? first : unit->box[1 - axis];
        whole[3 - axis] = fits ? first + field->size[axis] : unit->box[3 - axis];
    }
}

vgg_pixels cli_top_pixels(const float *values, const clvgg_preprocess *preprocess,
                          const clvgg_receptive_field *field, const vgg_manifest_unit *unit,
                          bool projection, float *part)
{
    const int64_t *box = unit->box;
    int64_t whole[4];
    whole_box(field, preprocess, unit, whole);
    vgg_pixels seen = {.width = (int)(box[2] - box[0]), .height = (int)(box[3] - box[1])};
    vgg_pixels all = {.width = (int)(whole[2] - whole[0]), .height = (int)(whole[3] - whole[1])};
    uint8_t *inner = vgg_calloc(3 * (size_t)seen.width * (size_t)seen.height, 1);
    uint8_t *rgb = vgg_calloc(3 * (size_t)all.width * (size_t)all.height, 1);
    if (inner != NULL && rgb != NULL) {
        cli_top_cut(values, preprocess, box, part);
        if (projection)
            vgg_pixels_signed(part, seen.height, seen.width, preprocess, inner);
        else
            vgg_pixels_photograph(part, seen.height, seen.width, preprocess, inner);
        seen.rgb = inner;
        vgg_pixels_crop(&seen, whole[0] - box[0], whole[1] - box[1], whole[2] - box[0],
                        whole[3] - box[1], rgb);
        all.rgb = rgb;
    } else {
        vgg_free(rgb);
    }
    vgg_free(inner);
    return all;
}
