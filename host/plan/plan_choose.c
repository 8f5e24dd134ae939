/* plan/plan_choose.c — see plan_choose.h. */
#include "plan/plan_choose.h"

#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "tune/clblast_tuning.h"

enum { MAX_CANDIDATES = 8 };

/* Variants to try for a chain, best first. */
typedef struct candidates {
    const vgg_variant *variants[MAX_CANDIDATES];
    size_t count;
    bool forced; /* the one was asked for */
} candidates;

clvgg_status vgg_chooser_check_trust(const vgg_chooser *c, const vgg_op *op)
{
    vgg_subject subject;
    vgg_trust trust;
    if (c->options->ignore_trust)
        return CLVGG_STATUS_OK;
    vgg_subject_of_op(c->plan->device, op, &subject);
    VGG_PASS(vgg_trust_find(c->plan->device, &subject, &trust));
    VGG_CHECK(vgg_trust_allows(&trust), CLVGG_STATUS_UNSUPPORTED, "%s %s: %s", op->variant->name,
              trust.standing == VGG_TRUST_WRONG ? "gives wrong values on this device"
                                                : "doesn't build on this device",
              trust.words);
    return CLVGG_STATUS_OK;
}

static bool serves(const vgg_variant *variant, const vgg_problem *problem)
{
    const bool int8 = problem->quantized != NULL && problem->storage == CLVGG_STORAGE_INT8;
    return vgg_variant_computes(variant, problem->node->type) && (int8 || !variant->quantizes);
}

/* Name forced for a layer by "LAYER=NAME", the last that matches; "*" matches every layer that the
 * named variant serves. */
static const char *forced_variant(const vgg_chooser *c, const vgg_problem *problem)
{
    const vgg_node *node = problem->node;
    const char *name = NULL;
    for (size_t i = 0; i < c->options->execution.variant_count; i++) {
        const char *rule = c->options->execution.variants[i], *equals = strchr(rule, '=');
        const size_t length = (size_t)(equals - rule);
        const bool any = length == 1 && rule[0] == '*';
        if (strlen(node->name) == length && strncmp(rule, node->name, length) == 0)
            name = equals + 1;
        else if (any && serves(vgg_variant_find(equals + 1), problem))
            name = equals + 1;
    }
    return name;
}

/* Configures the first variant of the list that can do the chain, with the pooling if possible; the
 * ReLU, and so what is behind it, is left to others where the variant doesn't take it along. One
 * that is forced is taken even if it is known to be wrong. */
static clvgg_status configure_first(const vgg_chooser *c, const candidates *list,
                                    vgg_problem *problem, const vgg_node *pool, vgg_op *op)
{
    static const vgg_choice defaults = {{0}};
    clvgg_status status = vgg_fail(CLVGG_STATUS_UNSUPPORTED, "no variant computes it here");
    for (size_t i = 0; i < list->count && status == CLVGG_STATUS_UNSUPPORTED; i++) {
        vgg_problem chain = *problem;
        chain.relu = problem->relu && list->variants[i]->fuses_relu;
        status = vgg_op_configure_chain(op, list->variants[i], &chain,
                                        chain.relu == problem->relu ? pool : NULL, &c->plan->traits,
                                        &defaults);
        if (status == CLVGG_STATUS_OK && !list->forced)
            status = vgg_chooser_check_trust(c, op);
    }
    *problem = status == CLVGG_STATUS_OK ? op->problem : *problem;
    return status;
}

static bool allows_clblast(const vgg_chooser *c)
{
    const clvgg_gemm gemm = c->options->execution.gemm;
    return gemm == CLVGG_GEMM_CLBLAST ||
           (gemm == CLVGG_GEMM_AUTO && !c->plan->device->foreign_context);
}

/* What CLVGG_GEMM_CLBLAST names for a node, or NULL. */
static const vgg_variant *asked_of_clblast(const vgg_chooser *c, const vgg_node *node)
{
    return c->options->execution.gemm == CLVGG_GEMM_CLBLAST ? vgg_variant_of_clblast(node->type)
                                                            : NULL;
}

static candidates list_candidates(const vgg_chooser *c, const vgg_problem *problem)
{
    const vgg_node *node = problem->node;
    const char *forced = forced_variant(c, problem);
    candidates list = {.count = 1, .forced = true};
    if (forced != NULL) {
        list.variants[0] = vgg_variant_find(forced);
    } else if (asked_of_clblast(c, node) != NULL) {
        list.variants[0] = asked_of_clblast(c, node);
    } else {
        list.forced = false;
        list.count = vgg_variant_candidates(problem, &c->plan->traits, allows_clblast(c),
                                            list.variants, MAX_CANDIDATES);
    }
    return list;
}

/* Configures the chain as it was tuned; false where it wasn't, where the caller wants something
 * else, or where the result doesn't fit any more. */
