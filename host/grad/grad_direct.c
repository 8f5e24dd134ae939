/* grad/grad_direct.c — cl/dgrad_direct.cl and cl/update_direct.cl: the definitions, correct
 * everywhere.
 */
#include "grad/dense_grad.h"

static clvgg_status configure_data(vgg_grad_op *op, const vgg_traits *traits)
{
    vgg_grad_add_program(op, "dgrad_direct.cl", "dgrad_direct", "%s", "");
    return vgg_require_group(traits, op->variant->name, VGG_LINEAR_LOCAL, 0);
}

static clvgg_status enqueue_data(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                 const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    const uint64_t elements = (uint64_t)count * (uint64_t)pack->channels;
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->dy,
                    (vgg_buffer){io->weights->pieces[part->piece].memory, part->offset}, io->dx);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, part->rows, pack->channels, pack->rows, pack->panel, part->first_row,
                 part->first_row > 0);
    return vgg_launch_linear(launch, &args, elements);
}

static clvgg_status configure_update(vgg_grad_op *op, const vgg_traits *traits)
{
    vgg_grad_add_program(op, "update_direct.cl", "update_direct", "-DRULE=%d",
                         (int)op->problem.rule);
    return vgg_require_group(traits, op->variant->name, VGG_LINEAR_LOCAL, 0);
}

static clvgg_status enqueue_update(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                   const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->x, io->dy);
    vgg_grad_arg_state(&args, op, io, part);
    vgg_arg_buffer(&args, io->hyper);
    VGG_ARG_INTS(&args, count, part->rows, pack->channels, pack->rows, pack->panel,
                 part->first_row);
    return vgg_launch_linear(launch, &args, vgg_pack_elements(pack, part->rows));
}

const vgg_grad_variant vgg_grad_data_direct = {
    .name = "dgrad_direct",
    .gradient = VGG_GRADIENT_DATA,
    .definition = true,
    .configure = configure_data,
    .enqueue = enqueue_data,
};

const vgg_grad_variant vgg_grad_update_direct = {
    .name = "update_direct",
    .gradient = VGG_GRADIENT_UPDATE,
    .definition = true,
    .configure = configure_update,
    .enqueue = enqueue_update,
};
