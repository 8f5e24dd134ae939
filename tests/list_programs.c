/* list_programs.c — prints every program that a plan may build, one a line: file, options, the
 * kind of device it is for ("gpu", "intel" for Intel's GPUs alone, "cpu" or "any"), and the layers
 * of VGG16 that it computes by default on a GPU, separated by tabs. Offline compilation reads it.
 *
 * Walks the variant table over a few typical layers on made-up devices, through the same configure
 * functions that plans use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grad/dense_grad.h"
#include "graph/vgg_family.h"
#include "ops/op.h"
#include "ops/upload.h"

typedef struct program {
    char line[400], used_by[800];
} program;

typedef struct program_set {
    program programs[512];
    int count;
} program_set;

/* Adds the program unless it is there; `layer` (may be "") to those that use it. */
static void add(program_set *set, const char *file, const char *options, const char *kind,
                const char *layer)
{
    char line[400];
    int at = 0;
    snprintf(line, sizeof line, "%s\t%s\t%s", file, options, kind);
    while (at < set->count && strcmp(set->programs[at].line, line) != 0)
        at++;
    if (at == 512) {
        fprintf(stderr, "more than 512 programs\n");
        exit(1);
    }
    program *p = &set->programs[at];
    if (at == set->count) {
        set->count++;
        snprintf(p->line, sizeof p->line, "%s", line);
    }
    const size_t length = strlen(p->used_by);
    if (strstr(p->used_by, layer) == NULL)
        snprintf(p->used_by + length, sizeof p->used_by - length, "%s%s", length > 0 ? ", " : "",
                 layer);
}

static void add_op(program_set *set, const vgg_op *op, const char *kind, const char *layer)
{
    for (int p = 0; p < op->program_count; p++) {
        const char *file = op->programs[p].file;
        const bool sub_groups = strcmp(file, "conv_subgroup.cl") == 0;
        add(set, file, op->programs[p].options, sub_groups ? "intel" : kind, layer);
    }
    for (int type = 0; type < 3 && op->pack.panel != 0; type++) {
        char options[32];
        snprintf(options, sizeof options, "-DTYPE=%d -DM=%d", type, op->pack.winograd);
        add(set,
            op->pack.storage == CLVGG_STORAGE_INT8 ? "pack_int8.cl"
            : op->pack.winograd != 0               ? "pack_winograd.cl"
                                                   : "pack.cl",
            options, "any", type == 0 ? layer : "");
        if (vgg_upload_takes_turned(&op->pack))
            add(set, "pack_turned.cl", options, "any", "");
    }
}

/* The layers of walks back, behind `pool` of `full`, a layer with 64 channels at full size. */
static clvgg_status add_walk_back(vgg_graph *graph, int full, int pool)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int64_t *dims = graph->nodes[full].output.dims;
    const vgg_conv_attributes window = {.kernel = {7, 7}, .stride = {2, 2}, .dilation = {1, 1}};
    const vgg_attributes unpool = {
        .unpool = {graph->nodes[pool].attributes.pool, {dims[1], dims[2]}}};
    const vgg_attributes windows = {.conv = {49 * 3, {1, 1}, {1, 1}, {1, 1}, {0}, 1, false}};
    const vgg_attributes col2im = {.col2im = {window, 3, {2 * dims[1] + 5, 2 * dims[2] + 5}}};
    static const clvgg_shape two = {1, {2}};
    int unit = -1, last = -1;
    VGG_TRY(vgg_graph_add_input(graph, "unit", &two, &unit));
    for (int ones = 0; ones < 2; ones++) {
        const vgg_attributes seed = {.seed_ones = ones != 0};
        VGG_TRY(vgg_graph_add_pair(graph, ones ? "ones" : "seed", VGG_LAYER_SEED, &seed, full, unit,
                                   NULL));
    }
    VGG_TRY(vgg_graph_add_pair(graph, "unpool", VGG_LAYER_UNPOOL, &unpool, pool, pool, NULL));
    VGG_TRY(vgg_graph_add(graph, "avg_unpool", VGG_LAYER_AVG_UNPOOL, &unpool, pool, NULL));
    VGG_TRY(vgg_graph_add(graph, "windows", VGG_LAYER_CONV2D, &windows, full, &last));
    VGG_TRY(vgg_graph_add(graph, "col2im", VGG_LAYER_COL2IM, &col2im, last, NULL));
    for (int slope = VGG_SLOPE_RELU; slope <= VGG_SLOPE_TANH; slope++) {
        const vgg_attributes of = {.slope = (vgg_slope)slope};
        char name[32];
        snprintf(name, sizeof name, "slope%d", slope);
        VGG_TRY(vgg_graph_add_pair(graph, name, VGG_LAYER_ACTIVATION_GRAD, &of, full, full, NULL));
    }
    const vgg_attributes norm = {.lrn = {5, 1e-4f, 0.75f, 2}};
    const vgg_attributes batch = {.batch_norm = {1e-5f, true}};
    VGG_TRY(vgg_graph_add(graph, "batch_norm_grad", VGG_LAYER_BATCH_NORM_GRAD, &batch, full, NULL));
    VGG_TRY(vgg_graph_add_pair(graph, "norm_grad", VGG_LAYER_LRN_GRAD, &norm, full, full, NULL));
