/* model/model_load.c — a weight file becomes a model: graph (stated, or from names and shapes),
 * each parameter bound to a tensor that fits, preprocessing, labels.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "graph/fold.h"
#include "graph/layer.h"
#include "model/assemble.h"
#include "model/bind.h"
#include "model/labels.h"
#include "model/norm_fold.h"
#include "tensor/shape.h"

/* State of loading a model. */
typedef struct load_state {
    const vgg_weights *weights;
    vgg_binding binding;
    clvgg_preprocess preprocess;
    const char *stated; /* preprocessing, or NULL */
    const char *origin; /* of the preprocessing */
    vgg_graph *graph;   /* the file's network */
    vgg_folded folded;  /* the model's, where layers take others in; graph NULL: the file's */
    size_t fold_count;  /* of those bound so far */
} load_state;

static clvgg_status check_format(const vgg_weights *weights)
{
    const char *text = vgg_weights_metadata(weights, "clvgg.format");
    if (text == NULL)
        return CLVGG_STATUS_OK;
    errno = 0;
    char *end;
    unsigned long version = strtoul(text, &end, 10);
    bool digits = strspn(text, "0123456789") == strlen(text) && text[0] != '\0';
    VGG_CHECK(digits && version > 0, CLVGG_STATUS_BAD_FILE, "clvgg.format '%.32s' is no version",
              text);
    VGG_CHECK(errno == 0 && version <= VGG_FORMAT_VERSION, CLVGG_STATUS_UNSUPPORTED,
              "clvgg.format %.32s is newer than %d, the newest that this version reads", text,
              VGG_FORMAT_VERSION);
    return CLVGG_STATUS_OK;
}

static clvgg_status find_preprocess(load_state *load)
{
    load->stated = vgg_weights_metadata(load->weights, "clvgg.preprocess");
    load->origin = vgg_weights_preprocess_origin(load->weights);
    if (load->origin == NULL)
        load->origin = "stated in the file";
    if (load->stated != NULL)
        VGG_PASS(vgg_model_preprocess_read_json(load->stated, &load->preprocess));
    else
        load->preprocess = vgg_binding_preprocess(&load->binding, &load->origin);
    return CLVGG_STATUS_OK;
}

/* The graph that the file states, in words of ours where `json` isn't NULL, resized where the
 * caller asks for it. */
static clvgg_status read_graph(load_state *load, const char *json, int64_t height, int64_t width)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *own = NULL;
    const vgg_graph *stated = vgg_weights_graph(load->weights);
    const clvgg_preprocess *crop = &load->preprocess;
    if (json != NULL) {
        VGG_TRY(vgg_prefixed(vgg_graph_read_json(json, strlen(json), &own), "clvgg.graph"));
        stated = own;
    }
    const int64_t *input = stated->nodes[0].output.dims;
    VGG_REQUIRE(crop->height == 0 || (crop->height == input[1] && crop->width == input[2]),
                CLVGG_STATUS_BAD_FILE,
                "its preprocessing crops to %d x %d, its network takes %lld x %lld", crop->height,
                crop->width, (long long)input[1], (long long)input[2]);
    const vgg_graph_copy_options resized = {
        .extent = {height > 0 ? height : input[1], width > 0 ? width : input[2]}};
    VGG_TRY(vgg_graph_copy(stated, &resized, &load->graph));
cleanup:
    vgg_graph_free(own);
    return status;
}

/* The graph that names and shapes tell; the input's size is the caller's choice, else the crop that
 * the file states, else what fc6 was made for. */
static clvgg_status infer_graph(load_state *load, int64_t height, int64_t width)
{
    int64_t input[2] = {load->preprocess.height, load->preprocess.width};
    if (input[0] == 0 && (height == 0 || width == 0))
        VGG_PASS(vgg_binding_input(&load->binding, load->weights, input));
    if (height > 0)
        input[0] = height;
    if (width > 0)
        input[1] = width;
    return vgg_binding_graph(&load->binding, load->weights, input, &load->graph);
}

