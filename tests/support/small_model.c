/* support/small_model.c — a small VGG with weights from a seed. */
#include "support/small_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "graph/vgg_family.h"

/* Finaliser of MurmurHash3: every bit of the result depends on every bit of the input. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

clvgg_status small_model_source(void *user, const char *tensor, const clvgg_shape *shape,
                                uint64_t first, uint64_t count, float *values)
{
    uint64_t key = (uint64_t)(uintptr_t)user;
    for (const char *c = tensor; *c != '\0'; c++)
        key = mix(key ^ (unsigned char)*c);
    double fan_in = 1.0;
    for (int i = 1; i < shape->rank; i++)
        fan_in *= (double)shape->dims[i];
    const char *parameter = strrchr(tensor, '.');
    const bool factor = shape->rank == 1 && strcmp(parameter, ".weight") == 0;
    const double scale = shape->rank > 1 ? sqrt(6.0 / fan_in) : factor ? 1.0 : 0.1;
    const double centre = strcmp(parameter, ".running_var") == 0 ? 0.2 : 0.0;
    for (uint64_t i = 0; i < count; i++) {
        double unit = (double)(mix(key + first + i) >> 11) * 0x1p-53; /* [0, 1) */
        values[i] = (float)(centre + scale * (2.0 * unit - 1.0));
    }
    return CLVGG_STATUS_OK;
}

clvgg_model *small_model_make(clvgg_runtime *runtime, unsigned seed)
{
    return small_model_of_channels(runtime, seed, 3);
}

clvgg_model *small_model_of_channels(clvgg_runtime *runtime, unsigned seed, int channels)
{
    const vgg_family_plan plan = {.architecture = "vgg11",
                                  .input = {channels, 32, 32},
                                  .channels = {4, 5, 6, 6, 7, 8, 8, 8},
                                  .head = {12, 10, 3}};
    vgg_graph *graph;
    clvgg_model *model;
    assert_int_equal(vgg_family_build(&plan, &graph), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)seed, &model),
        CLVGG_STATUS_OK);
    return model;
}
