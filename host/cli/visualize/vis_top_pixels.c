/* cli/visualize/vis_top_pixels.c — what a unit sees, cut out of its photograph or its
 * projection. */
#include <string.h>

#include "cli/visualize/vis_top.h"

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

clvgg_status cli_top_pixels(const float *values, const clvgg_preprocess *preprocess,
                            const clvgg_receptive_field *field, const vgg_manifest_unit *unit,
                            bool projection, float *part, vgg_pixels *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int64_t *box = unit->box;
    int64_t whole[4];
    whole_box(field, preprocess, unit, whole);
    const int height = (int)(box[3] - box[1]), width = (int)(box[2] - box[0]);
    const int rows = (int)(whole[3] - whole[1]), columns = (int)(whole[2] - whole[0]);
    uint8_t *inner = NULL, *rgb = NULL;
    VGG_MEMORY_NEW(inner, 3 * (size_t)width * (size_t)height, "what a unit sees");
    VGG_MEMORY_NEW(rgb, 3 * (size_t)columns * (size_t)rows, "the picture of what a unit sees");
    cli_top_cut(values, preprocess, box, part);
    if (projection)
        vgg_pixels_signed(part, height, width, preprocess, inner);
    else
        vgg_pixels_photograph(part, height, width, preprocess, inner);
    vgg_pixels_crop(&(vgg_pixels){inner, width, height}, whole[0] - box[0], whole[1] - box[1],
                    whole[2] - box[0], whole[3] - box[1], rgb);
    *out = (vgg_pixels){rgb, columns, rows};
cleanup:
    vgg_memory_free(inner);
    return status;
}
