/* model/read_entry.c — see read_entry.h. */
#include "model/read_entry.h"

#include "tensor/dtype.h"

static clvgg_status fail_non_finite(const clvgg_model *model, const char *tensor, uint64_t element)
{
    return vgg_fail(CLVGG_STATUS_NON_FINITE,
                    "%s: tensor '%s' has a value that is not finite, element %llu", model->name,
                    tensor, (unsigned long long)element);
}

clvgg_status vgg_model_check_values(const clvgg_model *model, const char *tensor, bool variance,
                                    clvgg_dtype dtype, uint64_t first, uint64_t count,
                                    const void *data)
{
    const size_t bad = vgg_find_non_finite(dtype, data, (size_t)count);
    if (bad < count)
        return fail_non_finite(model, tensor, first + bad);
    for (uint64_t i = 0; i < count && variance; i++) {
        float value;
        vgg_to_f32(dtype, (const char *)data + i * vgg_dtype_bytes(dtype), 1, &value);
        VGG_CHECK(value >= 0.0f, CLVGG_STATUS_BAD_FILE,
                  "%s: tensor '%s': element %llu is %g, a variance must be 0 or more", model->name,
                  tensor, (unsigned long long)(first + i), (double)value);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_model_read_entry(const clvgg_model *model, const vgg_tensor_entry *entry,
                                  bool variance, uint64_t first, uint64_t count, void *data)
{
    VGG_PASS(vgg_weights_read(model->weights, entry, first, count, data));
    return vgg_model_check_values(model, entry->name, variance, entry->dtype, first, count, data);
}

clvgg_status vgg_model_read_entry_turned(const clvgg_model *model, const vgg_tensor_entry *entry,
                                         uint64_t first, uint64_t count, void *data)
{
    VGG_PASS(vgg_weights_read_turned(model->weights, entry, first, count, data));
    const uint64_t bad = first + vgg_find_non_finite(entry->dtype, data, (size_t)count);
    if (bad == first + count)
        return CLVGG_STATUS_OK;
    const uint64_t rows = (uint64_t)entry->shape.dims[0], columns = entry->count / rows;
    const uint64_t inner = vgg_weights_inner(model->weights, entry), at = bad / rows;
    return fail_non_finite(model, entry->name,
                           bad % rows * columns + at % inner * (columns / inner) + at / inner);
}
