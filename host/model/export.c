/* model/export.c — see export.h. */
#include "model/export.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/int8_weights.h"
#include "model/model_metadata.h"
#include "model/preprocess.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

enum { SCRATCH_ELEMENTS = 65536 };

/* ---- which tensors ---- */

static clvgg_status name_tensor(const vgg_export *made, const vgg_export_tensor *tensor,
                                char **name)
{
    char torch_name[32];
    const vgg_graph *graph = made->model->graph;
    const vgg_parameter *from = tensor->from;
    vgg_text text = {0};
    if (made->options->writer->torch_names) {
        vgg_export_torch_name(graph, from->node, torch_name);
        vgg_text_printf(
            &text, "%s.%s", torch_name,
            vgg_layer_of(graph->nodes[from->node].type)->parameters[from->position].name);
    } else {
        vgg_text_printf(&text, "%s%s", from->name,
                        tensor->part == VGG_EXPORT_SCALES ? VGG_SCALE_SUFFIX : "");
    }
    return vgg_text_take(&text, "a tensor's name", name);
}

/* The tensor in the file. */
static vgg_tensor_entry entry_of(const vgg_export_tensor *tensor)
{
    vgg_tensor_entry entry = {.name = tensor->name,
                              .dtype = tensor->dtype,
                              .shape = tensor->from->shape,
                              .int8 = tensor->part == VGG_EXPORT_LEVELS};
    if (tensor->part == VGG_EXPORT_SCALES)
        entry.shape.rank = 1;
    entry.count = vgg_shape_elements(&entry.shape);
    return entry;
}

static clvgg_status add_tensor(vgg_export *made, const vgg_parameter *from, vgg_export_part part)
{
    vgg_export_tensor *tensor = &made->tensors[made->count];
    tensor->from = from;
    tensor->part = part;
    tensor->dtype = made->options->keep_dtype ? from->dtype : made->options->dtype;
    if (tensor->dtype != from->dtype && tensor->dtype > made->coarsest)
        made->coarsest = tensor->dtype;
    VGG_PASS(name_tensor(made, tensor, &tensor->name));
    made->count++;
    const vgg_tensor_entry entry = entry_of(tensor);
    made->total_bytes += entry.count * vgg_weights_value_size(&entry);
    return CLVGG_STATUS_OK;
}

