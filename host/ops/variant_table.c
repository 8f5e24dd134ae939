/* ops/variant_table.c — the table of variants, from variant_list.h; which to try, by their ranks.
 */
#include <string.h>

#include "ops/op.h"

#define ROW(name) &vgg_variant_##name,
const vgg_variant *const vgg_variants[] = {VGG_VARIANT_LIST(ROW)};
#undef ROW
const size_t vgg_variant_count = sizeof vgg_variants / sizeof *vgg_variants;

const vgg_variant *vgg_variant_find(const char *name)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (strcmp(vgg_variants[i]->name, name) == 0)
            return vgg_variants[i];
    return NULL;
}

bool vgg_candidate_equal(const vgg_variant *a, const vgg_choice *with_a, const vgg_variant *b,
                         const vgg_choice *with_b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(with_a, with_b, sizeof *with_a) == 0;
}

bool vgg_variant_computes(const vgg_variant *variant, vgg_layer_type type)
{
    return (variant->layers & VGG_LAYER_BIT(type)) != 0;
}

static const vgg_variant *definition_of(vgg_layer_type type, bool quantizes)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variants[i]->definition && vgg_variants[i]->quantizes == quantizes &&
            vgg_variant_computes(vgg_variants[i], type))
            return vgg_variants[i];
    return NULL;
}

const vgg_variant *vgg_variant_definition_of(vgg_layer_type type)
{
    return definition_of(type, false);
}

const vgg_variant *vgg_variant_definition_for(const vgg_problem *problem)
{
    return definition_of(problem->node->type, problem->quantized != NULL);
}

const vgg_variant *vgg_variant_of_clblast(vgg_layer_type type)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variants[i]->is_clblast_gemm && vgg_variant_computes(vgg_variants[i], type))
            return vgg_variants[i];
    return NULL;
}

static vgg_rank rank_of(const vgg_variant *variant, const vgg_problem *problem,
                        const vgg_traits *traits)
{
    if (variant->rank != NULL)
        return variant->rank(variant, problem, traits);
    return variant->definition ? VGG_RANK_DEFINITION : VGG_RANK_USUAL;
}

size_t vgg_variant_candidates(const vgg_problem *problem, const vgg_traits *traits, bool clblast,
                              const vgg_variant **candidates, size_t capacity)
{
    size_t count = 0;
    for (vgg_rank wanted = VGG_RANK_BEST; wanted < VGG_RANK_NEVER; wanted++)
        for (size_t i = 0; i < vgg_variant_count && count < capacity; i++) {
            const vgg_variant *variant = vgg_variants[i];
            if (vgg_variant_computes(variant, problem->node->type) &&
                (problem->quantized != NULL || !variant->quantizes) &&
                (clblast || !variant->uses_clblast) && rank_of(variant, problem, traits) == wanted)
                candidates[count++] = variant;
        }
    return count;
}
