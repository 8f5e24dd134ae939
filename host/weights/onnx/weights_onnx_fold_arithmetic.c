/* weights/onnx/weights_onnx_fold_arithmetic.c — sums, products and comparisons of extents, as
 * exporters write them for images of any size.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "weights/onnx/weights_onnx.h"

static bool add(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static bool subtract(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_sub_overflow(a, b, out);
}

static bool multiply(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static bool divide(int64_t a, int64_t b, int64_t *out)
{
    if (b < 1)
        return false;
    *out = a / b;
    return true;
}

static bool equal(int64_t a, int64_t b, int64_t *out)
{
    *out = a == b;
    return true;
}

typedef struct arithmetic {
    const char *kind;
    bool (*of)(int64_t a, int64_t b, int64_t *out);
    bool of_one; /* goes over the values of one input, not over the pairs of two */
} arithmetic;

static const arithmetic *find_rule(const char *kind)
{
    static const arithmetic all[] = {{"Add", add, false},      {"Sub", subtract, false},
                                     {"Mul", multiply, false}, {"Div", divide, false},
                                     {"Equal", equal, false},  {"ReduceProd", multiply, true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].kind, kind) == 0)
            return &all[i];
    return NULL;
}

clvgg_status vgg_onnx_fold_arithmetic(vgg_onnx_walk *walk, const VggOnnx__Node *node, int depth,
                                      vgg_onnx_extents *out)
{
    const arithmetic *rule = find_rule(vgg_onnx_text(node->op_type));
    vgg_onnx_extents left, right = {.count = 0};
    bool fits = true;
    if (rule == NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "a shape is computed by an operator that isn't read");
    VGG_PASS(vgg_onnx_fold_input(walk, node, 0, depth, &left));
    if (!rule->of_one)
        VGG_PASS(vgg_onnx_fold_input(walk, node, 1, depth, &right));
    *out = left;
    if (!rule->of_one && left.count == 1)
        out->count = right.count;
    for (int i = rule->of_one ? 1 : 0; i < out->count; i++) {
        const int64_t a = rule->of_one ? out->values[0] : left.values[left.count == 1 ? 0 : i];
        const int64_t b = rule->of_one       ? left.values[i]
                          : right.count == 1 ? right.values[0]
                          : i < right.count  ? right.values[i]
                                             : VGG_ONNX_BATCH;
        fits = fits && a != VGG_ONNX_BATCH && b != VGG_ONNX_BATCH &&
               rule->of(a, b, &out->values[rule->of_one ? 0 : i]);
    }
    out->count = rule->of_one && out->count > 1 ? 1 : out->count;
    if (!fits)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "computes with the batch's size, or beyond 64 bits");
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_fold_arithmetic_is_absent; /* C wants something in every file */
#endif
