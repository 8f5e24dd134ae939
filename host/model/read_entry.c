/* model/read_entry.c — see read_entry.h. */
#include "model/read_entry.h"

#include "tensor/dtype.h"

clvgg_status vgg_model_check_values(const clvgg_model *model, const char *tensor, bool variance,
                                    clvgg_dtype dtype, uint64_t first, uint64_t count,
                                    const void *data)
{
    const size_t bad = vgg_find_non_finite(dtype, data, (size_t)count);
    VGG_CHECK(bad == count, CLVGG_STATUS_NON_FINITE,
              "%s: tensor '%s' has a value that is not finite, element %llu", model->name, tensor,
              (unsigned long long)(first + bad));
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
