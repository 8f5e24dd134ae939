/* plan/norm_source.c — see norm_source.h. A layer's row says how parameters become a scale and a
 * shift (graph/layer.h).
 */
#include "plan/norm_source.h"

#include <math.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"

enum { PIECE = 256 }; /* channels at a time: all of their parameters are on the stack */

static const vgg_layer *layer_of(const vgg_norm_source *from, int node)
{
    return vgg_layer_of(from->graph->nodes[node].type);
}

static clvgg_dtype dtype_of(void *user, int node, int parameter)
{
    const vgg_norm_source *from = user;
    if (layer_of(from, node)->scale_and_shift != NULL)
        return CLVGG_DTYPE_F32;
    return from->source->dtype(from->source->user, node, parameter);
}

static int key_of(void *user, int node)
{
    const vgg_norm_source *from = user;
    return from->source->key != NULL ? from->source->key(from->source->user, node) : node;
}

/* Values of channels [first, first + count), count at most PIECE, of each parameter that is there.
 */
static clvgg_status read_values(const vgg_norm_source *from, int node, uint64_t first,
                                uint64_t count, float values[VGG_VARIANCE + 1][PIECE])
{
    const vgg_parameter_source *source = from->source;
    for (int p = 0; p <= VGG_VARIANCE; p++) {
        float raw[PIECE]; /* as large as any element type needs */
        if (!vgg_node_has_parameter(&from->graph->nodes[node], p))
            continue;
        VGG_PASS(source->read(source->user, node, p, first, count, raw));
        vgg_to_f32(source->dtype(source->user, node, p), raw, (size_t)count, values[p]);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_piece(const vgg_norm_source *from, int node, int parameter, uint64_t first,
                               uint64_t count, float *data)
{
    float values[VGG_VARIANCE + 1][PIECE] = {{0}};
    const vgg_node *at = &from->graph->nodes[node];
    VGG_PASS(read_values(from, node, first, count, values));
    for (uint64_t i = 0; i < count; i++) {
        const double channel[] = {(double)values[VGG_WEIGHT][i], (double)values[VGG_BIAS][i],
                                  (double)values[VGG_MEAN][i], (double)values[VGG_VARIANCE][i]};
        const vgg_scale_and_shift affine = layer_of(from, node)->scale_and_shift(at, channel);
        data[i] = (float)(parameter == VGG_WEIGHT ? affine.scale : affine.shift);
        VGG_CHECK(isfinite(data[i]), CLVGG_STATUS_NON_FINITE,
                  "layer '%s': the scale or shift of channel %llu is not finite; its variance is "
                  "%g",
                  at->name, (unsigned long long)(first + i), channel[VGG_VARIANCE]);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read(void *user, int node, int parameter, uint64_t first, uint64_t count,
                         void *data)
{
    const vgg_norm_source *from = user;
    if (layer_of(from, node)->scale_and_shift == NULL)
        return from->source->read(from->source->user, node, parameter, first, count, data);
    for (uint64_t done = 0; done < count; done += PIECE)
        VGG_PASS(read_piece(from, node, parameter, first + done,
                            count - done < PIECE ? count - done : PIECE, (float *)data + done));
    return CLVGG_STATUS_OK;
}

static uint64_t inner_of(void *user, int node)
{
    const vgg_norm_source *from = user;
    return from->source->inner != NULL && layer_of(from, node)->scale_and_shift == NULL
               ? from->source->inner(from->source->user, node)
               : 0;
}

static clvgg_status read_turned(void *user, int node, uint64_t first, uint64_t count, void *data)
{
    const vgg_norm_source *from = user;
    return from->source->read_turned(from->source->user, node, first, count, data);
}

static bool name_of(void *user, int node, vgg_weight_name *out)
{
    const vgg_norm_source *from = user;
    return from->source->name != NULL && layer_of(from, node)->scale_and_shift == NULL &&
           from->source->name(from->source->user, node, out);
}

vgg_parameter_source vgg_norm_source_of(vgg_norm_source *from)
{
    return (vgg_parameter_source){from,   from->source->id, dtype_of,    read,
                                  key_of, inner_of,         read_turned, name_of};
}
