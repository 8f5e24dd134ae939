/* ops/op.c — configuring, building and releasing an op; helpers that variants share. */
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "ocl/byte_products.h"
#include "ocl/matrix_unit.h"
#include "ops/clblast.h"
#include "ops/upload.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

/* A tenth of a second on a slow GPU, 200 GFLOP/s, at its best; five times that if its driver makes
 * little of a kernel. Systems end what runs for seconds, displays stand still meanwhile. A fast one
 * has enough to do with it too: 17 images of VGG16's smallest convolution. */
#define MAX_GPU_LAUNCH_FLOPS (UINT64_C(16) << 30)

vgg_traits vgg_traits_of(const clvgg_device_info *info)
{
    vgg_traits traits = {.type = info->type,
                         .vector_width = 1,
                         .compute_units = (int)info->compute_units,
                         .max_work_group_size = info->max_work_group_size,
                         .local_memory_bytes = info->local_memory_bytes,
                         .max_allocation_bytes = info->max_allocation_bytes};
    if (info->type == CLVGG_DEVICE_GPU)
        traits.max_launch_flops = MAX_GPU_LAUNCH_FLOPS;
    if (info->type == CLVGG_DEVICE_CPU && info->native_float_width >= 4)
        traits.vector_width = info->native_float_width >= 16  ? 16
                              : info->native_float_width >= 8 ? 8
                                                              : 4;
    return traits;
}

clvgg_status vgg_traits_for(clvgg_device *device, clvgg_storage storage, bool sub_groups,
                            vgg_traits *traits)
{
    *traits = vgg_traits_of(&device->info);
    if (storage == CLVGG_STORAGE_BF16)
        VGG_PASS(vgg_matrix_unit_check(device, &traits->amx));
    if (storage == CLVGG_STORAGE_INT8)
        VGG_PASS(vgg_byte_products_check(device, &traits->byte_products));
    if (sub_groups || traits->type == CLVGG_DEVICE_GPU)
        VGG_PASS(vgg_sub_group_check(device, &traits->sub_groups));
    return CLVGG_STATUS_OK;
}

double vgg_op_error_bound(const vgg_op *op)
{
    return op->pack.storage == CLVGG_STORAGE_F32
               ? op->variant->error_bound
               : op->variant->storage_error_bound[op->pack.storage];
}

uint64_t vgg_op_weight_inner(const vgg_op *op)
{
    return vgg_upload_takes_turned(&op->pack) ? op->problem.weight_inner : 0;
}

/* Decides how the op's weights are stored, and tells its programs. */
static clvgg_status configure_storage(vgg_op *op, const vgg_traits *traits)
{
    const char *name = op->variant->name;
    /* Only what quantises its input makes something of integers. */
    if (!op->float32_weights &&
        (op->problem.storage != CLVGG_STORAGE_INT8 || op->variant->quantizes))
        op->pack.storage = op->problem.storage;
    const clvgg_storage storage = op->pack.storage;
    VGG_CHECK(op->variant->error_bound == 0.0 || vgg_op_error_bound(op) > 0.0,
              CLVGG_STATUS_UNSUPPORTED, "%s would lose too much to transformed weights of %s", name,
              vgg_storage_name(storage));
    const uint64_t bytes = vgg_pack_bytes(&op->pack, op->pack.rows);
    VGG_CHECK(op->pack.splittable || bytes <= traits->max_allocation_bytes,
              CLVGG_STATUS_UNSUPPORTED, "%s: %llu bytes of weights exceed the largest allocation",
              name, (unsigned long long)bytes);
    for (int i = 0; i < op->program_count && storage != CLVGG_STORAGE_F32; i++) {
        char *options = op->programs[i].options;
        const size_t length = strlen(options), capacity = sizeof op->programs[i].options;
        snprintf(options + length, capacity - length, " -DSTORAGE=%d", (int)storage);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_op_configure(vgg_op *op, const vgg_variant *variant, const vgg_problem *problem,
                              const vgg_traits *traits)
{
    static const vgg_choice defaults = {{0}};
    return vgg_op_configure_chosen(op, variant, problem, traits, &defaults);
}

bool vgg_tunable_allows(const vgg_tunable *tunable, double value)
{
    for (int i = 0; i < VGG_TUNABLE_VALUES && tunable->values[i] != 0; i++)
        if ((double)tunable->values[i] == value)
            return true;
    return false;
}

void vgg_tunable_list(const vgg_tunable *tunable, char *text, size_t capacity)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < VGG_TUNABLE_VALUES && tunable->values[i] != 0 && length < capacity; i++)
        length += (size_t)snprintf(text + length, capacity - length, " %d", tunable->values[i]);
}

