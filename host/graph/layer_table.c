/* graph/layer_table.c — the table of layer types, from layer_list.h, and what their files share:
 * messages, checks and wording.
 */
#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "tensor/shape.h"

const vgg_layer vgg_layer_input = {.name = "input", .color = "#d9d9d9"};

#define ROW(number, row) &vgg_layer_##row,
static const vgg_layer *const layers[] = {VGG_LAYER_LIST(ROW)};
#undef ROW

const vgg_layer *vgg_layer_of(vgg_layer_type type)
{
    return layers[type];
}

const char *vgg_layer_type_name(vgg_layer_type type)
{
    return layers[type]->name;
}

bool vgg_layer_type_from_name(const char *name, vgg_layer_type *type)
{
    for (int i = 0; i < VGG_LAYER_TYPE_COUNT; i++) {
        if (!layers[i]->internal && strcmp(name, layers[i]->name) == 0) {
            *type = (vgg_layer_type)i;
            return true;
        }
    }
    return false;
}

bool vgg_layer_type_of_activation(clvgg_activation activation, vgg_layer_type *type)
{
    for (int i = 0; i < VGG_LAYER_TYPE_COUNT; i++) {
        const vgg_activation *row = layers[i]->activation;
        if (row != NULL && row->in_heads && row->head == activation) {
            *type = (vgg_layer_type)i;
            return true;
        }
    }
    return false;
}

bool vgg_node_is_convolution(const vgg_node *node)
{
    return layers[node->type]->as_convolution != NULL && node->output.rank == 3;
}

bool vgg_node_is_dense(const vgg_node *node)
{
    return layers[node->type]->as_convolution != NULL && node->output.rank == 1;
}

int vgg_graph_last(const vgg_graph *graph, bool (*is)(const vgg_node *node))
{
    int node = graph->count - 1;
    while (node > 0 && !is(&graph->nodes[node]))
        node--;
    return node;
}

clvgg_status vgg_layer_infer_same(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    (void)node;
    *output = *input;
    return CLVGG_STATUS_OK;
}

int64_t vgg_element_place(const vgg_element *e)
{
    const bool image = e->input->rank == 3;
    const int64_t height = image ? e->input->dims[1] : 1, width = image ? e->input->dims[2] : 1;
    return (e->at[0] * height + e->at[1]) * width + e->at[2];
}

double vgg_element_input(const vgg_element *e)
{
    return (double)e->x[vgg_element_place(e)];
}

clvgg_status vgg_layer_fail(const vgg_node *node, clvgg_status code, const char *format, ...)
{
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return vgg_fail(code, "%s '%s': %s", vgg_layer_type_name(node->type), node->name, reason);
}

clvgg_status vgg_layer_check_range(const vgg_node *node, const char *what, const int64_t *values,
                                   int count, int64_t minimum)
{
    for (int i = 0; i < count; i++)
        if (values[i] < minimum || values[i] > VGG_MAX_DIM)
            return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                                  "%s is %lld, must be %lld to %lld", what, (long long)values[i],
                                  (long long)minimum, (long long)VGG_MAX_DIM);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_layer_check_image(const vgg_node *node, const clvgg_shape *input)
{
    char text[128];
    if (input->rank != 3)
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "needs an input of [channels, height, width], got %s",
                              vgg_shape_text(input, text, sizeof text));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_layer_check_flat(const vgg_node *node, const clvgg_shape *input)
{
    char text[128];
    if (input->rank != 1)
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "needs an input of [features], got %s: flatten it first",
                              vgg_shape_text(input, text, sizeof text));
    return CLVGG_STATUS_OK;
}

void vgg_describe(char *text, size_t capacity, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, capacity - used, format, arguments);
    va_end(arguments);
}

void vgg_describe_pair(char *text, size_t capacity, const char *what, const int64_t pair[2])
{
    if (pair[0] == pair[1])
        vgg_describe(text, capacity, " %s %lld", what, (long long)pair[0]);
    else
        vgg_describe(text, capacity, " %s %lldx%lld", what, (long long)pair[0], (long long)pair[1]);
}

void vgg_describe_pad(char *text, size_t capacity, const int64_t pad[4])
{
    bool same = pad[0] == pad[1] && pad[0] == pad[2] && pad[0] == pad[3];
    if (!same)
        vgg_describe(text, capacity, " pad %lld %lld %lld %lld", (long long)pad[VGG_TOP],
                     (long long)pad[VGG_LEFT], (long long)pad[VGG_BOTTOM],
                     (long long)pad[VGG_RIGHT]);
    else if (pad[0] != 0)
        vgg_describe(text, capacity, " pad %lld", (long long)pad[0]);
}