/* Checks that the file's preprocessing is for as many channels as its network has. */
static clvgg_status check_channels(const load_state *load)
{
    const int64_t channels = load->graph->nodes[0].output.dims[0];
    VGG_CHECK(load->stated == NULL || load->preprocess.channels == channels, CLVGG_STATUS_BAD_FILE,
              "clvgg.preprocess is for %d channel%s, the network takes %lld",
              load->preprocess.channels, load->preprocess.channels == 1 ? "" : "s",
              (long long)channels);
    return CLVGG_STATUS_OK;
}

static clvgg_status find_graph(load_state *load, const clvgg_model_options *options)
{
    const char *json = vgg_weights_metadata(load->weights, "clvgg.graph");
    const bool stated = json != NULL || vgg_weights_graph(load->weights) != NULL;
    VGG_PASS(check_format(load->weights));
    if (!stated)
        VGG_PASS(vgg_binding_detect(load->weights, &load->binding));
    VGG_PASS(find_preprocess(load));
    if (stated)
        VGG_PASS(read_graph(load, json, options->input_height, options->input_width));
    else
        VGG_PASS(infer_graph(load, options->input_height, options->input_width));
    return check_channels(load);
}

/* What a parameter of the network has to be. */
typedef struct wanted {
    int node, position; /* in load->graph */
    clvgg_shape shape;
} wanted;

static clvgg_status check_tensor(const load_state *load, const wanted *w,
                                 const vgg_tensor_entry *entry)
{
    char actual[128], expected[128];
    const clvgg_shape *shape = &w->shape;
    const vgg_node *node = &load->graph->nodes[w->node];
    const int64_t *input = load->graph->nodes[0].output.dims;
    bool same_width = entry->shape.rank >= 2 && entry->shape.dims[0] == shape->dims[0];
    VGG_CHECK(vgg_binding_shape_fits(&entry->shape, shape) || shape->rank != 2 || !same_width,
              CLVGG_STATUS_SHAPE_MISMATCH,
              "an input of %lld x %lld leaves %lld features for %s, its tensor '%s' takes %llu",
              (long long)input[1], (long long)input[2], (long long)shape->dims[1], node->name,
              entry->name, (unsigned long long)(entry->count / (uint64_t)shape->dims[0]));
    VGG_CHECK(vgg_binding_shape_fits(&entry->shape, shape), CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%s' has shape %s, %s.%s needs %s", entry->name,
              vgg_shape_text(&entry->shape, actual, sizeof actual), node->name,
              vgg_layer_of(node->type)->parameters[w->position].name,
              vgg_shape_text(shape, expected, sizeof expected));
    return CLVGG_STATUS_OK;
}

/* The tensor of a parameter of the file's network. *out is NULL where the node hasn't got it. */
static clvgg_status find_tensor(const load_state *load, int node, int position,
                                const vgg_tensor_entry **out)
{
    char name[VGG_TENSOR_NAME_CAPACITY];
    const wanted w = {node, position, vgg_graph_parameter_shape(load->graph, node, position)};
    *out = NULL;
    if (!vgg_node_has_parameter(&load->graph->nodes[node], position))
        return CLVGG_STATUS_OK;
    vgg_binding_tensor_name(&load->binding, load->graph, node, position, name);
    *out = vgg_weights_find(load->weights, name);
    if (*out == NULL)
        return vgg_binding_fail_missing(load->weights, name);
    return check_tensor(load, &w, *out);
}

/* Binds what node `node` of the file's network took in, its weight's parameter first. */
static clvgg_status bind_fold(load_state *load, clvgg_model *model, int node, int norm,
                              const vgg_norm_fold **out)
{
    vgg_norm_fold *fold = &model->folds[load->fold_count++];
    fold->norm.type = load->graph->nodes[norm].type;
    fold->norm.attributes = load->graph->nodes[norm].attributes;
    for (int p = 0; p <= VGG_VARIANCE; p++)
        VGG_PASS(find_tensor(load, norm, p, &fold->parts[p]));
    *out = fold;
    return find_tensor(load, node, VGG_BIAS, &fold->bias);
}

