/* tests/fuzz/fuzz_model.c — any bytes as a model: refused, or every parameter has a tensor that can
 * be read. Metadata, names and shapes are what is tried here; fuzz_safetensors.c tries the
 * container. */
#include <stdlib.h>

#include "clvgg/model.h"
#include "fuzz/input_file.h"
#include "model/model.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_parameters(const clvgg_model *model)
{
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        uint64_t count = vgg_shape_elements(&parameter->shape);
        void *values = malloc((size_t)count * vgg_dtype_bytes(parameter->dtype) + 1);
        clvgg_status status = vgg_model_read_parameter(model, parameter, 0, count, values);
        if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_NON_FINITE &&
            status != CLVGG_STATUS_BAD_FILE) /* a variance below 0 */
            abort();
        free(values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    clvgg_runtime *runtime;
    clvgg_model *model;
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        abort();
    if (clvgg_model_load(runtime, fuzz_input_file(data, size), NULL, &model) == CLVGG_STATUS_OK) {
        read_parameters(model);
        for (size_t i = 0; i < clvgg_model_class_count(model); i++)
            if (clvgg_model_label(model, i) == NULL)
                abort();
        clvgg_model_free(model);
    }
    clvgg_runtime_free(runtime);
    return 0;
}
