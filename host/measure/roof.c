/* measure/roof.c — everything that there is to measure of a device, one after the other. */
#include "measure/roof.h"

#include "measure/roof_rig.h"

/* A device that gives wrong results here has no use for any others, nor one whose clock says that
 * none of the launches took any time. */
static clvgg_status check(const clvgg_device *device, double fma_gflops, double read_gbps)
{
    VGG_CHECK(fma_gflops > 0, CLVGG_STATUS_UNSUPPORTED,
              "'%s' gives wrong results where it only multiplies and adds, or no times",
              device->info.name);
    VGG_CHECK(read_gbps > 0, CLVGG_STATUS_UNSUPPORTED,
              "'%s' gives wrong results where it only reads and adds, or no times",
              device->info.name);
    return CLVGG_STATUS_OK;
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
cleanup:
    vgg_roof_close(&rig);
    return status;
}
