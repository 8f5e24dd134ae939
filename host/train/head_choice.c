/* train/head_choice.c — kept, replaced, frozen. */
#include "train/head_choice.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "graph/layer.h"
#include "tensor/shape.h"

/* The base's side of one dense layer. */
typedef struct base_layer {
    int64_t inputs, outputs;
    clvgg_activation activation;
    int activations; /* before the next dense layer */
    float dropout;
} base_layer;

typedef struct base_head {
    int nodes[3], count; /* of more than three layers the first three */
    int64_t features;    /* that the first dense layer takes, or would take */
    base_layer layers[3];
    bool same_classes;
} base_head;

static bool same_classes(const clvgg_model *base, const char *const *classes, size_t class_count)
{
    if (base->class_count != class_count || base->labels == NULL)
        return false;
    for (size_t i = 0; i < class_count; i++)
        if (strcmp(base->labels[i], classes[i]) != 0)
            return false;
    return true;
}

/* Reads the activation and dropout between a dense layer and the next. */
static void read_behind(const vgg_graph *graph, int node, base_layer *layer)
{
    for (int i = node + 1; i < graph->count && !vgg_node_is_dense(&graph->nodes[i]); i++) {
        const vgg_layer *next = vgg_layer_of(graph->nodes[i].type);
        if (next->activation != NULL && next->activation->in_heads)
            layer->activation = next->activation->head;
        if (next->dropout_rate != NULL)
            layer->dropout = next->dropout_rate(&graph->nodes[i]);
        else
            layer->activations++;
    }
}

static clvgg_status read_base(const clvgg_model *base, const char *const *classes,
                              size_t class_count, base_head *head)
{
    *head = (base_head){.same_classes = same_classes(base, classes, class_count)};
    VGG_PASS(vgg_model_head_nodes(base, head->nodes, &head->count));
    for (int i = 0; i < head->count && i < 3; i++) {
        const clvgg_shape shape =
            vgg_graph_parameter_shape(base->graph, head->nodes[i], VGG_WEIGHT);
        head->layers[i].inputs = shape.dims[1];
        head->layers[i].outputs = shape.dims[0];
        read_behind(base->graph, head->nodes[i], &head->layers[i]);
    }
    const vgg_node *last = &base->graph->nodes[base->graph->count - 1];
    head->features =
        head->count > 0 ? head->layers[0].inputs : (int64_t)vgg_shape_elements(&last->output);
    return CLVGG_STATUS_OK;
}