static clvgg_status bind_parameters(load_state *load, clvgg_model *model)
{
    const vgg_folded *folded = &load->folded;
    const vgg_norm_fold *fold = NULL; /* of the latest node */
    int latest = -1;
    VGG_NEW_PASS(model->folds, (size_t)folded->count);
    for (size_t i = 0; i < model->parameter_count; i++) {
        vgg_parameter *parameter = &model->parameters[i];
        const int at = parameter->node, node = folded->graph != NULL ? folded->origin[at] : at;
        const int norm = folded->graph != NULL ? folded->norm[at] : -1;
        VGG_PASS(find_tensor(load, node, parameter->position, &parameter->entry));
        if (norm >= 0 && at != latest)
            VGG_PASS(bind_fold(load, model, node, norm, &fold));
        latest = at;
        parameter->fold = norm >= 0 ? fold : NULL;
        parameter->dtype = norm >= 0 ? CLVGG_DTYPE_F32 : parameter->entry->dtype;
    }
    return CLVGG_STATUS_OK;
}

static bool is_bound(const load_state *load, const clvgg_model *model,
                     const vgg_tensor_entry *entry)
{
    bool bound = vgg_binding_leaves_out(&load->binding, entry->name);
    for (size_t i = 0; i < model->parameter_count; i++)
        bound = bound || model->parameters[i].entry == entry;
    for (size_t i = 0; i < load->fold_count; i++)
        for (int p = 0; p <= VGG_VARIANCE; p++)
            bound = bound || model->folds[i].parts[p] == entry;
    return bound;
}

/* Logs a line about tensors that no layer uses, if there are any. */
static void warn_of_unused(const load_state *load, const clvgg_model *model)
{
    const vgg_tensor_entry *first = NULL;
    size_t unused = 0;
    for (size_t i = vgg_weights_count(load->weights); i-- > 0;) {
        const vgg_tensor_entry *entry = vgg_weights_entry(load->weights, i);
        if (is_bound(load, model, entry))
            continue;
        first = entry;
        unused++;
    }
    if (unused > 0)
        vgg_log(CLVGG_LOG_WARNING, "%s: tensors that no layer uses: %zu, the first is '%s'",
                vgg_weights_path(load->weights), unused, first->name);
}

/* Keeps what the file's reader and the binding say, a line each, and logs it. */
static clvgg_status take_notes(const load_state *load, clvgg_model *model)
{
    const char *read = vgg_weights_notes(load->weights);
    const char *bound = vgg_text_string(&load->binding.notes);
    vgg_text notes = {0};
    vgg_text_printf(&notes, "%s%s%s", read, read[0] != '\0' && bound[0] != '\0' ? "\n" : "", bound);
    VGG_PASS(vgg_text_take(&notes, "notes on a file", &model->notes));
    for (const char *line = model->notes; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        vgg_log(CLVGG_LOG_INFO, "%s: %.*s", vgg_weights_path(load->weights), (int)length, line);
        line += length + (line[length] == '\n');
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status find_labels(const load_state *load, const char *path, clvgg_model *model)
{
    const char *json = vgg_weights_metadata(load->weights, "clvgg.classes");
    if (path != NULL)
        return vgg_labels_read_file(path, model->class_count, &model->labels);
    if (json != NULL)
        return vgg_labels_read_json(json, model->class_count, &model->labels);
    return vgg_labels_generate(model->class_count, &model->labels);
}

static clvgg_status describe_model(const load_state *load, clvgg_model *model)
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
    const bool assumed = strncmp(model->preprocess_origin, "assumed", 7) == 0;
    if (assumed || (load->stated == NULL && model->preprocess.channels == 1))
        vgg_log(CLVGG_LOG_WARNING, "%s: doesn't say how images are prepared; %s", model->name,
                model->preprocess_origin);
    return CLVGG_STATUS_OK;
}

/* The model without tensors: of the file's network, or of the one that it is folded to. */
static clvgg_status assemble(load_state *load, const vgg_scope *scope, bool keep_batch_norm,
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

static void load_end(load_state *load)
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
    load_state load = {0};
    *out = NULL;
    status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_OK)
        return status;
    load.weights = weights;
    VGG_TRY(find_graph(&load, options));
    VGG_TRY(assemble(&load, &runtime->scope, options->keep_batch_norm != 0, &model));
    model->weights = weights;
    weights = NULL;
    VGG_TRY(take_notes(&load, model));
    VGG_TRY(bind_parameters(&load, model));
    warn_of_unused(&load, model);
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