uint64_t vgg_problem_value_bytes(const vgg_problem *problem)
{
    uint64_t elements = vgg_shape_elements(&problem->input) + vgg_shape_elements(&problem->result);
    if (problem->second.rank > 0)
        elements += vgg_shape_elements(&problem->second);
    return elements * sizeof(float);
}

void vgg_choice_describe(const vgg_variant *variant, const vgg_choice *choice, char *text,
                                size_t capacity)
{
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; variant->tunables != NULL && variant->tunables[i].name != NULL; i++)
        if (choice->values[i] != 0 && length < capacity)
            length +=
                (size_t)snprintf(text + length, capacity - length, "%s%s=%d", length > 0 ? " " : "",
                                 variant->tunables[i].name, choice->values[i]);
}

/* Counted as direct computation, of which no variant does more. What has no products is short. */
static void limit_launches(vgg_op *op, const vgg_traits *traits)
{
    if (traits->max_launch_flops == 0 || op->reads_full_batch ||
        vgg_layer_of(op->problem.node->type)->as_convolution == NULL)
        return;
    const vgg_conv_attributes conv = vgg_problem_conv(&op->problem);
    const clvgg_shape input = vgg_shape_as_image(&op->problem.input);
    const uint64_t flops =
        2 * vgg_shape_elements(&op->problem.output) *
        (uint64_t)(input.dims[0] / conv.groups * conv.kernel[0] * conv.kernel[1]);
    const uint64_t images = traits->max_launch_flops / flops;
    if (images < (uint64_t)op->problem.max_batch)
        op->images_a_launch = images > 0 ? (int)images : 1;
}

vgg_op_io vgg_op_io_at(const vgg_op *op, const vgg_op_io *io, int64_t image)
{
    vgg_op_io moved = *io;
    const uint64_t result = vgg_layout_elements(&op->problem.result, op->output_block);
    moved.input.offset +=
        (uint64_t)image * vgg_layout_elements(&op->problem.input, op->input_block);
    if (op->problem.second.rank > 0)
        moved.second.offset +=
            (uint64_t)image * vgg_layout_elements(&op->problem.second, op->second_block);
    moved.output.offset += (uint64_t)image * result;
    moved.switches.offset += (uint64_t)image * result;
    return moved;
}

clvgg_status vgg_op_enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int step = op->images_a_launch > 0 ? op->images_a_launch : count;
    for (int image = 0; image < count; image += step) {
        const vgg_op_io part = vgg_op_io_at(op, io, image);
        const int images = step < count - image ? step : count - image;
        VGG_PASS(op->variant->enqueue(op, launch, &part, images));
    }
    return CLVGG_STATUS_OK;
}

static bool has_whole_windows(const vgg_node *pool)
{
    const vgg_pool_attributes *p = &pool->attributes.pool;
    return p->kernel[0] == 2 && p->kernel[1] == 2 && p->stride[0] == 2 && p->stride[1] == 2 &&
           p->pad[0] == 0 && p->pad[1] == 0 && p->pad[2] == 0 && p->pad[3] == 0 && !p->ceil_mode &&
           !p->switches && p->adaptive[0] == 0;
}