cleanup:
    return status;
}

/* A graph with one layer of every type in the shapes that decide a program. */
static clvgg_status build_graph(vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    int input = 0, last = 0;
    static const int64_t windows[][3] = {{1, 1, 0}, {3, 1, 1}, {3, 2, 1}, {5, 1, 2}, {7, 2, 3}};
    VGG_TRY(vgg_graph_create(3, 56, 56, &graph));
    for (int i = 0; i < 10; i++) {
        char name[32];
        const int64_t *w = windows[i % 5];
        const vgg_attributes conv = {.conv = {.out_channels = 64,
                                              .kernel = {w[0], w[0]},
                                              .stride = {w[1], w[1]},
                                              .dilation = {1, 1},
                                              .pad = {w[2], w[2], w[2], w[2]},
                                              .groups = 1,
                                              .bias = true}};
        snprintf(name, sizeof name, "conv%d", i);
        VGG_TRY(vgg_graph_add(graph, name, VGG_LAYER_CONV2D, &conv, i < 5 ? 0 : input, &last));
        if (i == 1)
            input = last; /* 64 channels at full size */
    }
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    VGG_TRY(vgg_graph_add(graph, "max", VGG_LAYER_MAX_POOL, &pool, input, NULL));
    VGG_TRY(vgg_graph_add(graph, "avg", VGG_LAYER_AVG_POOL, &pool, input, &last));
    VGG_TRY(vgg_graph_add(graph, "relu", VGG_LAYER_RELU, NULL, input, NULL));
    VGG_TRY(vgg_graph_add(graph, "sigmoid", VGG_LAYER_SIGMOID, NULL, input, NULL));
    VGG_TRY(vgg_graph_add(graph, "tanh", VGG_LAYER_TANH, NULL, input, NULL));
    const vgg_attributes norm = {.lrn = {5, 1e-4f, 0.75f, 2}};
    VGG_TRY(vgg_graph_add(graph, "norm", VGG_LAYER_LOCAL_RESPONSE_NORM, &norm, input, NULL));
    const vgg_attributes batch = {.batch_norm = {1e-5f, true}};
    VGG_TRY(vgg_graph_add(graph, "batch_norm", VGG_LAYER_BATCH_NORM, &batch, input, NULL));
    const vgg_attributes quantize = {.quantize = {0.1f, 0, 254}};
    VGG_TRY(vgg_graph_add(graph, "quantize", VGG_LAYER_QUANTIZE, &quantize, input, NULL));
    VGG_TRY(vgg_graph_add(graph, "peaks", VGG_LAYER_MAP_PEAK, NULL, input, NULL));
    VGG_TRY(vgg_graph_add(graph, "flatten", VGG_LAYER_FLATTEN, NULL, last, &last));
    const vgg_attributes dense = {.dense = {.out_features = 100, .bias = true}};
    VGG_TRY(vgg_graph_add(graph, "fc", VGG_LAYER_DENSE, &dense, last, &last));
    VGG_TRY(vgg_graph_add(graph, "prob", VGG_LAYER_SOFTMAX, NULL, last, NULL));
    VGG_TRY(add_walk_back(graph, input, vgg_graph_find(graph, "max")));
    *out = graph;
    graph = NULL;
cleanup:
    vgg_graph_free(graph);
    return status;
}

