/* support/conv_check.h — one convolution variant on one shape, against double-precision loops.
 *
 * Small integers, every partial sum below 2²⁴: results must be equal, not close. Variants that
 * compute something else than sums of products (Winograd) say how far they may be off, and are held
 * to it on normal values behind a ReLU with He weights.
 */
#ifndef TEST_SUPPORT_CONV_CHECK_H
#define TEST_SUPPORT_CONV_CHECK_H

#include "support/op_run.h"

/* {c, h, w}, k, kernel, stride, dilation, pad top left bottom right, groups, batch */
typedef struct conv_shape {
    int64_t in[3];
    vgg_conv_attributes conv;
    int batch;
    bool relu, pool;
} conv_shape;

#define CONV(c, h, w, k, kh, kw, sh, sw, dh, dw, t, l, b, r, g, n, relu, pool)                     \
    {                                                                                              \
        {c, h, w}, {k, {kh, kw}, {sh, sw}, {dh, dw}, {t, l, b, r}, g, true}, n, relu, pool         \
    }
#define SAME3(c, h, w, k, n, relu, pool)                                                           \
    CONV(c, h, w, k, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, n, relu, pool)

/* Options of a check of shapes, and its results. Zeros but for the device: as in a network. */
typedef struct conv_check {
    test_device device;
    uint64_t max_launch_flops, max_allocation_bytes; /* 0: the device's */
    bool normal_values; /* for exact variants too, where they round what they multiply */
    vgg_choice choice;
    double worst_error; /* relative L2, of all shapes since it was set to 0 */
} conv_check;

/* But for variants that quantise, which test_int8.c checks. */
bool serves_conv(const vgg_variant *variant);
/* Runs one variant on one shape; false where the variant says it can't. Weights are handed over in
 * the `index`th type. */
bool conv_check_shape(conv_check *check, const vgg_variant *variant, const conv_shape *s,
                      clvgg_storage storage, int index);

#endif