static bool configure_tuned(const vgg_chooser *c, vgg_problem *problem, const vgg_node *pool,
                            vgg_op *op)
{
    const vgg_node *node = problem->node;
    vgg_tuning tuning;
    char text[VGG_TUNING_PROBLEM];
    if (!c->tuned || vgg_layer_of(node->type)->as_convolution == NULL ||
        forced_variant(c, problem) != NULL)
        return false;
    vgg_tuning_describe(problem, pool, text);
    if (!vgg_tuning_find(&c->tuning, text, problem->max_batch, &tuning))
        return false;
    if ((tuning.variant->uses_clblast && !allows_clblast(c)) ||
        (asked_of_clblast(c, node) != NULL && !tuning.variant->is_clblast_gemm))
        return false;
    if (vgg_op_configure_chain(op, tuning.variant, problem, pool, &c->plan->traits,
                               &tuning.choice) != CLVGG_STATUS_OK ||
        vgg_chooser_check_trust(c, op) != CLVGG_STATUS_OK)
        return false;
    *problem = op->problem;
    return true;
}

/* Rules must name layers and variants that exist and fit each other. */
static clvgg_status check_rules(const vgg_plan *plan, const vgg_plan_options *options)
{
    for (size_t i = 0; i < options->execution.variant_count; i++) {
        const char *rule = options->execution.variants[i], *equals = strchr(rule, '=');
        VGG_CHECK(equals != NULL, CLVGG_STATUS_INVALID_ARGUMENT, "variant '%s': needs LAYER=NAME",
                  rule);
        char names[1024] = "";
        for (size_t v = 0; v < vgg_variant_count; v++)
            if (vgg_variants[v]->layers != 0)
                snprintf(names + strlen(names), sizeof names - strlen(names), " %s",
                         vgg_variants[v]->name);
        const vgg_variant *variant = vgg_variant_find(equals + 1);
        VGG_CHECK(variant != NULL && variant->layers != 0, CLVGG_STATUS_INVALID_ARGUMENT,
                  "variant '%s': there is no '%s'; there are%s", rule, equals + 1, names);
        if (strncmp(rule, "*=", 2) == 0)
            continue;
        char layer[128];
        snprintf(layer, sizeof layer, "%.*s", (int)(equals - rule), rule);
        int node = 0;
        VGG_PASS(
            vgg_prefixed(vgg_graph_require(plan->graph, layer, "", &node), "variant '%s'", rule));
        const vgg_layer_type type = plan->graph->nodes[node].type;
        VGG_CHECK(vgg_variant_computes(variant, type), CLVGG_STATUS_INVALID_ARGUMENT,
                  "variant '%s': %s doesn't compute %s layers", rule, variant->name,
                  vgg_layer_type_name(type));
    }
    return CLVGG_STATUS_OK;
}

/* Integers make nothing of values that aren't quantised. */
static clvgg_status check_storage(const vgg_plan *plan)
{
    bool quantizes = plan->storage != CLVGG_STORAGE_INT8;
    for (int i = 0; i < plan->graph->count; i++)
        quantizes = quantizes || vgg_layer_of(plan->graph->nodes[i].type)->quantizes;
    VGG_CHECK(quantizes, CLVGG_STATUS_UNSUPPORTED,
              "weights of int8 are for networks with quantised values, and this one has none: "
              "'clvgg quantize' makes one of it");
    return CLVGG_STATUS_OK;
}

/* Opens the tuning results. Kernels from a folder have none, and under a limit of memory they
 * aren't used, since a faster variant may exceed it. */
static clvgg_status open_tuning(vgg_chooser *c)
{
    const clvgg_runtime *runtime = c->plan->device->runtime;
    c->tuned = runtime->kernel_dir == NULL && c->options->execution.memory_limit_bytes == 0;
    if (!c->tuned)
        return CLVGG_STATUS_OK;
    clvgg_status status =
        vgg_tuning_open(c->plan->device, &c->plan->traits,
                        c->options->ignore_own_tuning ? NULL : runtime->cache, &c->tuning);
    if (status == CLVGG_STATUS_OK && allows_clblast(c) && !c->options->ignore_own_tuning)
        vgg_clblast_prepare(c->plan->device, &c->plan->traits, &c->tuning);
    return status;
}

clvgg_status vgg_chooser_open(const vgg_plan *plan, const vgg_plan_options *options,
                              vgg_chooser *chooser)
{
    *chooser = (vgg_chooser){.plan = plan, .options = options};
    VGG_PASS(check_rules(plan, options));
    VGG_PASS(check_storage(plan));
    return open_tuning(chooser);
}

void vgg_chooser_close(vgg_chooser *chooser)
{
    vgg_tuning_close(&chooser->tuning);
}

clvgg_status vgg_choose(const vgg_chooser *c, vgg_problem *problem, const vgg_node *pool,
                        vgg_op *op, vgg_chosen *how)
{
    *how = (vgg_chosen){.tuned = configure_tuned(c, problem, pool, op)};
    if (how->tuned)
        return CLVGG_STATUS_OK;
    const candidates list = list_candidates(c, problem);
    how->forced = list.forced;
    return configure_first(c, &list, problem, pool, op);
}
