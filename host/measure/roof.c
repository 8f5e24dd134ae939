/* measure/roof.c — everything that there is to measure of a device, one after the other. */
#include "measure/roof.h"

#include "measure/roof_rig.h"

/* A device that gives wrong results here has no use for any others, nor one whose clock says that
 * none of the launches took any time. */
static clvgg_status check_rate(const clvgg_device *device, double rate, const char *work)
{
    VGG_CHECK(rate >= 0, CLVGG_STATUS_UNSUPPORTED, "'%s' gives wrong results where it only %s",
              device->info.name, work);
    VGG_CHECK(rate > 0, CLVGG_STATUS_UNSUPPORTED,
              "'%s' has a clock by which it takes no time where it only %s", device->info.name,
              work);
    return CLVGG_STATUS_OK;
}

static clvgg_status check(const clvgg_device *device, double fma_gflops, double read_gbps)
{
    VGG_PASS(check_rate(device, fma_gflops, "multiplies and adds"));
    return check_rate(device, read_gbps, "reads and adds");
}

/* The other rates of work that wasn't done are unknown. */
static void forget_undone(clvgg_roof *roof)
{
    double *const rates[] = {
        &roof->fma_f16_gflops,  &roof->matrix_bf16_gflops,
        &roof->dot_int8_gops,   &roof->write_gbps,
        &roof->copy_gbps,       &roof->local_gbps,
        &roof->cache_read_gbps, &roof->near_cache_read_gbps,
    };
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (*rates[i] < 0)
            *rates[i] = 0;
}

clvgg_status vgg_peak_measure(clvgg_device *device, clvgg_peak *peak)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_roof_rig rig = {0};
    VGG_TRY(vgg_roof_open(&rig, device));
    VGG_TRY(vgg_roof_fma(&rig, false, &peak->fma_gflops));
    VGG_TRY(vgg_roof_read(&rig, &peak->read_gbps));
    VGG_TRY(check(device, peak->fma_gflops, peak->read_gbps));
cleanup:
    vgg_roof_close(&rig);
    return status;
}

clvgg_status vgg_roof_measure(clvgg_device *device, clvgg_roof *roof)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_roof_rig rig = {0};
    VGG_TRY(vgg_roof_open(&rig, device));
    VGG_TRY(vgg_roof_fma(&rig, false, &roof->fma_f32_gflops));
    VGG_TRY(vgg_roof_fma(&rig, true, &roof->fma_f16_gflops));
    VGG_TRY(vgg_roof_tiles(&rig, &roof->matrix_bf16_gflops));
    VGG_TRY(vgg_roof_dot(&rig, &roof->dot_int8_gops));
    VGG_TRY(vgg_roof_memories(&rig, roof));
    VGG_TRY(vgg_roof_transfers(&rig, roof));
    VGG_TRY(check(device, roof->fma_f32_gflops, roof->read_gbps));
    forget_undone(roof);
cleanup:
    vgg_roof_close(&rig);
    return status;
}
