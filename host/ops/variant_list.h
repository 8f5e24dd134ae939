/* ops/variant_list.h — every variant, a line each: X(NAME) stands for the row vgg_variant_NAME,
 * which is in the file of its name. Where rows are of one rank (op.h), earlier lines are preferred.
 */
#ifndef VGG_OPS_VARIANT_LIST_H
#define VGG_OPS_VARIANT_LIST_H

#define VGG_VARIANT_LIST(X)                                                                        \
    X(conv_amx)                                                                                    \
    X(conv_int8)                                                                                   \
    X(conv_blocked)                                                                                \
    X(conv_subgroup)                                                                               \
    X(conv_tiled)                                                                                  \
    X(conv_im2col)                                                                                 \
    X(winograd_f6_fused)                                                                           \
    X(winograd_f4_fused)                                                                           \
    X(winograd_f4_staged)                                                                          \
    X(winograd_f4_panels)                                                                          \
    X(winograd_f2_fused)                                                                           \
    X(winograd_f2_staged)                                                                          \
    X(winograd_f2_tiled)                                                                           \
    X(winograd_f4_batched)                                                                         \
    X(winograd_f4_subgroup)                                                                        \
    X(conv_direct)                                                                                 \
    X(conv_direct_int8)                                                                            \
    X(dense_int8)                                                                                  \
    X(dense_blocked)                                                                               \
    X(dense_tiled)                                                                                 \
    X(dense_rows)                                                                                  \
    X(dense_clblast)                                                                               \
    X(dense_direct)                                                                                \
    X(dense_direct_int8)                                                                           \
    X(pool)                                                                                        \
    X(activation)                                                                                  \
    X(softmax)                                                                                     \
    X(lrn)                                                                                         \
    X(quantize)                                                                                    \
    X(batch_norm)                                                                                  \
    X(map_peak_group)                                                                              \
    X(map_peak)                                                                                    \
    X(layout)                                                                                      \
    X(seed)                                                                                        \
    X(unpool)                                                                                      \
    X(col2im)                                                                                      \
    X(activation_grad)                                                                             \
    X(unflatten)                                                                                   \
    X(clblast_xgemm)

#endif
