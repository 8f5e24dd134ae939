/* verify/sweep_list.c — see sweep_list.h. */
#include "verify/sweep_list.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "verify/trusted.h"

/* Says whether two have the same layers, weights that lie alike, and batches. */
static bool is_same(const vgg_sweep_item *a, const vgg_sweep_item *b)
{
    const vgg_problem *of_a = &a->what->op->problem, *of_b = &b->what->op->problem;
    if (a->is_gradient || b->is_gradient)
        return strcmp(a->problem, b->problem) == 0;
    return strcmp(a->problem, b->problem) == 0 && of_a->max_batch == of_b->max_batch &&
           of_a->weight_dtype == of_b->weight_dtype && of_a->weight_inner == of_b->weight_inner;
}

/* The item behind the last becomes one more. */
static void keep_if_new(vgg_sweep_list *list)
{
    const vgg_sweep_item *added = &list->items[list->count];
    for (size_t i = 0; i < list->count; i++)
        if (is_same(&list->items[i], added))
            return;
    list->count++;
}

static void add_chain(vgg_sweep_list *list, clvgg_device *keeper, const vgg_sweep_chain *what)
{
    vgg_sweep_item *added = &list->items[list->count];
    if (!vgg_definition_exists(&what->op->problem))
        return;
    *added = (vgg_sweep_item){.what = what};
    vgg_subject subject;
    vgg_subject_of_op(keeper, what->op, &subject);
    snprintf(added->problem, sizeof added->problem, "%s", subject.problem);
    keep_if_new(list);
}

static clvgg_status add_gradient(vgg_sweep_list *list, const vgg_traits *traits,
                                 const vgg_sweep_chain *what, const vgg_grad_problem *gradient)
{
    vgg_sweep_item *added = &list->items[list->count];
    vgg_subject subject;
    vgg_grad_op op;
    VGG_PASS(vgg_grad_configure(&op, vgg_grad_definition_of(gradient->gradient), gradient, traits));
    vgg_subject_of_gradient(&op, &subject);
    *added = (vgg_sweep_item){.what = what, .is_gradient = true, .gradient = *gradient};
    snprintf(added->problem, sizeof added->problem, "%s", subject.problem);
    keep_if_new(list);
    return CLVGG_STATUS_OK;
}

/* The gradients of a dense layer, on weights that lie as the forward variant of training reads
 * them: float32, and not of one image. Of a large layer an update of each kind is enough. */
static clvgg_status add_gradients(vgg_sweep_list *list, clvgg_device *keeper,
                                  const vgg_traits *traits, const vgg_sweep_chain *what, bool all)
{
    enum { LARGE = 1 << 24, TRAINED_BATCH = 32 };
    vgg_problem forward = what->op->problem;
    vgg_op op;
    forward.pool = NULL;
    forward.relu = false;
    forward.result = forward.output;
    forward.storage = CLVGG_STORAGE_F32;
    forward.max_batch = forward.max_batch > 1 ? forward.max_batch : TRAINED_BATCH;
    VGG_PASS(vgg_trusted_forward(keeper, &forward, traits, &op));
    vgg_grad_problem gradient = {VGG_GRADIENT_DATA, op.pack, forward.max_batch, VGG_RULE_SGD};
    VGG_PASS(add_gradient(list, traits, what, &gradient));
    gradient.gradient = VGG_GRADIENT_UPDATE;
    const bool few = op.pack.rows * op.pack.channels > LARGE && !all;
    for (int rule = VGG_RULE_SGD; rule <= VGG_RULE_ADAMW; rule++) {
        gradient.rule = (vgg_update_rule)rule;
        if (!few || rule == VGG_RULE_SGD || rule == VGG_RULE_ADAMW)
            VGG_PASS(add_gradient(list, traits, what, &gradient));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_sweep_list_make(clvgg_device *keeper, const vgg_traits *traits,
                                 const vgg_sweep_chain *chains, size_t count, bool all,
                                 vgg_sweep_list *list)
{
    clvgg_status status = CLVGG_STATUS_OK;
    enum { GRADIENTS = 1 + VGG_RULE_ADAMW + 1 };
    *list = (vgg_sweep_list){0};
    VGG_NEW(list->items, count * (1 + GRADIENTS) + 1);
    for (size_t i = 0; i < count; i++)
        add_chain(list, keeper, &chains[i]);
    for (size_t i = 0; i < count; i++)
        if (chains[i].trained && chains[i].op->problem.node != NULL &&
            vgg_node_is_dense(chains[i].op->problem.node))
            VGG_TRY(add_gradients(list, keeper, traits, &chains[i], all));
cleanup:
    return status;
}
