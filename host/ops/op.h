/* ops/op.h — one algorithm for one chain of layers: how it is described, built and launched.
 *
 * A variant (a row, vgg_variant) is an algorithm; an op is a variant configured for one
 * problem on one device: its programs, its weight layout, its workspace. Configuring is pure
 * arithmetic on the device's traits, so that tests, offline builds and the plan walk the same code.
 *
 * To add a variant: cl/x_y.cl, ops/op_x_y.c with its row, a line in variant_list.h. What is true of
 * a variant alone is in its row; kernel tests, tuning and the offline build walk the table.
 *
 * Layouts: block 1 is plain NCHW, [n][c][h][w] (or [n][features]); block B is nChwBc,
 * [n][ceil(c/B)][h][w][B], with zeros in the channels past c.
 */
#ifndef VGG_OPS_OP_H
#define VGG_OPS_OP_H

#include "graph/graph.h"
#include "ocl/args.h"
#include "ocl/device.h"
#include "ocl/program.h"
#include "ocl/sub_group.h"
#include "ops/launch.h"
#include "ops/packed_weights.h"
#include "ops/variant_list.h"
#include "tensor/storage.h"

/* Facts about a device that variants decide by. */
typedef struct vgg_traits {
    clvgg_device_type type;
    int vector_width; /* floats in a vector register: 1 (most GPUs), 4, 8, 16 */
    int compute_units;
    bool amx;                  /* kernels can use AMX tiles: ocl/matrix_unit.h found so */
    bool byte_products;        /* and AVX512-VNNI: ocl/byte_products.h found so */
    vgg_sub_groups sub_groups; /* that kernels can use: ocl/sub_group.h found so */
    size_t max_work_group_size;
    uint64_t local_memory_bytes, max_allocation_bytes;
    uint64_t max_launch_flops; /* of one command, if its images can be parted; 0: any number */
    cl_command_queue queue;    /* for asking CLBlast; NULL in offline builds */
} vgg_traits;

vgg_traits vgg_traits_of(const clvgg_device_info *info);
/* Traits of an open device, for weights in `storage`. With BF16 it runs a kernel that finds out
 * whether the matrix unit works; on GPUs, and elsewhere if `sub_groups` (a variant that needs them
 * was named), one that finds out whether sub-groups do. */
clvgg_status vgg_traits_for(clvgg_device *device, clvgg_storage storage, bool sub_groups,
                            vgg_traits *traits);

/* The chain of layers an op computes: quantising the input if `quantized`, node, then ReLU if `relu`, then `pool` if not NULL. */
typedef struct vgg_problem {
    const vgg_node *node;
    clvgg_shape input, output; /* of the node, one image */
    int input_block;           /* layout of the input, which ops that take any layout keep */
    clvgg_shape second;        /* of a layer with two inputs; rank 0: it has one */
    bool relu;
    const vgg_node *pool; /* a max pooling node */
    clvgg_shape result;   /* of the whole chain */
    int max_batch;
    clvgg_storage storage; /* of weights on the device */
    /* How the node's input is quantised, as the chain's first step, by an op that can; NULL: the
     * input is read as it is. */
    const vgg_quantize_attributes *quantized;
    /* How the weight lies where it comes from: decides what packs it, no op. */
    clvgg_dtype weight_dtype;
    uint64_t weight_inner; /* as of vgg_upload_turned(); 0: in order */
} vgg_problem;

/* Bytes of the chain's values of one image, inputs and result, each once. */
uint64_t vgg_problem_value_bytes(const vgg_problem *problem);

typedef struct vgg_op_program {
    const char *file, *kernel_name;
    char options[256];
    vgg_kernel *kernel; /* NULL until built */
} vgg_op_program;

enum { VGG_OP_MAX_PROGRAMS = 3, VGG_OP_MAX_PARAMETERS = 8 };

/* A tunable of a variant: an integer and the values that may be tried. */
enum { VGG_MAX_TUNABLES = 16, VGG_TUNABLE_VALUES = 12 };
typedef struct vgg_tunable {
    const char *name;               /* of the -D value where it is one; NULL ends a list */
    int values[VGG_TUNABLE_VALUES]; /* above 0, ascending; 0 ends them */
} vgg_tunable;
bool vgg_tunable_allows(const vgg_tunable *tunable, double value);
/* " 2 4 8", for messages. */
void vgg_tunable_list(const vgg_tunable *tunable, char *text, size_t capacity);