/* Names, widths, activations: what the new head is, apart from where its weights come from. */
static clvgg_status lay_out(const base_head *base, size_t class_count,
                            const clvgg_finetune_options *options, vgg_head_choice *choice)
{
    static const char *const names[] = {"fc6", "fc7", "fc8"};
    const int hidden = options->head_given ? options->head_layers : base->count >= 3 ? 2 : 0;
    VGG_CHECK(hidden == 0 || hidden == 2, CLVGG_STATUS_INVALID_ARGUMENT,
              "a head has two hidden layers or none, not %d", hidden);
    choice->layer_count = hidden + 1;
    int64_t inputs = base->features;
    for (int i = 0; i <= hidden; i++) {
        vgg_chosen_layer *layer = &choice->layers[i];
        layer->name = names[3 - choice->layer_count + i];
        layer->inputs = inputs;
        layer->outputs = i == hidden           ? (int64_t)class_count
                         : options->head_given ? options->head[i]
                                               : base->layers[i].outputs;
        inputs = layer->outputs;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status choose_trained(const clvgg_finetune_options *options, vgg_head_choice *choice)
{
    const int wanted = options->train != CLVGG_TRAIN_AUTO ? (int)options->train
                       : choice->layer_count == 1         ? CLVGG_TRAIN_FC8
                                                          : CLVGG_TRAIN_FC6;
    VGG_CHECK(choice->layer_count == 3 || wanted == CLVGG_TRAIN_FC8, CLVGG_STATUS_INVALID_ARGUMENT,
              "fc%d can't train: the head is the last layer, fc8, alone", wanted);
    choice->first_trained = choice->layer_count == 1 ? 0 : wanted - CLVGG_TRAIN_FC6;
    return CLVGG_STATUS_OK;
}

/* Writes into layer->why why layer `i` can't have the base's weights; "" when it can. */
static void judge(const base_head *base, const clvgg_finetune_options *options,
                  vgg_head_choice *choice, int i)
{
    vgg_chosen_layer *layer = &choice->layers[i];
    const base_layer *theirs = &base->layers[i];
    const bool last = i == choice->layer_count - 1, trains = i >= choice->first_trained;
    layer->why[0] = '\0';
    if (base->count != choice->layer_count)
        snprintf(layer->why, VGG_CHOICE_WHY, "the base has %d dense %s", base->count,
                 vgg_plural((uint64_t)base->count, "layer", "layers"));
    else if (i > 0 && !choice->layers[i - 1].kept)
        snprintf(layer->why, VGG_CHOICE_WHY, "%s before it isn't kept", choice->layers[i - 1].name);
    else if (layer->inputs != theirs->inputs || layer->outputs != theirs->outputs)
        snprintf(layer->why, VGG_CHOICE_WHY, "the base's is %lld to %lld",
                 (long long)theirs->inputs, (long long)theirs->outputs);
    else if (last && !base->same_classes)
        snprintf(layer->why, VGG_CHOICE_WHY, "the base has other classes");
    else if (!last && theirs->activations != 1)
        snprintf(layer->why, VGG_CHOICE_WHY, "the base has %d activations behind it",
                 theirs->activations);
    else if (!last && trains && options->activation_given &&
             options->activation != theirs->activation)
        snprintf(layer->why, VGG_CHOICE_WHY, "the base has another activation behind it");
}

static clvgg_status decide(const base_head *base, const clvgg_finetune_options *options,
                           vgg_head_choice *choice, int i)
{
    vgg_chosen_layer *layer = &choice->layers[i];
    const bool keeps = options->head_init == CLVGG_HEAD_KEEP ||
                       (options->head_init == CLVGG_HEAD_AUTO &&
                        (base->same_classes || options->train != CLVGG_TRAIN_AUTO));
    layer->frozen = i < choice->first_trained;
    judge(base, options, choice, i);
    layer->kept = layer->why[0] == '\0';
    if (layer->kept && !layer->frozen && !keeps) {
        layer->kept = false;
        snprintf(layer->why, VGG_CHOICE_WHY, "begins anew");
    }
    VGG_CHECK(layer->kept || !layer->frozen || options->head_init == CLVGG_HEAD_FRESH,
              CLVGG_STATUS_INVALID_ARGUMENT,
              "%s can't be kept (%s), so it has to train too: train from %s on, or ask for a "
              "fresh head, whose frozen layers are random",
              layer->name, layer->why, layer->name);
    layer->activation = layer->kept && (layer->frozen || !options->activation_given)
                            ? base->layers[i].activation
                            : options->activation;
    layer->dropout = layer->frozen ? base->layers[i].dropout : (float)options->dropout;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_head_choose(const clvgg_model *base, const char *const *classes,
                             size_t class_count, const clvgg_finetune_options *options,
                             vgg_head_choice *choice)
{
    base_head head;
    *choice = (vgg_head_choice){0};
    VGG_PASS(read_base(base, classes, class_count, &head));
    VGG_PASS(lay_out(&head, class_count, options, choice));
    VGG_PASS(choose_trained(options, choice));
    for (int i = 0; i < choice->layer_count; i++) {
        VGG_PASS(decide(&head, options, choice, i));
        choice->base_nodes[i] = i < head.count ? head.nodes[i] : -1;
    }
    return CLVGG_STATUS_OK;
}
