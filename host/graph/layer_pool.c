/* graph/layer_pool.c — max and average pooling: by kernel and stride, or adaptive (to a fixed
 * output extent; output i covers [floor(i·in/out), ceil((i + 1)·in/out))).
 *
 * The extent rule is PyTorch's: with ceil_mode the division rounds up, but a last window must start
 * inside the input or its leading padding; padding is at most half the kernel. So every window
 * holds at least one input value.
 */
#include <math.h>
#include <stddef.h>

#include "graph/layer.h"

static bool is_adaptive(const vgg_pool_attributes *pool)
{
    return pool->adaptive[0] != 0 || pool->adaptive[1] != 0;
}

static clvgg_status infer_adaptive(const vgg_node *node, clvgg_shape *output)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    VGG_PASS(vgg_layer_check_range(node, "adaptive", pool->adaptive, 2, 1));
    for (int axis = 0; axis < 2; axis++)
        if (pool->kernel[axis] != 0 || pool->stride[axis] != 0 || pool->pad[axis] != 0 ||
            pool->pad[axis + 2] != 0 || pool->ceil_mode)
            return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                                  "adaptive pooling takes no kernel, stride, pad or ceil_mode");
    output->dims[1] = pool->adaptive[0];
    output->dims[2] = pool->adaptive[1];
    return CLVGG_STATUS_OK;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static clvgg_status infer_windows(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    VGG_PASS(vgg_layer_check_range(node, "kernel", pool->kernel, 2, 1));
    VGG_PASS(vgg_layer_check_range(node, "stride", pool->stride, 2, 1));
    VGG_PASS(vgg_layer_check_range(node, "pad", pool->pad, 4, 0));
    for (int axis = 0; axis < 2; axis++) {
        int64_t kernel = pool->kernel[axis], stride = pool->stride[axis];
        int64_t before = pool->pad[axis], after = pool->pad[axis + 2];
        int64_t extent = input->dims[1 + axis];
        int64_t most = before > after ? before : after;
        if (most > kernel / 2)
            return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                                  "pad %lld is more than half the kernel %lld", (long long)most,
                                  (long long)kernel);
        int64_t room = extent + before + after - kernel + (pool->ceil_mode ? stride - 1 : 0);
        int64_t count = floor_divide(room, stride) + 1;
        if (pool->ceil_mode && (count - 1) * stride >= extent + before)
            count--;
        if (count < 1)
            return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                                  "the kernel covers %lld %s, the padded input has %lld",
                                  (long long)kernel, axis == 0 ? "rows" : "columns",
                                  (long long)(extent + before + after));
        output->dims[1 + axis] = count;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status infer(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    VGG_PASS(vgg_layer_check_image(node, input));
    if (pool->switches && input->dims[1] > VGG_MAX_DIM / input->dims[2])
        return vgg_layer_fail(node, CLVGG_STATUS_SHAPE_MISMATCH,
                              "switches are 32-bit, a channel of %lld x %lld is too large",
                              (long long)input->dims[1], (long long)input->dims[2]);
    *output = (clvgg_shape){3, {input->dims[0]}};
    return is_adaptive(pool) ? infer_adaptive(node, output) : infer_windows(node, input, output);
}

static clvgg_status infer_max(const vgg_node *node, const clvgg_shape *input, clvgg_shape *output)
{
    if (node->attributes.pool.count_include_pad)
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT,
                              "count_include_pad is for average pooling");
    return infer(node, input, output);
}

static clvgg_status infer_average(const vgg_node *node, const clvgg_shape *input,
                                  clvgg_shape *output)
{
    if (node->attributes.pool.switches)
        return vgg_layer_fail(node, CLVGG_STATUS_INVALID_ARGUMENT, "switches are for max pooling");
    return infer(node, input, output);
}

static void describe(const vgg_node *node, char *text, size_t capacity)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    if (is_adaptive(pool)) {
        vgg_describe(text, capacity, "to %lldx%lld", (long long)pool->adaptive[0],
                     (long long)pool->adaptive[1]);
    } else {
        vgg_describe(text, capacity, "%lldx%lld", (long long)pool->kernel[0],
                     (long long)pool->kernel[1]);
        vgg_describe_pair(text, capacity, "stride", pool->stride);
        vgg_describe_pad(text, capacity, pool->pad);
    }
    if (pool->ceil_mode)
        vgg_describe(text, capacity, " ceil");
    if (pool->count_include_pad)
        vgg_describe(text, capacity, " counts pad");
    if (pool->switches)
        vgg_describe(text, capacity, " switches");
}

static const vgg_field fields[] = {
    {"kernel", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, pool.kernel), false, 0},
    {"stride", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, pool.stride), false, 0},
    {"pad", VGG_FIELD_INTEGER, 4, offsetof(vgg_attributes, pool.pad), false, 0},
    {"ceil_mode", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, pool.ceil_mode), false, false},
    {"count_include_pad", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, pool.count_include_pad),
     false, false},
    {"switches", VGG_FIELD_BOOL, 1, offsetof(vgg_attributes, pool.switches), false, false},
    {"adaptive", VGG_FIELD_INTEGER, 2, offsetof(vgg_attributes, pool.adaptive), false, 0},
};