/* What the variant's row alone refuses. */
static clvgg_status check_row(const vgg_op *op, const vgg_traits *traits)
{
    const vgg_variant *variant = op->variant;
    const vgg_problem *problem = &op->problem;
    char takes[32] = "";
    for (int i = 0; i < VGG_STORAGE_COUNT; i++)
        if ((variant->storages & 1u << i) != 0)
            snprintf(takes + strlen(takes), sizeof takes - strlen(takes), " %s",
                     vgg_storage_name((clvgg_storage)i));
    VGG_CHECK(variant->storages == 0 || (variant->storages & 1u << problem->storage) != 0,
              CLVGG_STATUS_UNSUPPORTED, "%s takes weights of%s alone, not %s", variant->name, takes,
              vgg_storage_name(problem->storage));
    VGG_CHECK(!variant->quantizes || problem->quantized != NULL, CLVGG_STATUS_UNSUPPORTED,
              "%s needs an input that is quantised", variant->name);
    VGG_CHECK(!problem->relu || variant->fuses_relu, CLVGG_STATUS_UNSUPPORTED,
              "%s doesn't fuse a ReLU", variant->name);
    VGG_CHECK(problem->pool == NULL || variant->fuses_pool, CLVGG_STATUS_UNSUPPORTED,
              "%s doesn't fuse pooling", variant->name);
    VGG_CHECK(problem->pool == NULL || has_whole_windows(problem->pool), CLVGG_STATUS_UNSUPPORTED,
              "%s fuses 2x2 stride 2 max pooling only", variant->name);
    return vgg_require_group(traits, variant->name, variant->work_group, 0);
}

clvgg_status vgg_op_configure_chosen(vgg_op *op, const vgg_variant *variant,
                                     const vgg_problem *problem, const vgg_traits *traits,
                                     const vgg_choice *choice)
{
    const vgg_tunable *tunables = variant->tunables;
    *op = (vgg_op){.variant = variant,
                   .problem = *problem,
                   .choice = *choice,
                   .input_block = 1,
                   .output_block = 1,
                   .second_block = 1};
    if (!variant->quantizes)
        op->problem.quantized = NULL;
    for (int i = 0; tunables != NULL && tunables[i].name != NULL; i++)
        VGG_CHECK(choice->values[i] == 0 || vgg_tunable_allows(&tunables[i], choice->values[i]),
                  CLVGG_STATUS_UNSUPPORTED, "%s: %s can't be %d", variant->name, tunables[i].name,
                  choice->values[i]);
    VGG_PASS(check_row(op, traits));
    VGG_PASS(variant->configure(op, traits));
    if (op->pack.panel != 0)
        VGG_PASS(configure_storage(op, traits));
    limit_launches(op, traits);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_op_configure_chain(vgg_op *op, const vgg_variant *variant,
                                    const vgg_problem *problem, const vgg_node *pool,
                                    const vgg_traits *traits, const vgg_choice *choice)
{
    vgg_problem chain = *problem;
    chain.pool = pool;
    chain.result = pool != NULL ? pool->output : problem->output;
    clvgg_status status = vgg_op_configure_chosen(op, variant, &chain, traits, choice);
    if (status != CLVGG_STATUS_UNSUPPORTED || pool == NULL)
        return status;
    chain.pool = NULL;
    chain.result = problem->output;
    return vgg_op_configure_chosen(op, variant, &chain, traits, choice);
}

int vgg_register_rows(const vgg_traits *traits, int columns)
{
    const int registers = traits->vector_width == 8 ? 16 : 32;
    const int rows = (registers - 1 - columns) / columns;
    return rows > 1 ? rows : 1;
}

void vgg_op_list_kernels(vgg_op *op, vgg_kernel_list *list)
{
    if (op->variant != NULL && op->variant->uses_clblast) /* there may be nothing to compute */
        vgg_clblast_note(list->device);
    for (int i = 0; i < op->program_count; i++) {
        vgg_op_program *program = &op->programs[i];
        vgg_kernel_list_add(list, program->file, program->options, program->kernel_name,
                            &program->kernel);
    }
}

void vgg_op_forget(vgg_op *op, cl_mem memory)
{
    for (int i = 0; i < op->program_count; i++)
        if (op->programs[i].kernel != NULL)
            vgg_kernel_forget(op->programs[i].kernel, memory);
}

void vgg_op_release(vgg_op *op)
{
    for (int i = 0; i < op->program_count; i++) {
        vgg_kernel_free(op->programs[i].kernel);
        op->programs[i].kernel = NULL;
    }
}

vgg_op_program *vgg_op_add_program(vgg_op *op, const char *file, const char *kernel,
                                   const char *options, ...)
{
    vgg_op_program *program = &op->programs[op->program_count++];
    *program = (vgg_op_program){.file = file, .kernel_name = kernel};
    va_list arguments;
    va_start(arguments, options);
    vsnprintf(program->options, sizeof program->options, options, arguments);
    va_end(arguments);
    return program;
}

void vgg_conv_options(const vgg_conv_attributes *conv, char *options, size_t capacity)
{
    snprintf(options, capacity, "-DKH=%d -DKW=%d -DSH=%d -DSW=%d -DDH=%d -DDW=%d",
             (int)conv->kernel[0], (int)conv->kernel[1], (int)conv->stride[0], (int)conv->stride[1],
             (int)conv->dilation[0], (int)conv->dilation[1]);
}

void vgg_arg_conv_geometry(vgg_args *args, const vgg_op *op)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    VGG_ARG_INTS(args, op->problem.input.dims[0], op->problem.input.dims[1],
                 op->problem.input.dims[2], op->problem.output.dims[0], op->problem.output.dims[1],
                 op->problem.output.dims[2], conv->pad[VGG_TOP], conv->pad[VGG_LEFT]);
}

