/* model/model_save.c — writes a model as safetensors: canonical names and shapes, and metadata
 * (model_metadata.h).
 */
#include "base/alloc.h"
#include "model/model_metadata.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

#define SCRATCH_ELEMENTS 65536

/* The `user` of the writer's callback. */
typedef struct save_state {
    const clvgg_model *model;
    const vgg_tensor_entry *tensors;
    float *scratch; /* SCRATCH_ELEMENTS, of a source's values before conversion */
} save_state;

/* Values of a source are converted piece by piece. */
static clvgg_status read_converted(const save_state *save, const vgg_parameter *parameter,
                                   clvgg_dtype dtype, uint64_t first, uint64_t count, void *data)
{
    for (uint64_t done = 0; done < count;) {
        size_t piece = count - done < SCRATCH_ELEMENTS ? (size_t)(count - done) : SCRATCH_ELEMENTS;
        unsigned char *at = (unsigned char *)data + done * vgg_dtype_bytes(dtype);
        VGG_PASS(
            vgg_model_read_parameter(save->model, parameter, first + done, piece, save->scratch));
        vgg_from_f32(dtype, save->scratch, piece, at);
        size_t bad = vgg_find_non_finite(dtype, at, piece);
        VGG_CHECK(bad == piece, CLVGG_STATUS_NON_FINITE,
                  "tensor '%s': element %llu is %g, too large for %s", parameter->name,
                  (unsigned long long)(first + done + bad), (double)save->scratch[bad],
                  vgg_dtype_name(dtype));
        done += piece;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensor(void *user, size_t tensor, uint64_t first, uint64_t count,
                                void *data)
{
    const save_state *save = user;
    const vgg_parameter *parameter = &save->model->parameters[tensor];
    clvgg_dtype dtype = save->tensors[tensor].dtype;
    if (parameter->dtype == dtype)
        return vgg_model_read_parameter(save->model, parameter, first, count, data);
    return read_converted(save, parameter, dtype, first, count, data);
}

/* A file's type is kept; what comes from a source gets the caller's, what is int8 float32. */
static clvgg_dtype stored_dtype(const vgg_parameter *parameter, clvgg_dtype dtype)
{
    if (parameter->int8)
        return parameter->dtype;
    while (parameter->inherited != NULL)
        parameter = parameter->inherited;
    return parameter->entry != NULL ? parameter->dtype : dtype;
}

clvgg_status vgg_model_save(const clvgg_model *model, const char *path, clvgg_dtype dtype)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_tensor_entry *tensors = NULL;
    vgg_model_metadata metadata = {0};
    save_state save = {.model = model};
    const vgg_metadata_choice choice = {.graph = model->graph};
    VGG_TRY(vgg_model_metadata_list(model, &choice, &metadata));
    VGG_NEW(tensors, model->parameter_count);
    VGG_NEW(save.scratch, SCRATCH_ELEMENTS);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        tensors[i] = (vgg_tensor_entry){.name = parameter->name,
                                        .dtype = stored_dtype(parameter, dtype),
                                        .shape = parameter->shape,
                                        .count = vgg_shape_elements(&parameter->shape)};
    }
    save.tensors = tensors;
    VGG_TRY(vgg_weights_write(path, tensors, model->parameter_count, metadata.entries,
                              metadata.count, read_tensor, &save));
cleanup:
    vgg_model_metadata_free(&metadata);
    vgg_free(save.scratch);
    vgg_free(tensors);
    return status;
}
