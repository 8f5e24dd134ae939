/* grad/dense_grad.h — gradients of a dense layer y = W x + b, on weights packed as the forward op
 * reads them (ops/op.h): the data gradient, and the weight gradient with the optimiser's update.
 *
 * A variant (a row, vgg_grad_variant) is an algorithm for one of the two, an op is a variant for
 * one problem on one device; as with forward ops, configuring is pure arithmetic. A weight's
 * gradient never exists in memory. A bias is the weight of one input that is always 1.
 *
 * To add a variant: cl/x_y.cl, grad/grad_y.c with its row, a line in grad_list.h. Kernel tests and
 * the offline build walk the table.
 */
#ifndef VGG_GRAD_DENSE_GRAD_H
#define VGG_GRAD_DENSE_GRAD_H

#include "grad/grad_list.h"
#include "ops/op.h"

typedef enum vgg_gradient {
    VGG_GRADIENT_DATA,  /* dx [n][I] = dy [n][O] · W */
    VGG_GRADIENT_UPDATE /* W [O][I], state: one step of the rule along dyᵀ · x */
} vgg_gradient;

/* The optimiser's rule for a gradient g; kernels get its number as RULE. */
typedef enum vgg_update_rule {
    VGG_RULE_SGD,      /* m = momentum m + g; w −= lr m */
    VGG_RULE_NESTEROV, /* … w −= lr (g + momentum m) */
    VGG_RULE_ADAM,
    VGG_RULE_ADAMW
} vgg_update_rule;

/* Values that the rule reads from device memory, float32, so that no kernel argument changes
 * between steps. Before all else g is multiplied by SCALE, then decay · w is added (AdamW: w is
 * multiplied by it). */
typedef enum vgg_hyper {
    VGG_HYPER_SCALE,
    VGG_HYPER_LR,       /* Adam: divided by 1 − β1^t */
    VGG_HYPER_MOMENTUM, /* Adam: 1 − β1 */
    VGG_HYPER_DECAY,    /* AdamW: 1 − lr · decay */
    VGG_HYPER_BETA2,
    VGG_HYPER_BETA2_REST, /* 1 − β2 */
    VGG_HYPER_CORRECTION, /* 1 / √(1 − β2^t) */
    VGG_HYPER_EPSILON,
    VGG_HYPER_COUNT
} vgg_hyper;

typedef struct vgg_grad_problem {
    vgg_gradient gradient;
    vgg_pack pack; /* of the weight: outputs × inputs, float32 */
    int max_batch;
    vgg_update_rule rule; /* of an update */
} vgg_grad_problem;

enum { VGG_GRAD_MAX_PROGRAMS = 3, VGG_GRAD_MAX_PARAMETERS = 4 };

typedef struct vgg_grad_op {
    const struct vgg_grad_variant *variant;
    vgg_grad_problem problem;
    int slices; /* of a data gradient: so many partial sums, whose sum in order it is */
    uint64_t workspace_elements;
    uint64_t clblast_elements;               /* CLBlast's own workspace */
    uint64_t max_launch_flops;               /* as in vgg_traits */
    int parameters[VGG_GRAD_MAX_PARAMETERS]; /* the variant's own */
    vgg_op_program programs[VGG_GRAD_MAX_PROGRAMS];
    int program_count;
} vgg_grad_op;

typedef struct vgg_grad_io {
    vgg_buffer x;  /* [count][I]: of an update */
    vgg_buffer dy; /* [count][O] */
    vgg_buffer dx; /* [slices] of [count][I], max_batch · I elements apart: of a data gradient */
    vgg_buffer hyper; /* [VGG_HYPER_COUNT]: of an update */
    vgg_buffer workspace;
    cl_mem clblast_workspace;
    const vgg_packed_weights *weights;
    const vgg_packed_weights *moments[2]; /* of an update; the second with Adam */
} vgg_grad_io;

/* A run of whole panels: outputs [first_row, first_row + rows), which lie in `piece` from element
 * `offset` on. */
typedef struct vgg_grad_part {
    int piece;
    uint64_t offset;
    int64_t first_row, rows;
} vgg_grad_part;

typedef struct vgg_grad_variant {
    const char *name;
    vgg_gradient gradient;
    bool definition; /* works everywhere, for any shape */
    /* Says whether the variant may be chosen on a device without being asked for; NULL: on any. */
    bool (*is_for)(const vgg_traits *traits);
    /* Fills op (problem and variant are set) or says in words why it can't: UNSUPPORTED. */
    clvgg_status (*configure)(vgg_grad_op *op, const vgg_traits *traits);
    /* Readies operands, before the parts of a batch; NULL: nothing to do. */
    clvgg_status (*prepare)(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                            int count);
    /* Enqueues one part. A data gradient's later parts add to what dx holds. */
    clvgg_status (*enqueue)(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                            const vgg_grad_part *part, int count);
} vgg_grad_variant;

extern const vgg_grad_variant *const vgg_grad_variants[];
extern const size_t vgg_grad_variant_count;

const vgg_grad_variant *vgg_grad_definition_of(vgg_gradient gradient);

clvgg_status vgg_grad_configure(vgg_grad_op *op, const vgg_grad_variant *variant,
                                const vgg_grad_problem *problem, const vgg_traits *traits);
void vgg_grad_list_kernels(vgg_grad_op *op, vgg_kernel_list *list);
/* Enqueues the op for `count` images, in as many commands as pieces and watchdogs ask for. */
clvgg_status vgg_grad_enqueue(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                              int count);
void vgg_grad_release(vgg_grad_op *op);

/* Helpers for variants. */
void vgg_grad_add_program(vgg_grad_op *op, const char *file, const char *kernel,
                          const char *options, ...) VGG_PRINTF(4, 5);
/* w, m and, with Adam, v of a part. */
void vgg_grad_arg_state(vgg_args *args, const vgg_grad_op *op, const vgg_grad_io *io,
                        const vgg_grad_part *part);
static inline bool vgg_rule_is_adam(vgg_update_rule rule)
{
    return rule == VGG_RULE_ADAM || rule == VGG_RULE_ADAMW;
}

#define VGG_GRAD_EXTERN(name) extern const vgg_grad_variant vgg_grad_##name;
VGG_GRAD_LIST(VGG_GRAD_EXTERN)
#undef VGG_GRAD_EXTERN

#endif
