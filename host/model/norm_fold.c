/* model/norm_fold.c — see norm_fold.h. */
#include "model/norm_fold.h"

#include <math.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/read_entry.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

enum { ROWS = 256 }; /* at a time: all that is known of them is on the stack */

/* What rows [first, first + count) are multiplied by, and what is added. */
typedef struct rows {
    uint64_t first, count;
    double scale[ROWS], shift[ROWS];
} rows;

/* Values [first, first + count) of a tensor, count at most ROWS; zeros where there is none. */
static clvgg_status read_part(const clvgg_model *model, const vgg_tensor_entry *entry,
                              bool variance, const rows *r, float values[ROWS])
{
    float raw[ROWS]; /* as large as any element type needs */
    for (uint64_t i = 0; i < r->count; i++)
        values[i] = 0.0f;
    if (entry == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_model_read_entry(model, entry, variance, r->first, r->count, raw));
    vgg_to_f32(entry->dtype, raw, (size_t)r->count, values);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_rows(const clvgg_model *model, const vgg_norm_fold *fold, rows *r)
{
    const vgg_layer *layer = vgg_layer_of(fold->norm.type);
    float parts[VGG_VARIANCE + 1][ROWS];
    for (int p = 0; p <= VGG_VARIANCE; p++)
        VGG_PASS(read_part(model, fold->parts[p], layer->parameters[p].variance, r, parts[p]));
    for (uint64_t i = 0; i < r->count; i++) {
        const double channel[] = {(double)parts[VGG_WEIGHT][i], (double)parts[VGG_BIAS][i],
                                  (double)parts[VGG_MEAN][i], (double)parts[VGG_VARIANCE][i]};
        const vgg_scale_and_shift affine = layer->scale_and_shift(&fold->norm, channel);
        r->scale[i] = affine.scale;
        r->shift[i] = affine.shift;
    }
    return CLVGG_STATUS_OK;
}

/* Fails where a product is too large, or was one with 1 / √0. */
static clvgg_status check(const clvgg_model *model, const vgg_parameter *parameter, uint64_t at,
                          float value)
{
    VGG_CHECK(isfinite(value), CLVGG_STATUS_NON_FINITE,
              "%s: tensor '%s' makes element %llu of %s infinite", model->name,
              parameter->fold->parts[VGG_VARIANCE]->name, (unsigned long long)at, parameter->name);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_bias(const clvgg_model *model, const vgg_parameter *parameter,
                              const rows *r, float *values)
{
    VGG_PASS(read_part(model, parameter->fold->bias, false, r, values));
    for (uint64_t i = 0; i < r->count; i++) {
        values[i] = (float)((double)values[i] * r->scale[i] + r->shift[i]);
        VGG_PASS(check(model, parameter, r->first + i, values[i]));
    }
    return CLVGG_STATUS_OK;
}

/* Values [first, first + count) of a weight, all of them in rows `r` of `each` values. They are
 * read where they go to: in place, from the last on, as those of a smaller type begin at the same
 * address. */
static clvgg_status read_weight(const clvgg_model *model, const vgg_parameter *parameter,
                                const rows *r, uint64_t each, uint64_t first, uint64_t count,
                                float *values)
{
    const vgg_tensor_entry *entry = parameter->entry;
    const size_t bytes = vgg_dtype_bytes(entry->dtype);
    VGG_PASS(vgg_model_read_entry(model, entry, false, first, count, values));
    for (uint64_t i = count; i-- > 0;) {
        float value;
        vgg_to_f32(entry->dtype, (const char *)values + i * bytes, 1, &value);
        values[i] = (float)((double)value * r->scale[(first + i) / each - r->first]);
        VGG_PASS(check(model, parameter, first + i, values[i]));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_norm_fold_read(const clvgg_model *model, const vgg_parameter *parameter,
                                uint64_t first, uint64_t count, float *values)
{
    const uint64_t row_count = (uint64_t)parameter->shape.dims[0];
    const uint64_t each = vgg_shape_elements(&parameter->shape) / row_count;
    for (uint64_t done = 0; done < count;) {
        rows r = {.first = (first + done) / each};
        r.count = row_count - r.first < ROWS ? row_count - r.first : ROWS;
        uint64_t piece = (r.first + r.count) * each - (first + done);
        if (piece > count - done)
            piece = count - done;
        r.count = (first + done + piece - 1) / each + 1 - r.first;
        VGG_PASS(read_rows(model, parameter->fold, &r));
        if (parameter->position == VGG_BIAS)
            VGG_PASS(read_bias(model, parameter, &r, values + done));
        else
            VGG_PASS(read_weight(model, parameter, &r, each, first + done, piece, values + done));
        done += piece;
    }
    return CLVGG_STATUS_OK;
}
