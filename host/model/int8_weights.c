/* model/int8_weights.c — see int8_weights.h. */
#include "model/int8_weights.h"

#include <math.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "tensor/int8_row.h"
#include "tensor/shape.h"

enum { SOME_ELEMENTS = 65536 }; /* rows that are read at once, unless one has more */

static uint64_t row_elements(const vgg_parameter *parameter)
{
    return vgg_shape_elements(&parameter->shape) / (uint64_t)parameter->shape.dims[0];
}

/* Values as they are read become float32 where they are, from the last on. */
static void widen(clvgg_dtype dtype, float *values, size_t count)
{
    const size_t size = vgg_dtype_bytes(dtype);
    for (size_t i = dtype != CLVGG_DTYPE_F32 ? count : 0; i-- > 0;) {
        float value;
        vgg_to_f32(dtype, (const char *)values + i * size, 1, &value);
        values[i] = value;
    }
}

clvgg_status vgg_model_each_row(const clvgg_model *model, const vgg_parameter *parameter,
                                uint64_t first, uint64_t end, vgg_row_fn take, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t each = row_elements(parameter);
    const uint64_t most = each < SOME_ELEMENTS ? SOME_ELEMENTS / each : 1;
    float *values = NULL;
    VGG_NEW(values, (size_t)(most * each));
    for (uint64_t row = first, some; row < end; row += some) {
        some = end - row < most ? end - row : most;
        VGG_TRY(vgg_model_read_parameter(model, parameter, row * each, some * each, values));
        widen(parameter->dtype, values, (size_t)(some * each));
        for (uint64_t i = 0; i < some; i++)
            VGG_TRY(take(user, row + i, values + i * each, (size_t)each));
    }
cleanup:
    vgg_free(values);
    return status;
}

/* Elements [first, end) of a parameter, as they are wanted. */
typedef struct wanted {
    uint64_t first, end;
    float *values;
    signed char *levels;
} wanted;

/* Which of a row's elements [*from, *to) are wanted, and where they go to. */
static uint64_t part_of_row(const wanted *w, uint64_t row, size_t count, size_t *from, size_t *to)
{
    const uint64_t begin = row * count, end = begin + count;
    *from = w->first > begin ? (size_t)(w->first - begin) : 0;
    *to = (size_t)((w->end < end ? w->end : end) - begin);
    return begin + *from - w->first;
}

static clvgg_status take_values(void *user, uint64_t row, float *values, size_t count)
{
    const wanted *w = user;
    size_t from, to;
    const uint64_t at = part_of_row(w, row, count, &from, &to);
    vgg_int8_row_round(values, count);
    for (size_t i = from; i < to; i++)
        w->values[at + i - from] = values[i] + 0.0f; /* −0, which int8 hasn't got, becomes 0 */
    return CLVGG_STATUS_OK;
}

static clvgg_status take_levels(void *user, uint64_t row, float *values, size_t count)
{
    const wanted *w = user;
    size_t from, to;
    const uint64_t at = part_of_row(w, row, count, &from, &to);
    const float scale = vgg_int8_row_scale(values, count);
    for (size_t i = from; i < to; i++)
        w->levels[at + i - from] = (signed char)lrintf(values[i] / scale);
    return CLVGG_STATUS_OK;
}

static clvgg_status each_row_of(const clvgg_model *model, const vgg_parameter *parameter,
                                vgg_row_fn take, wanted *w)
{
    const uint64_t each = row_elements(parameter);
    return vgg_model_each_row(model, parameter, w->first / each, (w->end + each - 1) / each, take,
                              w);
}

clvgg_status vgg_int8_read_rounded(const clvgg_model *model, const vgg_parameter *parameter,
                                   uint64_t first, uint64_t count, float *values)
{
    wanted w = {.first = first, .end = first + count, .values = values};
    return each_row_of(model, parameter, take_values, &w);
}

clvgg_status vgg_int8_read_levels(const clvgg_model *model, const vgg_parameter *parameter,
                                  uint64_t first, uint64_t count, signed char *levels)
{
    wanted w = {.first = first, .end = first + count, .levels = levels};
    return each_row_of(model, parameter, take_levels, &w);
}

static clvgg_status take_scale(void *user, uint64_t row, float *values, size_t count)
{
    const wanted *w = user;
    w->values[row - w->first] = vgg_int8_row_scale(values, count);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_int8_read_scales(const clvgg_model *model, const vgg_parameter *parameter,
                                  uint64_t first, uint64_t count, float *scales)
{
    wanted w = {.first = first, .end = first + count, .values = scales};
    return vgg_model_each_row(model, parameter, first, first + count, take_scale, &w);
}
