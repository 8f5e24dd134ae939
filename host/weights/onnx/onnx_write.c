/* weights/onnx/onnx_write.c — writes ONNX: opset 13, IR version 7, as old a file as has all that a
 * network here needs, which OpenCV 4.6, ONNX Runtime and pnnx read.
 *
 * The structure is built in memory; values go from their source into the file piece by piece. The
 * network ends with its logits, as those do that training programs export: a softmax behind them is
 * left out. The input is float32 [N, c, h, w], named as the network's; the output is "logits".
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "clvgg/runtime.h"
#include "weights/onnx/onnx_nodes.h"
#include "weights/onnx/onnx_wire.h"
#include "weights/write.h"

/* Protobuf's limit of a whole message. */
#define LARGEST_MODEL ((uint64_t)INT32_MAX)

typedef struct onnx_file {
    vgg_onnx_nodes network;
    vgg_text front;  /* of the file, up to the graph's length */
    vgg_text inside; /* of the graph: nodes and name */
    vgg_text *heads; /* of each tensor: its message up to its values, and the field's front */
    vgg_text behind; /* the graph's constants, input and output */
    vgg_text end;    /* of the file, behind the graph */
    uint64_t graph_bytes;
} onnx_file;

static clvgg_status check_names(const vgg_weights_output *output)
{
    const vgg_graph *graph = output->graph;
    for (int i = 0; i < graph->count; i++)
        VGG_CHECK(vgg_text_is_utf8(graph->nodes[i].name), CLVGG_STATUS_UNSUPPORTED,
                  "layer \"%s\": ONNX has names in UTF-8 alone", graph->nodes[i].name);
    return CLVGG_STATUS_OK;
}

/* Builds the front of each tensor's field, and sums what the graph takes. */
static clvgg_status build_heads(const vgg_weights_output *output, onnx_file *file)
{
    file->graph_bytes = file->inside.length + file->behind.length;
    for (size_t i = 0; i < output->count; i++) {
        const vgg_tensor_entry *tensor = &output->tensors[i];
        uint64_t bytes = 0;
        vgg_text inner = {0};
        VGG_CHECK(vgg_weights_value_bytes(tensor, &bytes) &&
                      bytes < LARGEST_MODEL - file->graph_bytes,
                  CLVGG_STATUS_UNSUPPORTED,
                  "the weights take more than the 2 GiB that an ONNX model can have: write "
                  "safetensors, or --dtype f16");
        vgg_onnx_put_tensor_head(&inner, tensor->name, tensor->dtype, &tensor->shape, bytes);
        vgg_onnx_put_length(&file->heads[i], ONNX_GRAPH_INITIALIZER, inner.length + bytes);
        vgg_text_join(&file->heads[i], &inner);
        vgg_text_free(&inner);
        VGG_PASS(vgg_text_check(&file->heads[i], "the front of a tensor"));
        file->graph_bytes += file->heads[i].length + bytes;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status build_end(const vgg_weights_output *output, vgg_text *end)
{
    vgg_metadata_entry *sorted = NULL;
    vgg_text opset = {0};
    VGG_PASS(vgg_weights_sort_metadata(output, &sorted));
    vgg_onnx_put_integer(&opset, ONNX_OPSET_VERSION, ONNX_OPSET);
    vgg_onnx_put_message(end, ONNX_MODEL_OPSET, &opset);
    for (size_t i = 0; i < output->metadata_count; i++) {
        vgg_text entry = {0};
        vgg_onnx_put_string(&entry, ONNX_ENTRY_KEY, sorted[i].key);
        vgg_onnx_put_string(&entry, ONNX_ENTRY_VALUE, sorted[i].value);
        vgg_onnx_put_message(end, ONNX_MODEL_METADATA, &entry);
    }
    vgg_free(sorted);
    return vgg_text_check(end, "metadata");
}

static clvgg_status build(const vgg_weights_output *output, onnx_file *file)
{
    const vgg_graph *graph = output->graph;
    VGG_PASS(check_names(output));
    VGG_PASS(vgg_onnx_list_nodes(output, &file->network));
    vgg_text_join(&file->inside, &file->network.nodes);
    vgg_onnx_put_string(&file->inside, ONNX_GRAPH_NAME, "clvgg");
    vgg_text_join(&file->behind, &file->network.constants);
    vgg_onnx_put_value(&file->behind, ONNX_GRAPH_INPUT, graph->nodes[0].name,
                       &graph->nodes[0].output);
    vgg_onnx_put_value(&file->behind, ONNX_GRAPH_OUTPUT, file->network.output_name,
                       &graph->nodes[file->network.output].output);
    VGG_PASS(vgg_text_check(&file->inside, "the network's nodes"));
    VGG_PASS(vgg_text_check(&file->behind, "the network's constants"));
    VGG_NEW_PASS(file->heads, output->count);
    VGG_PASS(build_heads(output, file));
    VGG_PASS(build_end(output, &file->end));
    vgg_onnx_put_integer(&file->front, ONNX_MODEL_IR_VERSION, ONNX_IR_VERSION);
    vgg_onnx_put_string(&file->front, ONNX_MODEL_PRODUCER, "clvgg");
    vgg_onnx_put_string(&file->front, ONNX_MODEL_PRODUCER_VERSION, clvgg_version());
    vgg_onnx_put_length(&file->front, ONNX_MODEL_GRAPH, file->graph_bytes);
    VGG_PASS(vgg_text_check(&file->front, "the front of the file"));
    VGG_CHECK(file->front.length + file->graph_bytes + file->end.length <= LARGEST_MODEL,
              CLVGG_STATUS_UNSUPPORTED,
              "weights and metadata take more than the 2 GiB that an ONNX model can have");
    return CLVGG_STATUS_OK;
}

static clvgg_status append(vgg_writer *writer, const vgg_text *text)
{
    return text->length > 0 ? vgg_writer_append(writer, text->bytes, text->length)
                            : CLVGG_STATUS_OK;
}

static void free_parts(onnx_file *file, size_t count)
{
    for (size_t i = 0; i < count && file->heads != NULL; i++)
        vgg_text_free(&file->heads[i]);
    vgg_free(file->heads);
    vgg_text_free(&file->network.nodes);
    vgg_text_free(&file->network.constants);
    vgg_text_free(&file->front);
    vgg_text_free(&file->inside);
    vgg_text_free(&file->behind);
    vgg_text_free(&file->end);
}

clvgg_status vgg_onnx_write(vgg_writer *writer, const vgg_weights_output *output)
{
    clvgg_status status = CLVGG_STATUS_OK;
    onnx_file file = {0};
    void *piece = NULL;
    VGG_TRY(build(output, &file));
    VGG_TRY(VGG_MADE(piece = vgg_calloc(1, VGG_PIECE_BYTES)));
    VGG_TRY(append(writer, &file.front));
    VGG_TRY(append(writer, &file.inside));
    for (size_t i = 0; i < output->count; i++) {
        VGG_TRY(append(writer, &file.heads[i]));
        VGG_TRY(vgg_weights_put_values(writer, output, i, piece, NULL));
    }
    VGG_TRY(append(writer, &file.behind));
    VGG_TRY(append(writer, &file.end));
cleanup:
    vgg_free(piece);
    free_parts(&file, output->count);
    return status;
}
