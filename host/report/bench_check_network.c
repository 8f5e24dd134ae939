/* report/bench_check_network.c — layers held against the network, which clvgg builds itself: their
 * order, operations, bytes and weights. */
#include "report/bench_check_inside.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <string.h>

/* Layers that a step may name but needn't: they compute nothing. */
static bool is_idle(const char *type)
{
    return strcmp(type, "flatten") == 0 || strcmp(type, "dropout") == 0 ||
           strcmp(type, "input") == 0;
}

static double elements_of(const clvgg_shape *shape)
{
    double count = 1;
    for (int i = 0; i < shape->rank; i++)
        count *= (double)shape->dims[i];
    return count;
}

/* A step, as the network has it. */
typedef struct expected_step {
    double flops, weights; /* of one image; elements */
    double values;         /* of one image: first input and last output, elements */
    bool dense;
} expected_step;

/* Takes the layers of "conv1_2+relu1_2+pool1" from *next on, which goes behind the last. False
 * where the network has others there, which *expected then names. */
static bool take_layers(const vgg_bench_document *document, const char *names, size_t *next,
                        expected_step *step, const char **expected)
{
    clvgg_layer_info layer = {.struct_size = sizeof layer}, input = {.struct_size = sizeof input};
    *step = (expected_step){0};
    *expected = "no more layers";
    for (const char *name = names; name != NULL;) {
        const char *end = strchr(name, '+');
        const size_t length = end != NULL ? (size_t)(end - name) : strlen(name);
        for (;; (*next)++) {
            if (*next > document->output ||
                clvgg_model_layer(document->network, *next, &layer) != CLVGG_STATUS_OK)
                return false;
            if (strlen(layer.name) == length && memcmp(layer.name, name, length) == 0)
                break;
            *expected = layer.name;
            if (!is_idle(layer.type))
                return false;
        }
        if (name == names && layer.input >= 0 &&
            clvgg_model_layer(document->network, (size_t)layer.input, &input) == CLVGG_STATUS_OK)
            step->values += elements_of(&input.output);
        step->flops += (double)layer.flops;
        step->dense = step->dense || strcmp(layer.type, "dense") == 0;
        if (layer.parameter_count > 0) /* less the biases */
            step->weights += (double)layer.parameter_count - (double)layer.output.dims[0];
        (*next)++;
        name = end != NULL ? end + 1 : NULL;
    }
    step->values += elements_of(&layer.output);
    return true;
}

/* Most operations of a direct convolution for one that a variant executes: tiles of m x m outputs
 * take (m + 2)² products instead of 9m² (Lavin and Gray 2016). */
static double most_saved(const char *variant)
{
    return strncmp(variant, "winograd_f2", 11) == 0   ? 36 / 16.0
           : strncmp(variant, "winograd_f4", 11) == 0 ? 144 / 36.0
           : strncmp(variant, "winograd_f6", 11) == 0 ? 324 / 64.0
                                                      : 1;
}

static void check_step(const vgg_bench_document *document, const vgg_bench_part *part,
                       const expected_step *step, double batch)
{
    const cJSON *layer = part->object;
    const char *variant = vgg_bench_string(layer, "variant");
    const double executed = vgg_bench_number(layer, "executed_flops");
    const double weight_bytes = vgg_bench_number(layer, "weight_bytes");
    const char *storage = vgg_bench_string(document->root, "storage");
    const double least_bytes = step->weights * (strcmp(storage, "f32") == 0 ? 4 : 2);
    vgg_bench_expect(part, "flops", step->flops * batch, "the network's, of the batch");
    if (!(executed >= step->flops * batch / most_saved(variant) * (1 - VGG_BENCH_DIGITS)))
        vgg_bench_refuse_number(part, "executed_flops", executed,
                                "%.9g or more: %s can't do with less",
                                step->flops * batch / most_saved(variant), variant);
    if (!(weight_bytes >= least_bytes))
        vgg_bench_refuse_number(part, "weight_bytes", weight_bytes,
                                "%.9g or more: the network's weights as %s", least_bytes, storage);
    else if (step->dense && weight_bytes > least_bytes * VGG_BENCH_MARGIN)
        vgg_bench_refuse_number(part, "weight_bytes", weight_bytes,
                                "about %.9g: the network's weights as %s", least_bytes, storage);
    vgg_bench_expect(part, "bytes", weight_bytes + 4 * batch * step->values,
                     "weight_bytes, and the batch's input and output as float32");
}

static void check_layers(const vgg_bench_document *document, const vgg_bench_part *result)
{
    const cJSON *layers = vgg_bench_member(result->object, "layers"), *layer = NULL;
    const char *expected = NULL;
    expected_step step;
    size_t next = 1;
    int index = 0;
    cJSON_ArrayForEach(layer, layers)
    {
        const vgg_bench_part part = vgg_bench_part_at(document, result, "layers", layer, index++);
        const char *names = vgg_bench_string(layer, "layers");
        const char *name = vgg_bench_string(layer, "name");
        const size_t first = strcspn(names, "+");
        if (strlen(name) != first || memcmp(name, names, first) != 0)
            vgg_bench_refuse(&part, "name", name, "the first of its layers, %s", names);
        if (strcmp(vgg_bench_string(layer, "variant"), "layout") == 0)
            continue; /* between layers */
        if (!take_layers(document, names, &next, &step, &expected)) {
            vgg_bench_refuse(&part, "layers", names, "%s, as the network has it", expected);
            return;
        }
        check_step(document, &part, &step, vgg_bench_number(result->object, "batch"));
    }
    if (layers != NULL && next <= document->output) {
        clvgg_layer_info last = {.struct_size = sizeof last};
        clvgg_model_layer(document->network, document->output, &last);
        vgg_bench_refuse_number(result, "layers", index, "steps up to %s", last.name);
    }
}

/* FLOPs from the input to the last layer that was computed. */
static double count_flops(const vgg_bench_document *document)
{
    clvgg_layer_info layer = {.struct_size = sizeof layer};
    double flops = 0;
    for (size_t i = 0; i <= document->output; i++)
        if (clvgg_model_layer(document->network, i, &layer) == CLVGG_STATUS_OK)
            flops += (double)layer.flops;
    return flops;
}

void vgg_bench_check_network(const vgg_bench_document *document)
{
    const vgg_bench_part whole = vgg_bench_part_of(document, NULL);
    const cJSON *results = vgg_bench_member(document->root, "results"), *result = NULL;
    int index = 0;
    if (document->network == NULL) {
        vgg_bench_note(&document->check->unknown,
                       "layers and operations: the network of a file isn't in the result");
        return;
    }
    vgg_bench_expect(&whole, "flops", count_flops(document), "the network's");
    cJSON_ArrayForEach(result, results)
    {
        const vgg_bench_part part = vgg_bench_part_at(document, NULL, "results", result, index++);
        const char *storage = vgg_bench_string(result, "storage");
        if (storage != NULL && strcmp(storage, vgg_bench_string(document->root, "storage")) != 0)
            vgg_bench_refuse(&part, "storage", storage, "%s, as the file's",
                             vgg_bench_string(document->root, "storage"));
        check_layers(document, &part);
    }
    vgg_bench_note(&document->check->checked, "layers and operations against %s",
                   vgg_bench_string(document->root, "architecture"));
}
#endif