/* Values for a variant's tunables, in their order; 0: the variant's own default. */
typedef struct vgg_choice {
    int values[VGG_MAX_TUNABLES];
} vgg_choice;

typedef struct vgg_op {
    const struct vgg_variant *variant;
    vgg_problem problem;
    vgg_choice choice; /* what was asked for */
    int input_block, output_block;
    int second_block;            /* layout that a second input is wanted in */
    vgg_pack pack;               /* pack.panel 0: no weights */
    bool float32_weights;        /* whatever the storage asked for */
    uint64_t workspace_elements; /* float32, for max_batch images */
    uint64_t clblast_elements;   /* float32, CLBlast's own workspace */
    bool reads_full_batch;       /* always reads max_batch images, whatever the count */
    int images_a_launch;         /* at most, where vgg_op_enqueue() parts them; 0: any number */
    int parameters[VGG_OP_MAX_PARAMETERS]; /* the variant's own */
    vgg_op_program programs[VGG_OP_MAX_PROGRAMS];
    int program_count;
} vgg_op;

typedef struct vgg_op_io {
    vgg_buffer input, output, workspace, bias;
    vgg_buffer second;        /* of a layer with two inputs */
    vgg_buffer switches;      /* int32 as the output's layout; memory NULL: not wanted */
    cl_mem clblast_workspace; /* of at least clblast_elements; NULL when that is 0 */
    const vgg_packed_weights *weights;
} vgg_op_io;

/* How much a variant is preferred for a problem on a device, where nothing was measured. */
typedef enum vgg_rank {
    VGG_RANK_BEST, /* it is faster than the usual one there */
    VGG_RANK_USUAL,
    VGG_RANK_DEFINITION,
    VGG_RANK_LAST, /* where nothing else can */
    VGG_RANK_NEVER /* it has to be asked for by name, or found by tuning */
} vgg_rank;

/* Which form of Winograd's algorithm a variant computes; tile 0: none. */
typedef struct vgg_winograd_form {
    int tile; /* outputs a side: F(tile x tile, 3x3) */
    enum {
        VGG_WINOGRAD_FUSED, /* a block of tiles goes through all steps in a core's cache */
        VGG_WINOGRAD_STAGED,
        VGG_WINOGRAD_PANELS, /* a panel of weights is transformed in a core's cache */
        VGG_WINOGRAD_TILED, /* in local memory */
        VGG_WINOGRAD_BATCHED,
        VGG_WINOGRAD_SUB_GROUP
    } way;
} vgg_winograd_form;

typedef struct vgg_variant {
    const char *name;
    uint32_t layers; /* bit 1 << vgg_layer_type for each type it can head a chain of */
    bool definition; /* of those, in float32 or, if it quantizes, in int8: works everywhere, on any
                        shape; others are held against it */
    bool uses_clblast;
    bool is_clblast_gemm; /* what CLVGG_GEMM_CLBLAST asks for, where it computes the layer */
    bool sub_groups;      /* its kernels need them */
    bool quantizes;       /* takes the quantising of its input along, and needs it */
    bool fuses_relu;      /* takes a ReLU behind its layer along */
    bool fuses_pool;      /* and a max pooling of 2x2, stride 2, all windows inside the image */
    uint32_t storages;    /* bit 1 << storage for those it takes weights in; 0: all */
    int work_group; /* items of the work-groups that it needs, where they are always so many */
    vgg_winograd_form winograd;
    /* What it is measured for by itself, in tuning results, if it heads no chain; else NULL. */
    const char *problem;
    /* NULL: VGG_RANK_USUAL, a definition's VGG_RANK_DEFINITION. */
    vgg_rank (*rank)(const struct vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits);
    /* Bound of the relative L2 error against exact arithmetic, on normal inputs behind a ReLU;
     * 0: sums of products alone, exact where every partial sum is. */
    double error_bound;
    /* Error bounds by storage for weights that are rounded to less than float32 after their
     * transform; 0 where the variant has an error_bound: too much would be lost. */
    double storage_error_bound[VGG_STORAGE_COUNT];
    const vgg_tunable *tunables; /* its tuning space; NULL: nothing to choose */
    /* Fills op (problem, variant and choice are set) or says in words why it can't: UNSUPPORTED.
     * What the fields above refuse is refused before. A value that was chosen is taken or refused
     * (registers, local memory), never replaced. How weights are stored, and that they fit, is
     * vgg_op_configure()'s. */
    clvgg_status (*configure)(vgg_op *op, const vgg_traits *traits);
    clvgg_status (*enqueue)(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count);
    /* FLOPs executed for one image, where they aren't those of direct computation; else NULL. */
    uint64_t (*executed_flops)(const vgg_op *op);
} vgg_variant;

