/* graph/graph_require.c — a layer by its name, or an error that says which names there are. */
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

void vgg_graph_list_layers(const vgg_graph *graph, char *names, size_t capacity)
{
    size_t length = 0;
    names[0] = '\0';
    for (int i = 1; i < graph->count && length < capacity; i++)
        length += (size_t)snprintf(names + length, capacity - length, " %s", graph->nodes[i].name);
}

clvgg_status vgg_graph_require(const vgg_graph *graph, const char *name, const char *what,
                               int *node)
{
    char names[2048] = "";
    VGG_CHECK(name != NULL, CLVGG_STATUS_INVALID_ARGUMENT, "a layer%s has no name", what);
    *node = vgg_graph_find(graph, name);
    if (*node > 0)
        return CLVGG_STATUS_OK;
    vgg_graph_list_layers(graph, names, sizeof names);
    VGG_CHECK(strcmp(name, "prob") != 0, CLVGG_STATUS_UNSUPPORTED,
              "the network has no softmax, which 'prob' is; its layers:%s", names);
    VGG_CHECK(strcmp(name, "logits") != 0, CLVGG_STATUS_UNSUPPORTED,
              "the network has neither dense layer nor softmax, and so no 'logits'; its layers:%s",
              names);
    return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "there is no layer '%s'%s; there are%s%s%s",
                    name, what, names, vgg_graph_find(graph, "logits") > 0 ? " logits" : "",
                    vgg_graph_find(graph, "prob") > 0 ? " prob" : "");
}