clvgg_status vgg_require_sub_groups(const vgg_op *op, const vgg_traits *traits, int lanes)
{
    if ((traits->sub_groups.sizes & lanes) != 0)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "%s needs sub-groups of %d (cl_intel_subgroups or cl_khr_subgroups), which "
                    "weren't seen to work on this device",
                    op->variant->name, lanes);
}

bool vgg_prefers_sub_groups(const vgg_traits *traits)
{
    return traits->sub_groups.preferred && (traits->sub_groups.sizes & VGG_SUB_GROUP_16) != 0;
}

int vgg_sub_group_lanes(const vgg_traits *traits)
{
    return traits->sub_groups.sizes == VGG_SUB_GROUP_8 ? VGG_SUB_GROUP_8 : VGG_SUB_GROUP_16;
}

vgg_args vgg_conv_args(const vgg_op *op, const vgg_op_io *io)
{
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->bias,
                    io->output);
    vgg_arg_conv_geometry(&args, op);
    return args;
}

vgg_args vgg_dense_args(const vgg_op *op, const vgg_op_io *io, const vgg_weight_piece *piece,
                        int64_t first, int count)
{
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){piece->memory, 0}, io->bias, io->output);
    VGG_ARG_INTS(&args, count, op->pack.channels, op->pack.rows, first, op->problem.relu);
    return args;
}

clvgg_shape vgg_shape_as_image(const clvgg_shape *shape)
{
    if (shape->rank == 3)
        return *shape;
    return (clvgg_shape){3, {(int64_t)vgg_shape_elements(shape), 1, 1}};
}

clvgg_status vgg_require_group(const vgg_traits *traits, const char *variant, int items,
                               uint64_t local_bytes)
{
    VGG_CHECK(traits->max_work_group_size >= (size_t)items, CLVGG_STATUS_UNSUPPORTED,
              "%s needs work-groups of %d, the device allows %zu", variant, items,
              traits->max_work_group_size);
    VGG_CHECK(traits->local_memory_bytes >= local_bytes, CLVGG_STATUS_UNSUPPORTED,
              "%s needs %llu bytes of local memory, the device has %llu", variant,
              (unsigned long long)local_bytes, (unsigned long long)traits->local_memory_bytes);
    return CLVGG_STATUS_OK;
}

vgg_pack vgg_problem_pack(const vgg_problem *problem, int panel)
{
    const vgg_conv_attributes conv = vgg_problem_conv(problem);
    return (vgg_pack){.rows = conv.out_channels,
                      .channels = vgg_shape_as_image(&problem->input).dims[0] / conv.groups,
                      .spatial = conv.kernel[0] * conv.kernel[1],
                      .block = 1,
                      .panel = panel,
                      .splittable = problem->input.rank == 1};
}

vgg_conv_attributes vgg_problem_conv(const vgg_problem *problem)
{
    return vgg_layer_of(problem->node->type)->as_convolution(problem->node);
}

uint64_t vgg_layout_elements(const clvgg_shape *shape, int block)
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    return (uint64_t)(vgg_ceil_div(image.dims[0], block) * block * image.dims[1] * image.dims[2]);
}