/* Inputs with so few channels stay in the plain layout on CPUs too. */
enum { VGG_MAX_PLANAR_CHANNELS = 4 };

#define VGG_LAYER_BIT(type) (1u << (type))

extern const vgg_variant *const vgg_variants[];
extern const size_t vgg_variant_count;

const vgg_variant *vgg_variant_find(const char *name);
/* Says whether two candidates, each a variant with values for its tunables, are the same. */
bool vgg_candidate_equal(const vgg_variant *a, const vgg_choice *with_a, const vgg_variant *b,
                         const vgg_choice *with_b);
/* The choice in words, "TW=12 KB=2"; "" for a variant's defaults. */
void vgg_choice_describe(const vgg_variant *variant, const vgg_choice *choice, char *text,
                                size_t capacity);
bool vgg_variant_computes(const vgg_variant *variant, vgg_layer_type type);
/* The variant that defines what layers of a type compute; NULL where none computes them. */
const vgg_variant *vgg_variant_definition_of(vgg_layer_type type);
/* The same of a problem, which may be quantised. */
const vgg_variant *vgg_variant_definition_for(const vgg_problem *problem);
/* The variant that CLVGG_GEMM_CLBLAST asks for, or NULL: layers of the type are no GEMM. */
const vgg_variant *vgg_variant_of_clblast(vgg_layer_type type);
/* Variants to try for a problem, best first for the device when nothing was measured. */
size_t vgg_variant_candidates(const vgg_problem *problem, const vgg_traits *traits, bool clblast,
                              const vgg_variant **candidates, size_t capacity);

/* The op's error_bound, with its weights stored as they are. Exact arithmetic takes them as stored
 * where it is 0. */
double vgg_op_error_bound(const vgg_op *op);
/* The problem's weight_inner, 0 where the op's pack takes weights in order alone. */
uint64_t vgg_op_weight_inner(const vgg_op *op);
/* Configures `variant` for `problem`, with its default values; programs of ops with weights get
 * -DSTORAGE=pack.storage, which they read weights by. */
clvgg_status vgg_op_configure(vgg_op *op, const vgg_variant *variant, const vgg_problem *problem,
                              const vgg_traits *traits);
/* Configures with chosen values; UNSUPPORTED too where one isn't among its tunable's values. */
clvgg_status vgg_op_configure_chosen(vgg_op *op, const vgg_variant *variant,
                                     const vgg_problem *problem, const vgg_traits *traits,
                                     const vgg_choice *choice);
/* Configures with chosen values and fuses `pool` (may be NULL) where the variant can; op->problem
 * says whether it did. */
clvgg_status vgg_op_configure_chain(vgg_op *op, const vgg_variant *variant,
                                    const vgg_problem *problem, const vgg_node *pool,
                                    const vgg_traits *traits, const vgg_choice *choice);
/* Configures a conversion of `shape` between two layouts, an explicit step of its own. */
clvgg_status vgg_op_configure_layout(vgg_op *op, const clvgg_shape *shape, int from_block,
                                     int to_block, int max_batch);
/* Lists the op's kernels, to be made with others'. */
void vgg_op_list_kernels(vgg_op *op, vgg_kernel_list *list);
/* Enqueues the op for `count` images: all at once, or some at a time where the device's watchdog or
 * display shouldn't wait for all. */
