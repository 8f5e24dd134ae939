/* kernel/test_matrix_unit.c — tiles of bfloat16 are used where the check says so, by those who ask
 * for bf16 alone; a check that fails leaves plain kernels.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "ocl/matrix_unit.h"
#include "support/files.h"
#include "support/must_run.h"
#include "support/networks.h"
#include "support/op_run.h"

/* Steps of the VGG network's plan that conv_amx computes. */
static int count_amx_steps(clvgg_device *device, clvgg_model *model, clvgg_storage storage)
{
    clvgg_session *session =
        session_make(device, model, &(session_request){.plan_only = 1, .storage = storage});
    int count = 0;
    for (int i = 0; i < session->runner->plan->step_count; i++)
        count += session->runner->plan->steps[i].stage->op.variant == &vgg_variant_conv_amx;
    clvgg_session_free(session);
    return count;
}

static bool checked(const test_device *device)
{
    return atomic_load(&device->device->matrix_unit) != 0;
}

static void only_bf16_asks(void **state)
{
    (void)state;
    test_device device;
    bool has_amx = false;
    test_device_open(&device, NULL);
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    assert_int_equal(count_amx_steps(device.device, model, CLVGG_STORAGE_F32), 0);
    assert_int_equal(count_amx_steps(device.device, model, CLVGG_STORAGE_F16), 0);
    assert_false(checked(&device));
    const int steps = count_amx_steps(device.device, model, CLVGG_STORAGE_BF16);
    assert_true(checked(&device));
    must(vgg_matrix_unit_check(device.device, &has_amx));
    const bool wide = vgg_traits_of(&device.device->info).vector_width == 16;
    assert_int_equal(steps, has_amx && wide ? 2 : 0); /* the first layer has 3 channels */
    if (steps == 0)
        print_message("SKIPPED: no AMX that kernels can use on this device\n");
    clvgg_model_free(model);
    test_device_close(&device);
}

/* A folder of kernels in which the check's program is another one. */
static void check_with(const char *program)
{
    test_device device;
    char folder[300];
    bool has_amx = true;
    file_write(temp_path("matrix_unit.cl"), program, strlen(program));
    snprintf(folder, sizeof folder, "%s", temp_path("matrix_unit.cl"));
    *strrchr(folder, '/') = '\0';
    test_device_open(&device, folder);
    must(vgg_matrix_unit_check(device.device, &has_amx));
    assert_false(has_amx);
    has_amx = true;
    must(vgg_matrix_unit_check(device.device, &has_amx)); /* remembered */
    assert_false(has_amx);
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    assert_int_equal(count_amx_steps(device.device, model, CLVGG_STORAGE_BF16), 0);
    clvgg_model_free(model);
    test_device_close(&device);
}

#define HEAD                                                                                       \
    "kernel void matrix_unit(global const float *x, global const ushort *w, global float *y) {"

static void a_program_that_fails_means_no_unit(void **state)
{
    (void)state;
    check_with(HEAD " no_such_instruction(); }\n");
    check_with(HEAD " for (int i = 0; i < 256; i++) y[i] = 0.0f; }\n");
    /* Right but for one value. */
    check_with(HEAD "for (int i = 0; i < 256; i++) {\n"
                    "    float sum = i == 255;\n"
                    "    for (int k = 0; k < 32; k++)\n"
                    "        sum += x[i / 16 * 32 + k] *\n"
                    "               as_float((uint)w[k / 2 * 32 + i % 16 * 2 + k % 2] << 16);\n"
                    "    y[i] = sum;\n"
                    "} }\n");
}

/* A right result means that there is a unit: the check is of the result. */
static void a_right_result_means_a_unit(void **state)
{
    (void)state;
    if (!vgg_matrix_unit_allowed()) {
        print_message("SKIPPED: this CPU or its operating system has no AMX\n");
        skip();
    }
    test_device device;
    char folder[300];
    bool has_amx = false;
    static const char right[] =
        HEAD "for (int i = 0; i < 256; i++) {\n"
             "    float sum = 0;\n"
             "    for (int k = 0; k < 32; k++)\n"
             "        sum += x[i / 16 * 32 + k] *\n"
             "               as_float((uint)w[k / 2 * 32 + i % 16 * 2 + k % 2] << 16);\n"
             "    y[i] = sum;\n"
             "} }\n";
    file_write(temp_path("matrix_unit.cl"), right, sizeof right - 1);
    snprintf(folder, sizeof folder, "%s", temp_path("matrix_unit.cl"));
    *strrchr(folder, '/') = '\0';
    test_device_open(&device, folder);
    must(vgg_matrix_unit_check(device.device, &has_amx));
    assert_int_equal(has_amx, device.device->info.type == CLVGG_DEVICE_CPU);
    test_device_close(&device);
}

enum { SIDE = 9, CHANNELS = 19, OUTPUTS = 33 };

/* One NaN among the inputs: every output whose window holds it is NaN, through ReLU too, and no
 * other is. */
static void nan_goes_through(void **state)
{
    (void)state;
    test_device device;
    test_device_open(&device, NULL);
    const vgg_node conv = {.type = VGG_LAYER_CONV2D,
                           .name = "conv",
                           .attributes = {.conv = {.out_channels = OUTPUTS,
                                                   .kernel = {3, 3},
                                                   .stride = {1, 1},
                                                   .dilation = {1, 1},
                                                   .pad = {1, 1, 1, 1},
                                                   .groups = 1,
                                                   .bias = true}}};
    const clvgg_shape in = {3, {CHANNELS, SIDE, SIDE}}, out = {3, {OUTPUTS, SIDE, SIDE}};
    static float x[CHANNELS * SIDE * SIDE], w[OUTPUTS * CHANNELS * 9], b[OUTPUTS],
        y[OUTPUTS * SIDE * SIDE];
    fill_integers(x, sizeof x / sizeof *x, 4, 1);
    fill_integers(w, sizeof w / sizeof *w, 3, 2);
    x[17 * SIDE * SIDE + 4 * SIDE + 5] = nanf("");
    const op_case c = {.variant = &vgg_variant_conv_amx,
                       .problem = {.node = &conv,
                                   .input = in,
                                   .output = out,
                                   .input_block = 1,
                                   .relu = true,
                                   .result = out,
                                   .max_batch = 1,
                                   .storage = CLVGG_STORAGE_BF16},
                       .count = 1,
                       .x = x,
                       .weights = w,
                       .bias = b,
                       .traits = test_traits(&device)};
    const bool ran = op_run(&device, &c, y, NULL) == CLVGG_STATUS_OK;
    must_run(&device, vgg_variant_conv_amx.name, CLVGG_STORAGE_BF16, ran);
    for (int i = 0; ran && i < OUTPUTS * SIDE * SIDE; i++) {
        const int row = i / SIDE % SIDE, column = i % SIDE;
        const bool seen = abs(row - 4) <= 1 && abs(column - 5) <= 1;
        if (isnan(y[i]) != seen)
            fail_msg("output %d is %g", i, (double)y[i]);
    }
    if (!ran)
        print_message("SKIPPED: %s\n", clvgg_status_message());
    test_device_close(&device);
    if (!ran)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_bf16_asks),
        cmocka_unit_test(a_program_that_fails_means_no_unit),
        cmocka_unit_test(a_right_result_means_a_unit),
        cmocka_unit_test(nan_goes_through),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
