/* measure/roof_compute.c — cl/roof_compute.cl and cl/roof_tiles.cl: work that takes long enough to
 * time, and the sums that it must leave.
 */
#include "measure/roof_rig.h"

#include "ocl/args.h"
#include "ocl/matrix_unit.h"
#include "ocl/query.h"

enum { CPU_CHAINS = 12, GPU_CHAINS = 8 };
enum { UNROLL = 4, BLOCK = 1024 }; /* cl/roof_compute.cl's */
enum { MOST_BLOCKS = 1 << 20, MOST_ROUNDS = 1 << 24 };
enum { MOST_TILE_ROUNDS = 1 << 19 }; /* sums exact in float32 */

typedef struct work {
    const vgg_roof_rig *rig;
    vgg_kernel *kernel;
    int chains, vector;
} work;

static work begin(const vgg_roof_rig *rig)
{
    return (work){rig, NULL, rig->traits.vector_width > 1 ? CPU_CHAINS : GPU_CHAINS, rig->vector};
}

/* Each two blocks a chain that began at c is counted at c + BLOCK and at c. */
static clvgg_status time_fma(void *user, int blocks, int count, double *ms)
{
    const work *w = user;
    const uint32_t chains = (uint32_t)w->chains;
    const uint32_t expected = (uint32_t)w->rig->items * (uint32_t)w->vector *
                              ((uint32_t)blocks / 2) * chains * (chains - 1 + BLOCK);
    vgg_args args = vgg_args_of(w->kernel);
    vgg_arg_buffer(&args, (vgg_buffer){w->rig->sums, 0});
    vgg_arg_float(&args, 1.0f);
    vgg_arg_float(&args, 1.0f);
    vgg_arg_int(&args, blocks);
    VGG_PASS(vgg_args_end(&args));
    return vgg_roof_time(w->rig, w->kernel, count, &expected, ms);
}

clvgg_status vgg_roof_fma(const vgg_roof_rig *rig, bool half, double *gflops)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work w = begin(rig);
    int blocks = 0;
    double ms = 0;
    *gflops = 0;
    if (half && !rig->device->info.has_half)
        return status;
    VGG_TRY(vgg_roof_kernel(rig, "roof_compute.cl", "roof_fma", half, &w.kernel,
                            half ? " -DCHAINS=%d -DHALF=1" : " -DCHAINS=%d", w.chains));
    if (w.kernel == NULL)
        goto cleanup;
    VGG_TRY(vgg_roof_best(time_fma, &w, 2, MOST_BLOCKS, &blocks, &ms));
    *gflops = vgg_roof_rate(2.0 * w.vector * w.chains * BLOCK * blocks * (double)rig->items, ms);
cleanup:
    vgg_kernel_free(w.kernel);
    return status;
}

static const uint32_t dot_operand = 0x01030507; /* the same with signs and without */

/* Of bytes of `a`, with signs or without, and the operand's. */
static uint32_t dot(uint32_t a, bool with_signs)
{
    uint32_t sum = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t byte = a >> i & 255;
        sum += (with_signs && byte > 127 ? byte - 256 : byte) * (dot_operand >> i & 255);
    }
    return sum;
}

/* Signs of a's bytes: none on CPUs, whose instruction (VNNI) has them so. */
static bool dot_has_signs(const vgg_roof_rig *rig)
{
    return rig->traits.type != CLVGG_DEVICE_CPU;
}

static clvgg_status time_dot(void *user, int rounds, int count, double *ms)
{
    const work *w = user;
    uint32_t expected = 0;
    for (uint32_t c = 0; c < (uint32_t)w->chains; c++) {
        uint32_t a = c;
        for (int i = 0; i < rounds * UNROLL; i++)
            a += dot(a, dot_has_signs(w->rig));
        expected += a;
    }
    expected *= (uint32_t)w->rig->items;
    vgg_args args = vgg_args_of(w->kernel);
    vgg_arg_buffer(&args, (vgg_buffer){w->rig->sums, 0});
    vgg_arg_uint(&args, dot_operand);
    vgg_arg_int(&args, rounds);
    VGG_PASS(vgg_args_end(&args));
    return vgg_roof_time(w->rig, w->kernel, count, &expected, ms);
}

clvgg_status vgg_roof_dot(const vgg_roof_rig *rig, double *gops)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_roof_rig wide = *rig; /* its work-groups are lanes everywhere */
    wide.local = rig->lanes;
    wide.items = rig->groups * rig->lanes;
    work w = begin(&wide);
    bool has_dot = false;
    int rounds = 0;
    double ms = 0;
    *gops = 0;
    VGG_TRY(vgg_query_has_extension(rig->device->id, "cl_khr_integer_dot_product", &has_dot));
    if (!has_dot)
        goto cleanup;
    VGG_TRY(vgg_roof_kernel(&wide, "roof_compute.cl", "roof_dot", true, &w.kernel,
                            " -DCHAINS=%d -cl-std=CL3.0 -DDOT=dot_4x8packed_%s_int", w.chains,
                            dot_has_signs(rig) ? "ss" : "us"));
    if (w.kernel == NULL)
        goto cleanup;
    VGG_TRY(vgg_roof_best(time_dot, &w, 1, MOST_ROUNDS, &rounds, &ms));
    *gops = vgg_roof_rate(8.0 * w.chains * UNROLL * rounds * (double)wide.items, ms);
cleanup:
    vgg_kernel_free(w.kernel);
    return status;
}

static clvgg_status time_tiles(void *user, int rounds, int count, double *ms)
{
    const work *w = user;
    const uint32_t expected = (uint32_t)w->rig->items * 1024 * 32 * (uint32_t)rounds;
    vgg_args args = vgg_args_of(w->kernel);
    vgg_arg_buffer(&args, (vgg_buffer){w->rig->sums, 0});
    vgg_arg_int(&args, rounds);
    VGG_PASS(vgg_args_end(&args));
    return vgg_roof_time(w->rig, w->kernel, count, &expected, ms);
}

clvgg_status vgg_roof_tiles(const vgg_roof_rig *rig, double *gflops)
{
    clvgg_status status = CLVGG_STATUS_OK;
    work w = begin(rig);
    bool has_amx = false;
    int rounds = 0;
    double ms = 0;
    *gflops = 0;
    VGG_TRY(vgg_matrix_unit_check(rig->device, &has_amx));
    if (!has_amx || rig->local != 1)
        goto cleanup;
    VGG_TRY(vgg_roof_kernel(rig, "roof_tiles.cl", "roof_tiles", true, &w.kernel, NULL));
    if (w.kernel == NULL)
        goto cleanup;
    VGG_TRY(vgg_roof_best(time_tiles, &w, 1, MOST_TILE_ROUNDS, &rounds, &ms));
    *gflops = vgg_roof_rate(4 * 2.0 * 16 * 32 * 16 * rounds * (double)rig->items, ms);
cleanup:
    vgg_kernel_free(w.kernel);
    return status;
}