clvgg_status vgg_op_enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count);
/* Has the op's kernels forget a buffer that they were enqueued with and that is freed before the
 * op: see ocl/args.h. */
void vgg_op_forget(vgg_op *op, cl_mem memory);
void vgg_op_release(vgg_op *op);

/* Helpers for variants. */
/* The io of image `image`: inputs, output and switches moved on. */
vgg_op_io vgg_op_io_at(const vgg_op *op, const vgg_op_io *io, int64_t image);
/* The value that was chosen for a tunable, or `fallback`. */
static inline int vgg_op_chosen(const vgg_op *op, int tunable, int fallback)
{
    return op->choice.values[tunable] > 0 ? op->choice.values[tunable] : fallback;
}
/* Rows that a tile of accumulators `columns` vectors wide may have, with a vector of weights each
 * and a value in flight: 32 vector registers, but 16 where they are 8 wide (AVX). At least 1. */
int vgg_register_rows(const vgg_traits *traits, int columns);
vgg_op_program *vgg_op_add_program(vgg_op *op, const char *file, const char *kernel,
                                   const char *options, ...) VGG_PRINTF(4, 5);
/* "-DKH=3 … -DDW=1" of a convolution. */
void vgg_conv_options(const vgg_conv_attributes *conv, char *options, size_t capacity);
/* Arguments that convolution kernels begin with: x, w, bias, y, C, H, W, K, OH, OW, top, left. */
vgg_args vgg_conv_args(const vgg_op *op, const vgg_op_io *io);
/* Arguments of dense kernels: x, w, bias, y, n, I, O, `first` panel or row of the piece, relu. */
vgg_args vgg_dense_args(const vgg_op *op, const vgg_op_io *io, const vgg_weight_piece *piece,
                        int64_t first, int count);
/* The part of them that begins with C. */
void vgg_arg_conv_geometry(vgg_args *args, const vgg_op *op);
/* Adds the arguments of pool.cl and unpool.cl that describe a pooling between planes {c, h, w}: H,
 * W, OH, OW, KH … */
void vgg_arg_pool_geometry(vgg_args *args, const vgg_pool_attributes *pool, const int64_t *image,
                           const int64_t *pooled);
/* Says whether sub-groups are the default: on Intel's GPUs, where a check found that they work. */
bool vgg_prefers_sub_groups(const vgg_traits *traits);
/* UNSUPPORTED, in words, unless kernels can use sub-groups of `lanes`. */
clvgg_status vgg_require_sub_groups(const vgg_op *op, const vgg_traits *traits, int lanes);
/* 16 of the lanes that a variant may have, or 8 where only those work. */
int vgg_sub_group_lanes(const vgg_traits *traits);
/* UNSUPPORTED, in words, unless the device has work-groups of `items` and so much local memory. */
clvgg_status vgg_require_group(const vgg_traits *traits, const char *variant, int items,
                               uint64_t local_bytes);
/* Panels of `panel` rows of the problem's weights, channels one by one; a dense layer's may be in
 * several pieces. */
vgg_pack vgg_problem_pack(const vgg_problem *problem, int panel);
/* Attributes of the problem as a convolution; a dense layer is 1x1 on {features, 1, 1}. */
vgg_conv_attributes vgg_problem_conv(const vgg_problem *problem);
clvgg_shape vgg_shape_as_image(const clvgg_shape *shape);
/* What cl/activation.cl reads and writes: [..][channels][inner], `count` elements in all. */
typedef struct vgg_activation_io {
    vgg_buffer input, output;
    vgg_buffer bias; /* [channels], where the kernel was built with it */
    uint64_t count;
    int64_t channels, inner;
} vgg_activation_io;
clvgg_status vgg_enqueue_activation(vgg_kernel *kernel, vgg_launch *launch,
                                    const vgg_activation_io *io);
/* Elements of one image of `shape` in a layout. */
uint64_t vgg_layout_elements(const clvgg_shape *shape, int block);
static inline int64_t vgg_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

#define VGG_VARIANT_EXTERN(name) extern const vgg_variant vgg_variant_##name;
VGG_VARIANT_LIST(VGG_VARIANT_EXTERN)
#undef VGG_VARIANT_EXTERN

#endif