static void list_variant(program_set *set, const vgg_variant *variant, const vgg_graph *graph,
                         const vgg_traits *traits, const char *kind)
{
    static const int batches[] = {1, 4, 16};
    static const vgg_quantize_attributes quantized = {0.1f, 0, 254};
    for (int n = 1; n < graph->count; n++)
        for (int b = 0; b < 3; b++) {
            const vgg_node *node = &graph->nodes[n];
            vgg_op op;
            if (node->type == VGG_LAYER_INPUT)
                continue;
            const vgg_problem problem = {.node = node,
                                         .input = graph->nodes[node->inputs[0]].output,
                                         .output = node->output,
                                         .input_block =
                                             traits->vector_width > 1 ? traits->vector_width : 1,
                                         .relu = node->type == VGG_LAYER_CONV2D,
                                         .result = node->output,
                                         .max_batch = batches[b],
                                         .storage = variant->quantizes ? CLVGG_STORAGE_INT8
                                                                       : CLVGG_STORAGE_F32,
                                         .quantized = variant->quantizes ? &quantized : NULL};
            if ((variant->layers & VGG_LAYER_BIT(node->type)) == 0 ||
                vgg_op_configure(&op, variant, &problem, traits) != CLVGG_STATUS_OK)
                continue;
            add_op(set, &op, kind, "");
        }
}

/* The chain of a layer as a plan takes it, by the first variant that can; as plan_select.c. */
static bool choose_op(const vgg_graph *graph, int n, int batch, const vgg_traits *traits,
                      vgg_op *op)
{
    const vgg_variant *candidates[16];
    const vgg_node *node = &graph->nodes[n], *pool = NULL;
    vgg_problem problem = {.node = node,
                           .input = graph->nodes[node->inputs[0]].output,
                           .output = node->output,
                           .input_block = 1,
                           .result = node->output,
                           .max_batch = batch};
    problem.relu = n + 1 < graph->count && graph->nodes[n + 1].type == VGG_LAYER_RELU;
    if (node->type == VGG_LAYER_CONV2D && graph->nodes[n + 2].type == VGG_LAYER_MAX_POOL)
        pool = &graph->nodes[n + 2];
    const size_t count = vgg_variant_candidates(&problem, traits, false, candidates, 16);
    for (size_t i = 0; i < count; i++)
        for (int fused = pool != NULL; fused >= 0; fused--) {
            problem.pool = fused ? pool : NULL;
            problem.result = fused ? pool->output : node->output;
            if (vgg_op_configure(op, candidates[i], &problem, traits) == CLVGG_STATUS_OK)
                return true;
        }
    return false;
}

/* Programs of dense layers' gradients, on every layout that forward variants give weights. */
static void list_gradients(program_set *set, const vgg_grad_variant *variant,
                           const vgg_traits *traits, const char *kind)
{
    static const int panels[] = {1, 16, 32, 64, 128};
    for (size_t p = 0; p < sizeof panels / sizeof *panels; p++)
        for (int batch = 16; batch <= 32; batch += 16)
            for (vgg_update_rule rule = VGG_RULE_SGD; rule <= VGG_RULE_ADAMW; rule++) {
                vgg_grad_op op;
                const vgg_pack pack = {
                    .rows = 100, .channels = 200, .spatial = 1, .block = 1, .panel = panels[p]};
                const vgg_grad_problem problem = {variant->gradient, pack, batch, rule};
                if (vgg_grad_configure(&op, variant, &problem, traits) != CLVGG_STATUS_OK)
                    continue;
                for (int i = 0; i < op.program_count; i++)
                    add(set, op.programs[i].file, op.programs[i].options, kind, "");
            }
}

/* Lists the programs that training runs between dense layers. */
static void list_training(program_set *set)
{
    for (int function = 1; function <= 3; function++)
        for (int dropout = 0; dropout < 2; dropout++) {
            char options[32];
            snprintf(options, sizeof options, "-DFUNCTION=%d -DDROPOUT=%d", function, dropout);
            add(set, "dropout.cl", options, "any", "");
        }
    add(set, "cross_entropy.cl", "-DWG=64", "any", "");
    add(set, "gradient_norm.cl", "-DVW=1 -DWG=64 -DSPLIT=8", "gpu", "");
}

