/* model/model_load.c — a weight file becomes a model: graph (stated, or from names and shapes),
 * each parameter bound to a tensor that fits, preprocessing, labels.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "model/assemble.h"
#include "model/labels.h"
#include "model/model_load.h"
#include "model/quantize.h"

/* "int8 weights, 14 quantised layers": one of the two, or both. */
static void note_int8(const vgg_load *load, const clvgg_model *model, vgg_text *notes)
{
    const int layers = vgg_model_quantized_layers(model);
    bool int8 = false;
    for (size_t i = 0; i < vgg_weights_count(load->weights); i++)
        int8 = int8 || vgg_weights_entry(load->weights, i)->int8;
    if (!int8 && layers == 0)
        return;
    vgg_text_printf(notes, "%s%s", notes->length > 0 ? "\n" : "", int8 ? "int8 weights" : "");
    if (layers > 0)
        vgg_text_printf(notes, "%s%d quantised layer%s", int8 ? ", " : "", layers,
                        layers == 1 ? "" : "s");
}

/* Keeps what the file's reader and the binding say, a line each, and logs it. */
static clvgg_status take_notes(const vgg_load *load, clvgg_model *model)
{
    const char *read = vgg_weights_notes(load->weights);
    const char *bound = vgg_text_string(&load->binding.notes);
    vgg_text notes = {0};
    vgg_text_printf(&notes, "%s%s%s", read, read[0] != '\0' && bound[0] != '\0' ? "\n" : "", bound);
    note_int8(load, model, &notes);
    VGG_PASS(vgg_text_take(&notes, "notes on a file", &model->notes));
    for (const char *line = model->notes; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        vgg_log(CLVGG_LOG_INFO, "%s: %.*s", vgg_weights_path(load->weights), (int)length, line);
        line += length + (line[length] == '\n');
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status find_labels(const vgg_load *load, const char *path, clvgg_model *model)
{
    const char *json = vgg_weights_metadata(load->weights, "clvgg.classes");
    if (path != NULL)
        return vgg_labels_read_file(path, model->class_count, &model->labels);
    if (json != NULL)
        return vgg_labels_read_json(json, model->class_count, &model->labels);
    return vgg_labels_generate(model->class_count, &model->labels);
}

static clvgg_status describe_model(const vgg_load *load, clvgg_model *model)
{
    const char *architecture = load->binding.architecture;
    if (architecture == NULL)
        architecture = vgg_weights_metadata(load->weights, "clvgg.arch");
    vgg_text words = {0};
    vgg_text_printf(&words, "%s%s", architecture != NULL ? architecture : "custom",
                    load->binding.batch_norm ? "_bn" : "");
    VGG_PASS(vgg_text_take(&words, "a model's description", &model->architecture));
    VGG_DUP_PASS(model->name, vgg_weights_path(load->weights));
    VGG_PASS(vgg_model_set_preprocess(model, &load->preprocess, load->origin));
    model->preprocess_assumed = load->assumed ||
                                strncmp(model->preprocess_origin, "assumed", 7) == 0 ||
                                (load->stated == NULL && model->preprocess.channels == 1);
    if (model->preprocess_assumed)
        vgg_log(CLVGG_LOG_WARNING, "%s: doesn't say how images are prepared; %s", model->name,
                model->preprocess_origin);
    return CLVGG_STATUS_OK;
}

/* The model without tensors: of the file's network, or of the one that it is folded to. */
static clvgg_status assemble(vgg_load *load, const vgg_scope *scope, bool keep_batch_norm,
                             clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *own = NULL;
    if (!keep_batch_norm)
        VGG_TRY(vgg_graph_fold(load->graph, &load->folded));
    if (load->folded.count == 0)
        vgg_folded_free(&load->folded);
    VGG_TRY(
        vgg_graph_copy(load->folded.graph != NULL ? load->folded.graph : load->graph, NULL, &own));
    VGG_TRY(vgg_model_assemble(scope, own, out));
    own = NULL;
cleanup:
    vgg_graph_free(own);
    return status;
}

static void load_end(vgg_load *load)
{
    vgg_graph_free(load->graph);
    vgg_folded_free(&load->folded);
    vgg_binding_free(&load->binding);
}

clvgg_status vgg_model_load(const clvgg_runtime *runtime, const char *path,
                            const clvgg_model_options *options, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_weights *weights = NULL;
    clvgg_model *model = NULL;
    vgg_load load = {0};
    *out = NULL;
    status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_OK)
        return status;
    load.weights = weights;
    VGG_TRY(vgg_load_graph(&load, options));
    VGG_TRY(assemble(&load, &runtime->scope, options->keep_batch_norm != 0, &model));
    model->weights = weights;
    weights = NULL;
    VGG_TRY(take_notes(&load, model));
    VGG_TRY(vgg_load_parameters(&load, model));
    vgg_load_warn_of_unused(&load, model);
    VGG_TRY(describe_model(&load, model));
    VGG_TRY(find_labels(&load, options->labels_path, model));
    VGG_GIVE(out, model);
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_message_prefix("%s", path);
    /* A wrong argument can only be an input size that was asked for; without one, the fault is the
     * file's. */
    if (status == CLVGG_STATUS_INVALID_ARGUMENT && options->input_height == 0 &&
        options->input_width == 0)
        status = vgg_fail_as(CLVGG_STATUS_BAD_FILE);
    load_end(&load);
    vgg_model_free(model);
    vgg_weights_close(weights);
    return status;
}
