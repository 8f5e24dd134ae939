/* tests/fuzz/fuzz_graph.c — any bytes as a graph's JSON: refused, or a graph that reads the same
 * when written again. */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vgg_graph *graph, *again;
    vgg_text first = {0}, second = {0}, dot = {0};
    uint64_t total = 0;
    if (vgg_graph_read_json((const char *)data, size, &graph) != CLVGG_STATUS_OK)
        return 0;
    for (int i = 0; i < graph->count; i++)
        total += vgg_graph_node_flops(graph, i) + vgg_graph_node_parameters(graph, i);
    vgg_graph_write_dot(graph, &dot);
    vgg_graph_write_json(graph, &first);
    if (total > UINT64_MAX / 2 || vgg_graph_find(graph, "logits") >= graph->count)
        abort();
    /* names that are no UTF-8 are written otherwise, and may then collide */
    if (vgg_graph_read_json(first.bytes, first.length, &again) == CLVGG_STATUS_OK) {
        vgg_graph_write_json(again, &second);
        if (strcmp(first.bytes, second.bytes) != 0)
            abort();
        vgg_graph_free(again);
    } else if (strstr(first.bytes, "\xEF\xBF\xBD") == NULL && strstr(first.bytes, "\\u") == NULL) {
        abort();
    }
    vgg_text_free(&first);
    vgg_text_free(&second);
    vgg_text_free(&dot);
    vgg_graph_free(graph);
    return 0;
}
