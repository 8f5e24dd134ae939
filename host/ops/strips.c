/* ops/strips.c — see strips.h. */
#include "ops/strips.h"

#include "tensor/shape.h"

/* Input rows, and pixels of one, under a strip of `rows` output rows: as kernels count. */
static int64_t input_rows(const vgg_conv_attributes *conv, int64_t rows)
{
    return (rows - 1) * conv->stride[0] + (conv->kernel[0] - 1) * conv->dilation[0] + 1;
}

static int64_t pitch(const vgg_op *op, int span)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int64_t columns = vgg_ceil_div(op->problem.output.dims[2], span) * span;
    return (columns - 1) * conv->stride[1] + (conv->kernel[1] - 1) * conv->dilation[1] + 1;
}

vgg_strips vgg_strips_divide(const vgg_op *op, const vgg_traits *traits,
                             const vgg_strip_needs *needs)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int64_t panels = vgg_ceil_div(op->pack.rows, op->pack.panel);
    const int64_t out_rows = op->problem.output.dims[1];
    const int64_t row_bytes = pitch(op, needs->span) * needs->pixel_bytes;
    int64_t rows = 2;
    while (rows < out_rows && input_rows(conv, rows + 2) * row_bytes <= needs->strip_bytes)
        rows += 2;
    /* An even number, and about as large as the others. */
    rows = vgg_ceil_div(vgg_ceil_div(out_rows, vgg_ceil_div(out_rows, rows)), 2) * 2;

    const int64_t cores = traits->compute_units;
    const int64_t pieces = op->problem.max_batch * vgg_ceil_div(out_rows, rows);
    int64_t runs = vgg_ceil_div(cores * needs->units_a_core, pieces);
    runs = runs < panels ? runs : panels;
    const int64_t unit_panels = vgg_ceil_div(panels, runs);
    const int64_t units = pieces * vgg_ceil_div(panels, unit_panels);
    const int64_t most = cores * needs->slots_a_core;
    const int64_t slots = units < most ? units : vgg_ceil_div(units, vgg_ceil_div(units, most));
    return (vgg_strips){(int)rows, (int)unit_panels, (int)slots,
                        (uint64_t)(slots * input_rows(conv, rows) * row_bytes)};
}