/* Lists the programs by which a GPU computes VGG16, at two batches; `whose` follows the layers'
 * names. */
static clvgg_status list_vgg16(program_set *set, const vgg_traits *traits, const char *whose)
{
    clvgg_status status = CLVGG_STATUS_OK;
    static const int64_t head[3] = {4096, 4096, 1000};
    vgg_graph *graph = NULL;
    vgg_op op;
    VGG_TRY(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, &graph));
    for (int batch = 1; batch <= 16; batch += 15)
        for (int n = 1; n < graph->count; n++) {
            const vgg_node *node = &graph->nodes[n];
            char layer[64];
            snprintf(layer, sizeof layer, "%s at %d%s", node->name, batch, whose);
            if (node->type != VGG_LAYER_CONV2D && node->type != VGG_LAYER_DENSE)
                continue;
            VGG_REQUIRE(choose_op(graph, n, batch, traits, &op), CLVGG_STATUS_UNSUPPORTED,
                        "no variant computes %s", node->name);
            add_op(set, &op, "gpu", layer);
        }
cleanup:
    vgg_graph_free(graph);
    return status;
}

int main(void)
{
    static program_set set;
    vgg_graph *graph = NULL;
    const vgg_traits gpu = {.type = CLVGG_DEVICE_GPU,
                            .vector_width = 1,
                            .compute_units = 16,
                            .max_work_group_size = 256,
                            .local_memory_bytes = 32 << 10,
                            .max_allocation_bytes = UINT64_C(1) << 30};
    vgg_traits intel = gpu;
    intel.compute_units = 96;
    intel.sub_groups = (vgg_sub_groups){VGG_SUB_GROUP_8 | VGG_SUB_GROUP_16, true};
    if (build_graph(&graph) != CLVGG_STATUS_OK || list_vgg16(&set, &gpu, "") != CLVGG_STATUS_OK ||
        list_vgg16(&set, &intel, " (Intel)") != CLVGG_STATUS_OK) {
        fprintf(stderr, "%s\n", vgg_message());
        return 1;
    }
    for (size_t v = 0; v < vgg_grad_variant_count; v++)
        list_gradients(&set, vgg_grad_variants[v], &gpu, "gpu");
    list_training(&set);
    for (size_t v = 0; v < vgg_variant_count; v++) {
        list_variant(&set, vgg_variants[v], graph, &intel, "gpu");
        for (int width = 4; width <= 16; width *= 2) {
            vgg_traits cpu = gpu;
            cpu.type = CLVGG_DEVICE_CPU;
            cpu.vector_width = width;
            list_variant(&set, vgg_variants[v], graph, &cpu, "cpu");
        }
    }
    for (int type = 0; type < 3; type++) {
        char options[32];
        snprintf(options, sizeof options, "-DTYPE=%d", type);
        add(&set, "pack.cl", options, "any", "");
        snprintf(options, sizeof options, "-DTYPE=0 -DSTORAGE=%d", type);
        if (type > 0)
            add(&set, "pack.cl", options, "any", "");
    }
    add(&set, "roof_compute.cl", "-DVW=4 -DWG=64 -DCHAINS=8", "gpu", "");
    add(&set, "roof_compute.cl", "-DVW=4 -DWG=64 -DCHAINS=8 -DHALF=1", "intel", "");
    /* Not with DOT: ocloc 22.43 calls the built-in as a function of another program. */
    add(&set, "roof_compute.cl", "-DVW=16 -DWG=1 -DCHAINS=12", "cpu", "");
    add(&set, "roof_memory.cl", "-DVW=4 -DWG=64", "gpu", "");
    add(&set, "flush.cl", "-DVW=4 -DWG=64", "gpu", "");
    add(&set, "flush.cl", "-DVW=16 -DWG=1", "cpu", "");
    add(&set, "roof_memory.cl", "-DVW=16 -DWG=1", "cpu", "");
    add(&set, "sub_group.cl", "-DS=8", "intel", "");
    add(&set, "sub_group.cl", "-DS=16", "intel", "");
    for (int i = 0; i < set.count; i++)
        printf("%s\t%s\n", set.programs[i].line, set.programs[i].used_by);
    vgg_graph_free(graph);
    return 0;
}
