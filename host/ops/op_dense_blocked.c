/* ops/op_dense_blocked.c — cl/dense_blocked.cl: dense layers for CPUs. */
#include "ops/op.h"

enum { IMAGE_GROUP }; /* op->parameters */
enum { VECTORS = 2, REGISTER_IMAGES = 8, MAX_GROUP = 32 };
enum { CHOOSE_VECTORS, CHOOSE_IMAGES, CHOOSE_GROUP };
enum { MAX_SUM_BYTES = 16 << 10 }; /* private memory for the sums of a work-item */
static const vgg_tunable tunables[] = {
    {"KB", {1, 2, 4, 8}}, {"TN", {1, 2, 4, 6, 8, 12}}, {"GROUP", {8, 12, 16, 24, 32, 48, 64}}, {0}};

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const int width = traits->vector_width;
    VGG_CHECK(width >= 4, CLVGG_STATUS_UNSUPPORTED,
              "dense_blocked is for CPUs with vector registers");
    const int batch = op->problem.max_batch;
    const int vectors = vgg_op_chosen(op, CHOOSE_VECTORS, VECTORS);
    const int rows = vgg_register_rows(traits, vectors);
    const int best = batch == 1 ? 1 : width == 8 ? 4 : REGISTER_IMAGES;
    const int images = vgg_op_chosen(op, CHOOSE_IMAGES, best < rows ? best : rows);
    const int group = vgg_op_chosen(op, CHOOSE_GROUP,
                                    batch == 1 && images == 1 ? 1 : MAX_GROUP / images * images);
    VGG_CHECK(images <= rows, CLVGG_STATUS_UNSUPPORTED,
              "dense_blocked: tiles of %dx%d vectors don't fit the registers, at most %dx%d",
              images, vectors, rows, vectors);
    VGG_CHECK(group % images == 0, CLVGG_STATUS_UNSUPPORTED,
              "dense_blocked: groups of %d images aren't whole tiles of %d", group, images);
    VGG_CHECK(group * vectors * width * (int)sizeof(float) <= MAX_SUM_BYTES,
              CLVGG_STATUS_UNSUPPORTED, "dense_blocked: the sums of %d images are too many", group);
    op->parameters[IMAGE_GROUP] = group;
    op->pack = vgg_problem_pack(&op->problem, width * vectors);
    vgg_op_add_program(op, "dense_blocked.cl", "dense_blocked",
                       "-DVW=%d -DKB=%d -DTN=%d -DGROUP=%d", width, vectors, images,
                       op->parameters[IMAGE_GROUP]);
    return CLVGG_STATUS_OK;
}

/* Features of a call: what of all images stays in a core's cache, a quarter of a MiB. */
static int64_t slice_features(const vgg_op *op, int count)
{
    enum { CACHE_FLOATS = 1 << 16, WHOLE = 64 };
    const int group = op->parameters[IMAGE_GROUP];
    const int64_t features = CACHE_FLOATS / (count < group ? count : group);
    const int64_t slices = vgg_ceil_div(op->pack.channels, features);
    return vgg_ceil_div(vgg_ceil_div(op->pack.channels, slices), WHOLE) * WHOLE;
}

static clvgg_status enqueue_slice(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int64_t begin, int64_t end, int count)
{
    for (int i = 0; i < io->weights->piece_count; i++) {
        const vgg_weight_piece *piece = &io->weights->pieces[i];
        vgg_args args = vgg_dense_args(op, io, piece, piece->first_row / op->pack.panel, count);
        VGG_ARG_INTS(&args, begin, end);
        const size_t local[2] = {1, 1};
        const size_t global[2] = {(size_t)vgg_ceil_div(piece->rows, op->pack.panel),
                                  (size_t)vgg_ceil_div(count, op->parameters[IMAGE_GROUP])};
        VGG_PASS(vgg_launch_kernel(launch, &args, 2, global, local));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t features = op->pack.channels, step = slice_features(op, count);
    for (int64_t begin = 0; begin < features; begin += step)
        VGG_PASS(enqueue_slice(op, launch, io, begin,
                               step < features - begin ? begin + step : features, count));
    return CLVGG_STATUS_OK;
}

const vgg_variant vgg_variant_dense_blocked = {
    .name = "dense_blocked",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .fuses_relu = true,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