/* In the graph's order, a layer's in its list's. */
static clvgg_status list_tensors(vgg_export *made)
{
    const clvgg_model *model = made->model;
    const bool int8 = made->options->writer->int8 && made->options->keep_dtype;
    VGG_NEW_PASS(made->tensors, 2 * model->parameter_count);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *from = &model->parameters[i];
        VGG_PASS(
            add_tensor(made, from, int8 && from->int8 ? VGG_EXPORT_LEVELS : VGG_EXPORT_VALUES));
        if (int8 && from->int8)
            VGG_PASS(add_tensor(made, from, VGG_EXPORT_SCALES));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_model_fit_preprocess(const clvgg_model *model, const clvgg_preprocess *stated,
                                      clvgg_preprocess *out)
{
    const int64_t *input = model->graph->nodes[0].output.dims;
    VGG_PASS(vgg_model_preprocess_check(stated));
    VGG_CHECK(stated->channels == input[0] || (stated->channels == 3 && input[0] == 1),
              CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing for %d channel%s, the network takes %lld", stated->channels,
              stated->channels == 1 ? "" : "s", (long long)input[0]);
    VGG_CHECK(stated->height == 0 || (stated->height == input[1] && stated->width == input[2]),
              CLVGG_STATUS_INVALID_ARGUMENT,
              "preprocessing crops to %d x %d, the network takes %lld x %lld", stated->height,
              stated->width, (long long)input[1], (long long)input[2]);
    *out = *stated;
    out->struct_size = sizeof *out;
    vgg_model_preprocess_fit(out, (int)input[0], (int)input[1], (int)input[2]);
    return CLVGG_STATUS_OK;
}

/* ---- their values ---- */

static clvgg_status read_converted(const vgg_export *made, const vgg_export_tensor *tensor,
                                   uint64_t first, uint64_t count, unsigned char *data)
{
    const size_t size = vgg_dtype_bytes(tensor->dtype), most = SCRATCH_ELEMENTS;
    for (uint64_t done = 0; done < count;) {
        const size_t now = count - done < most ? (size_t)(count - done) : most;
        unsigned char *at = data + done * size;
        VGG_PASS(vgg_model_read_parameter(made->model, tensor->from, first + done, now, made->raw));
        vgg_to_f32(tensor->from->dtype, made->raw, now, made->scratch);
        vgg_from_f32(tensor->dtype, made->scratch, now, at);
        const size_t bad = vgg_find_non_finite(tensor->dtype, at, now);
        VGG_CHECK(bad == now, CLVGG_STATUS_NON_FINITE,
                  "tensor '%s': element %llu is %g, too large for %s", tensor->name,
                  (unsigned long long)(first + done + bad), (double)made->scratch[bad],
                  vgg_dtype_name(tensor->dtype));
        done += now;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensor(void *user, size_t index, uint64_t first, uint64_t count,
                                void *data)
{
    vgg_export *made = user;
    const vgg_export_tensor *tensor = &made->tensors[index];
    const vgg_tensor_entry entry = entry_of(tensor);
    if (tensor->part == VGG_EXPORT_LEVELS)
        VGG_PASS(vgg_int8_read_levels(made->model, tensor->from, first, count, data));
    else if (tensor->part == VGG_EXPORT_SCALES)
        VGG_PASS(vgg_int8_read_scales(made->model, tensor->from, first, count, data));
    else if (tensor->from->dtype == tensor->dtype)
        VGG_PASS(vgg_model_read_parameter(made->model, tensor->from, first, count, data));
    else
        VGG_PASS(read_converted(made, tensor, first, count, data));
    made->done_bytes += count * vgg_weights_value_size(&entry);
    return vgg_export_progress(made, CLVGG_EXPORT_WRITING, made->done_bytes, made->total_bytes);
}

/* ---- the file ---- */

static bool has_entry(const vgg_model_metadata *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (strcmp(metadata->entries[i].key, key) == 0)
            return true;
    return false;
}

static clvgg_status write_file(vgg_export *made, const char *path, vgg_writer *writer)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_weights_writer *kind = made->options->writer;
    const bool states_graph = !kind->holds_graph && !kind->torch_names;
    const vgg_metadata_choice choice = {
        .graph = states_graph ? made->model->graph : NULL,
        .preprocess = made->options->preprocess != NULL ? &made->preprocess : NULL,
        .converted = true};
    vgg_model_metadata metadata = {0};
    vgg_tensor_entry *tensors = NULL;
    VGG_TRY(vgg_model_metadata_list(made->model, &choice, &metadata));
    if (kind->torch_names && !has_entry(&metadata, "format")) /* which transformers wants */
        metadata.entries[metadata.count++] = (vgg_metadata_entry){"format", "pt"};
    VGG_NEW(tensors, made->count);
    for (size_t i = 0; i < made->count; i++)
        tensors[i] = entry_of(&made->tensors[i]);
    const vgg_weights_output output = {.path = path,
                                       .tensors = tensors,
                                       .count = made->count,
                                       .metadata = metadata.entries,
                                       .metadata_count = metadata.count,
                                       .graph = kind->holds_graph ? made->model->graph : NULL,
                                       .read = read_tensor,
                                       .user = made};
    VGG_TRY(vgg_export_progress(made, CLVGG_EXPORT_WRITING, 0, made->total_bytes));
    VGG_TRY(kind->write(writer, &output));
    made->file_bytes = vgg_writer_bytes(writer);
cleanup:
    vgg_model_metadata_free(&metadata);
    vgg_free(tensors);
    return status;
}

static clvgg_status prepare(vgg_export *made)
{
    made->preprocess = made->model->preprocess;
    if (made->options->preprocess != NULL)
        VGG_PASS(
            vgg_model_fit_preprocess(made->model, made->options->preprocess, &made->preprocess));
    if (made->options->writer->torch_names)
        VGG_PASS(vgg_export_torch_check(made->model->graph));
    VGG_NEW_PASS(made->scratch, SCRATCH_ELEMENTS);
    VGG_NEW_PASS(made->raw, SCRATCH_ELEMENTS);
    return list_tensors(made);
}

clvgg_status vgg_export_progress(const vgg_export *made, clvgg_export_phase phase, uint64_t done,
                                 uint64_t total)
{
    const vgg_export_options *options = made->options;
    if (options->progress == NULL)
        return CLVGG_STATUS_OK;
    return options->progress(options->progress_user, phase, done < total ? done : total, total);
}

clvgg_status vgg_model_export(const clvgg_model *model, const char *path,
                              const vgg_export_options *options, vgg_export *made)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_writer *writer = NULL;
    *made = (vgg_export){.model = model, .options = options};
    VGG_TRY(vgg_prefixed(prepare(made), "%s", model->name));
    VGG_TRY(vgg_writer_open(path, &writer));
    VGG_TRY(write_file(made, path, writer));
    if (options->check != NULL)
        VGG_TRY(vgg_prefixed(
            options->check(options->check_user, made, vgg_writer_temporary(writer)), "%s", path));
    VGG_TRY(vgg_export_progress(made, CLVGG_EXPORT_STORING, 0, made->file_bytes));
    VGG_TRY(vgg_writer_commit(writer));
cleanup:
    vgg_writer_free(writer);
    return status;
}

void vgg_export_free(vgg_export *made)
{
    for (size_t i = 0; i < made->count; i++)
        vgg_free(made->tensors[i].name);
    vgg_free(made->tensors);
    vgg_free(made->scratch);
    vgg_free(made->raw);
    *made = (vgg_export){0};
}
