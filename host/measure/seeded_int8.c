/* measure/seeded_int8.c — see seeded_int8.h. */
#include "measure/seeded_int8.h"

#include "base/alloc.h"
#include "base/random.h"
#include "clvgg/bench.h"
#include "quantize/calibration.h"
#include "tensor/shape.h"

clvgg_status vgg_seeded_int8(clvgg_device *device, clvgg_model *model, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t elements = (size_t)vgg_shape_elements(&model->graph->nodes[0].output);
    clvgg_calibration_options wanted;
    clvgg_quantize_options how;
    clvgg_calibration *calibration = NULL;
    float *images = NULL;
    clvgg_calibration_options_defaults(&wanted);
    clvgg_quantize_options_defaults(&how);
    VGG_NEW(images, CLVGG_BENCH_CALIBRATION * elements);
    vgg_random_fill(images, CLVGG_BENCH_CALIBRATION * elements, -1, 1);
    VGG_TRY(vgg_calibration_create(device, model, &wanted, &calibration));
    VGG_TRY(vgg_calibration_add(calibration, CLVGG_BENCH_CALIBRATION, images));
    VGG_TRY(vgg_calibration_quantize(calibration, &how, out));
cleanup:
    vgg_calibration_free(calibration);
    vgg_free(images);
    return status;
}
