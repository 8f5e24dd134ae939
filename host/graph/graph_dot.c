/* graph/graph_dot.c — a graph in Graphviz's language: a box a layer, coloured by type, with its
 * attributes, output shape and parameters. Render with `dot -Tsvg`.
 */
#include "graph/layer.h"

/* Text inside an HTML-like label. */
static void write_escaped(const char *string, vgg_text *text)
{
    for (const char *c = string; *c != '\0'; c++) {
        switch (*c) {
        case '<':
            vgg_text_puts(text, "&lt;");
            break;
        case '>':
            vgg_text_puts(text, "&gt;");
            break;
        case '&':
            vgg_text_puts(text, "&amp;");
            break;
        case '"':
            vgg_text_puts(text, "&quot;");
            break;
        default:
            vgg_text_append(text, c, 1);
        }
    }
}

/* "138,357,544" */
static void write_count(uint64_t count, vgg_text *text)
{
    if (count >= 1000) {
        write_count(count / 1000, text);
        vgg_text_printf(text, ",%03u", (unsigned)(count % 1000));
    } else {
        vgg_text_printf(text, "%u", (unsigned)count);
    }
}

/* Two rows: name and output shape; type with attributes and, where it has any, parameters. An empty
 * <font> is a syntax error to Graphviz. */
static void write_node(const vgg_graph *graph, int index, vgg_text *text)
{
    static const char small[] = "<font point-size=\"9\" color=\"#444444\">";
    const vgg_node *node = &graph->nodes[index];
    char attributes[128];
    vgg_node_describe(node, attributes, sizeof attributes);
    vgg_text_printf(text,
                    "    n%d [fillcolor=\"%s\", label=<<table border=\"0\" cellspacing=\"1\" "
                    "cellpadding=\"1\"><tr><td align=\"left\" width=\"170\"><b>",
                    index, vgg_layer_of(node->type)->color);
    write_escaped(node->name, text);
    vgg_text_puts(text, "</b></td><td align=\"right\" width=\"110\">");
    for (int i = 0; i < node->output.rank; i++)
        vgg_text_printf(text, "%s%lld", i > 0 ? " × " : "", (long long)node->output.dims[i]);
    vgg_text_printf(
        text, "</td></tr><tr><td align=\"left\">%s%s%s%s</font></td><td align=\"right\">", small,
        vgg_layer_type_name(node->type), attributes[0] != '\0' ? " " : "", attributes);
    uint64_t parameters = vgg_graph_node_parameters(graph, index);
    if (parameters > 0) {
        vgg_text_puts(text, small);
        write_count(parameters, text);
        vgg_text_puts(text, " parameters</font>");
    }
    vgg_text_puts(text, "</td></tr></table>>];\n");
}

void vgg_graph_write_dot(const vgg_graph *graph, vgg_text *text)
{
    vgg_text_puts(
        text, "digraph network {\n"
              "    graph [ranksep=0.2, nodesep=0.3, fontname=\"Helvetica\"];\n"
              "    node [shape=box, style=\"rounded,filled\", color=\"#444444\", penwidth=0.8,\n"
              "          margin=\"0.06,0.03\", fontname=\"Helvetica\", fontsize=11];\n"
              "    edge [color=\"#444444\", arrowsize=0.6];\n");
    for (int i = 0; i < graph->count; i++)
        write_node(graph, i, text);
    for (int i = 1; i < graph->count; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            vgg_text_printf(text, "    n%d -> n%d;\n", graph->nodes[i].inputs[k], i);
    vgg_text_puts(text, "}\n");
}
