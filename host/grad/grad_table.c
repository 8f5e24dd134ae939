/* grad/grad_table.c — the table of a dense layer's gradients, from grad_list.h; choosing, building
 * and enqueueing what a row describes.
 */
#include <stdio.h>

#include "grad/dense_grad.h"

#define ROW(name) &vgg_grad_##name,
const vgg_grad_variant *const vgg_grad_variants[] = {VGG_GRAD_LIST(ROW)};
#undef ROW
const size_t vgg_grad_variant_count = sizeof vgg_grad_variants / sizeof *vgg_grad_variants;

clvgg_status vgg_grad_configure(vgg_grad_op *op, const vgg_grad_variant *variant,
                                const vgg_grad_problem *problem, const vgg_traits *traits)
{
    const vgg_pack *pack = &problem->pack;
    *op = (vgg_grad_op){.variant = variant,
                        .problem = *problem,
                        .slices = 1,
                        .max_launch_flops = traits->max_launch_flops};
    VGG_CHECK(variant->gradient == problem->gradient, CLVGG_STATUS_UNSUPPORTED,
              "%s computes the other gradient", variant->name);
    VGG_CHECK(pack->storage == CLVGG_STORAGE_F32 && pack->spatial == 1 && pack->block == 1,
              CLVGG_STATUS_UNSUPPORTED, "%s takes float32 weights in panels of outputs alone",
              variant->name);
    return variant->configure(op, traits);
}

const vgg_grad_variant *vgg_grad_definition_of(vgg_gradient gradient)
{
    for (size_t i = 0; i < vgg_grad_variant_count; i++)
        if (vgg_grad_variants[i]->definition && vgg_grad_variants[i]->gradient == gradient)
            return vgg_grad_variants[i];
    return NULL;
}

void vgg_grad_list_kernels(vgg_grad_op *op, vgg_kernel_list *list)
{
    for (int i = 0; i < op->program_count; i++) {
        vgg_op_program *program = &op->programs[i];
        vgg_kernel_list_add(list, program->file, program->options, program->kernel_name,
                            &program->kernel);
    }
}

void vgg_grad_release(vgg_grad_op *op)
{
    for (int i = 0; i < op->program_count; i++) {
        vgg_kernel_free(op->programs[i].kernel);
        op->programs[i].kernel = NULL;
    }
}

void vgg_grad_add_program(vgg_grad_op *op, const char *file, const char *kernel,
                          const char *options, ...)
{
    vgg_op_program *program = &op->programs[op->program_count++];
    *program = (vgg_op_program){.file = file, .kernel_name = kernel};
    va_list arguments;
    va_start(arguments, options);
    vsnprintf(program->options, sizeof program->options, options, arguments);
    va_end(arguments);
}

void vgg_grad_arg_state(vgg_args *args, const vgg_grad_op *op, const vgg_grad_io *io,
                        const vgg_grad_part *part)
{
    const bool adam = vgg_rule_is_adam(op->problem.rule);
    vgg_arg_buffer(args, (vgg_buffer){io->weights->pieces[part->piece].memory, part->offset});
    for (int i = 0; i < (adam ? 2 : 1); i++)
        vgg_arg_buffer(args,
                       (vgg_buffer){io->moments[i]->pieces[part->piece].memory, part->offset});
}

/* Rows of a command: whole panels, as many as the watchdog allows, one at least. */
static int64_t rows_a_launch(const vgg_grad_op *op, int64_t rows, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    const uint64_t panel_flops =
        2 * (uint64_t)pack->channels * (uint64_t)pack->panel * (uint64_t)count;
    if (op->problem.gradient == VGG_GRADIENT_DATA || op->max_launch_flops == 0)
        return rows; /* a data gradient's images are parted instead */
    const uint64_t panels = op->max_launch_flops / panel_flops;
    return (int64_t)(panels > 0 ? panels : 1) * pack->panel;
}

static int images_a_launch(const vgg_grad_op *op, int count)
{
    const uint64_t flops =
        2 * (uint64_t)op->problem.pack.channels * (uint64_t)op->problem.pack.rows;
    if (op->problem.gradient == VGG_GRADIENT_UPDATE || op->max_launch_flops == 0)
        return count;
    const uint64_t images = op->max_launch_flops / flops;
    return images >= (uint64_t)count ? count : images > 0 ? (int)images : 1;
}

static clvgg_status enqueue_images(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                   int count)
{
    if (op->variant->prepare != NULL)
        VGG_PASS(op->variant->prepare(op, launch, io, count));
    for (int p = 0; p < io->weights->piece_count; p++) {
        const vgg_weight_piece *piece = &io->weights->pieces[p];
        const int64_t step = rows_a_launch(op, piece->rows, count);
        for (int64_t row = 0; row < piece->rows; row += step) {
            const vgg_grad_part part = {.piece = p,
                                        .offset = vgg_pack_elements(&op->problem.pack, row),
                                        .first_row = piece->first_row + row,
                                        .rows =
                                            step < piece->rows - row ? step : piece->rows - row};
            VGG_PASS(op->variant->enqueue(op, launch, io, &part, count));
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_grad_enqueue(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                              int count)
{
    const int step = images_a_launch(op, count);
    for (int image = 0; image < count; image += step) {
        vgg_grad_io part = *io;
        part.dy.offset += (uint64_t)image * (uint64_t)op->problem.pack.rows;
        part.dx.offset += (uint64_t)image * (uint64_t)op->problem.pack.channels;
        VGG_PASS(enqueue_images(op, launch, &part, step < count - image ? step : count - image));
    }
    return CLVGG_STATUS_OK;
}