/* Where an adaptive pooling's extents don't divide each other, units' windows differ. */
static bool window_of(const vgg_node *node, const clvgg_shape *input, int axis, vgg_window *window)
{
    const vgg_pool_attributes *pool = &node->attributes.pool;
    *window = (vgg_window){pool->kernel[axis], pool->stride[axis], 1, pool->pad[axis]};
    if (!is_adaptive(pool))
        return true;
    window->kernel = window->stride = input->dims[1 + axis] / pool->adaptive[axis];
    return input->dims[1 + axis] % pool->adaptive[axis] == 0;
}

int64_t vgg_pool_window(const vgg_pool_attributes *pool, int64_t extent, int axis, int64_t at,
                        int64_t *begin, int64_t *end)
{
    int64_t padded = extent;
    if (is_adaptive(pool)) {
        *begin = at * extent / pool->adaptive[axis];
        *end = ((at + 1) * extent + pool->adaptive[axis] - 1) / pool->adaptive[axis];
    } else {
        *begin = at * pool->stride[axis] - pool->pad[axis];
        *end = *begin + pool->kernel[axis];
        padded += pool->pad[axis + 2];
    }
    *end = *end < padded ? *end : padded;
    const int64_t count = *end - *begin;
    *begin = *begin > 0 ? *begin : 0;
    *end = *end < extent ? *end : extent;
    return count;
}

static int64_t extent_of(const vgg_element *e, int axis, int64_t *begin, int64_t *end)
{
    return vgg_pool_window(&e->node->attributes.pool, e->input->dims[1 + axis], axis,
                           e->at[1 + axis], begin, end);
}

static double average_element(const vgg_element *e)
{
    const float *plane = e->x + e->at[0] * e->input->dims[1] * e->input->dims[2];
    int64_t top, bottom, left, right;
    int64_t count = extent_of(e, 0, &top, &bottom) * extent_of(e, 1, &left, &right);
    double sum = 0;
    if (!e->node->attributes.pool.count_include_pad)
        count = (bottom - top) * (right - left);
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++)
            sum += (double)plane[y * e->input->dims[2] + x];
    return sum / (double)count;
}

/* NaN is above everything. *where is the first of the largest values' position. */
static double find_largest(const vgg_element *e, int32_t *where)
{
    const float *plane = e->x + e->at[0] * e->input->dims[1] * e->input->dims[2];
    int64_t top, bottom, left, right;
    double largest = -INFINITY;
    extent_of(e, 0, &top, &bottom);
    extent_of(e, 1, &left, &right);
    *where = (int32_t)(top * e->input->dims[2] + left);
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++) {
            const double value = (double)plane[y * e->input->dims[2] + x];
            if (!(value > largest || (isnan(value) && !isnan(largest))))
                continue;
            largest = value;
            *where = (int32_t)(y * e->input->dims[2] + x);
        }
    return largest;
}

static double largest_element(const vgg_element *e)
{
    int32_t where;
    return find_largest(e, &where);
}

static int32_t switch_element(const vgg_element *e)
{
    int32_t where;
    find_largest(e, &where);
    return where;
}

static bool has_switches(const vgg_node *node)
{
    return node->attributes.pool.switches;
}

static vgg_attributes unpool_attributes(const vgg_walk *walk, int at)
{
    const clvgg_shape in = vgg_walk_input(walk, at);
    return (vgg_attributes){
        .unpool = {vgg_walk_node(walk, at)->attributes.pool, {in.dims[1], in.dims[2]}}};
}

static clvgg_status max_back(vgg_walk *walk, int at)
{
    const vgg_attributes attributes = unpool_attributes(walk, at);
    int switches = -1;
    VGG_PASS(vgg_walk_add_beside(walk, "switches of", at, VGG_LAYER_SWITCHES, &switches));
    return vgg_walk_add(walk, "unpooled", at, VGG_LAYER_UNPOOL, &attributes, switches);
}

static clvgg_status average_back(vgg_walk *walk, int at)
{
    const vgg_attributes attributes = unpool_attributes(walk, at);
    return vgg_walk_add(walk, "unpooled", at, VGG_LAYER_AVG_UNPOOL, &attributes, -1);
}

static void keep_switches(vgg_attributes *attributes)
{
    attributes->pool.switches = true;
}

const vgg_layer vgg_layer_max_pool = {
    .name = "max_pool",
    .color = "#fdbf6f",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer_max,
    .describe = describe,
    .element = largest_element,
    .side_element = switch_element,
    .has_side = has_switches,
    .fused_as = VGG_FUSED_POOL,
    .keeps_sign = true,
    .window = window_of,
    .step_back = max_back,
    .keep_for_walks = keep_switches,
};

const vgg_layer vgg_layer_avg_pool = {
    .name = "avg_pool",
    .color = "#ffe0a3",
    .fields = fields,
    .field_count = sizeof fields / sizeof *fields,
    .infer = infer_average,
    .describe = describe,
    .element = average_element,
    .keeps_sign = true,
    .window = window_of,
    .step_back = average_back,
};
