/* kernel/test_sub_group.c — sub-groups are used where the check says so: by default on Intel's
 * GPUs, on CPUs by those who name a variant; a check that fails leaves other kernels.
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
#include "graph/vgg_family.h"
#include "ocl/program.h"
#include "ocl/query.h"
#include "support/cl_faults.h"
#include "support/files.h"
#include "support/must_run.h"
#include "support/networks.h"
#include "support/op_run.h"

static bool checked(const test_device *device)
{
    return atomic_load(&device->device->sub_groups) != 0;
}

/* Whether the driver lists an extension, without which nothing is compiled. */
static bool listed(const test_device *device)
{
    bool intel = false, khr = false;
    must(vgg_query_has_extension(device->device->id, "cl_intel_subgroups", &intel));
    must(vgg_query_has_extension(device->device->id, "cl_khr_subgroups", &khr));
    return intel || khr;
}

/* Says whether the driver lists sub-groups and builds them: some list extensions whose functions
 * they lack. */
static bool built(void)
{
    test_device device;
    vgg_kernel *kernel = NULL;
    clvgg_status status = CLVGG_STATUS_BUILD_FAILED;
    test_device_open(&device, NULL);
    if (listed(&device))
        status =
            vgg_program_kernel(device.device, "sub_group.cl", "-DS=16", "sub_group", &kernel, NULL);
    assert_true(status == CLVGG_STATUS_OK || status == CLVGG_STATUS_BUILD_FAILED);
    vgg_kernel_free(kernel);
    test_device_close(&device);
    return status == CLVGG_STATUS_OK;
}

static void cpus_are_asked_for_a_named_variant(void **state)
{
    (void)state;
    test_device device;
    vgg_sub_groups found;
    clvgg_session *session = NULL;
    test_device_open(&device, NULL);
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    session = session_make(device.device, model, &(session_request){.plan_only = 1});
    assert_int_equal(checked(&device), device.device->info.type == CLVGG_DEVICE_GPU);
    clvgg_session_free(session);
    const session_request named = {.plan_only = 1, .variant = "*=conv_subgroup"};
    const clvgg_status status = session_try(device.device, model, &named, &session);
    assert_true(checked(&device));
    const char *message = clvgg_status_message();
    if (status != CLVGG_STATUS_OK)
        assert_non_null(strstr(message, "conv_subgroup needs sub-groups of 16"));
    must(vgg_sub_group_check(device.device, &found));
    assert_int_equal(status, found.sizes != 0 ? CLVGG_STATUS_OK : CLVGG_STATUS_UNSUPPORTED);
    if (status == CLVGG_STATUS_OK)
        for (int i = 0; i < 3; i++)
            assert_ptr_equal(session->runner->plan->steps[i].stage->op.variant,
                             &vgg_variant_conv_subgroup);
    else
        print_message("SKIPPED: no sub-groups that kernels can use on this device\n");
    clvgg_session_free(session);
    clvgg_model_free(model);
    test_device_close(&device);
}

/* Runs the check with another program in place of its own. */
static void check_with(const char *program, bool right)
{
    test_device device;
    vgg_sub_groups found = {1, true};
    char folder[300];
    file_write(temp_path("sub_group.cl"), program, strlen(program));
    snprintf(folder, sizeof folder, "%s", temp_path("sub_group.cl"));
    *strrchr(folder, '/') = '\0';
    test_device_open(&device, folder);
    const int sizes = right && listed(&device) ? VGG_SUB_GROUP_8 | VGG_SUB_GROUP_16 : 0;
    for (int i = 0; i < 2; i++) { /* then remembered */
        must(vgg_sub_group_check(device.device, &found));
        assert_int_equal(found.sizes, sizes);
    }
    test_device_close(&device);
}

/* The check's result without sub-groups; ADDED to lane 7. */
#define CHECK_PROGRAM(ADDED)                                                                       \
    "kernel void sub_group(global const uint *x, global uint *y) {\n"                              \
    "    uint lane = get_local_id(0), sum = 65536 * S + 256 * (lane / 2) + lane;\n"                \
    "    for (int j = 0; j < S; j++)\n"                                                            \
    "        sum += (j + 1) * (x[1 + j] >> 16);\n"                                                 \
    "    y[get_global_id(0)] = sum + (lane == 7 ? " #ADDED " : 0);\n"                              \
    "}\n"

static void only_a_right_result_means_sub_groups(void **state)
{
    (void)state;
    check_with(CHECK_PROGRAM(0), true);
    check_with(CHECK_PROGRAM(1), false);
    check_with("kernel void sub_group(global const uint *x, global uint *y) { no_such(); }\n",
               false);
    check_with("kernel void sub_group(global const uint *x, global uint *y) {\n"
               "    y[get_global_id(0)] = 0; }\n",
               false);
}

/* Any failing call gives an error and leaks nothing, and the next check finds what there is. */
static void a_check_that_fails_is_made_again(void **state)
{
    (void)state;
    const int sizes = built() ? VGG_SUB_GROUP_8 | VGG_SUB_GROUP_16 : 0;
    bool failed = true;
    for (size_t call = 0; failed; call++) {
        const size_t live = cl_faults_live();
        test_device device;
        vgg_sub_groups found;
        test_device_open(&device, NULL);
        cl_faults_fail_at(call, CL_OUT_OF_RESOURCES);
        const clvgg_status status = vgg_sub_group_check(device.device, &found);
        failed = cl_faults_stop();
        /* All is there when the last one waits. */
        const bool heard = failed && strcmp(cl_faults_failed_function(), "clFinish") != 0;
        assert_int_equal(status != CLVGG_STATUS_OK, heard);
        assert_true(!heard || found.sizes == 0);
        must(vgg_sub_group_check(device.device, &found));
        assert_int_equal(found.sizes, sizes);
        test_device_close(&device);
        assert_int_equal(cl_faults_live(), live);
    }
}

/* The first of the candidates for a layer of VGG16 that can compute it on a GPU of these traits. */
static const char *first_variant(const vgg_graph *graph, const char *layer, int batch,
                                 const vgg_traits *traits)
{
    const vgg_variant *candidates[16];
    const int index = vgg_graph_find(graph, layer);
    assert_true(index > 0);
    const vgg_node *node = &graph->nodes[index];
    const vgg_problem problem = {.node = node,
                                 .input = graph->nodes[node->inputs[0]].output,
                                 .output = node->output,
                                 .input_block = 1,
                                 .relu = true,
                                 .result = node->output,
                                 .max_batch = batch};
    const size_t count = vgg_variant_candidates(&problem, traits, false, candidates, 16);
    vgg_op op;
    for (size_t i = 0; i < count; i++)
        if (vgg_op_configure(&op, candidates[i], &problem, traits) == CLVGG_STATUS_OK)
            return candidates[i]->name;
    return "none";
}

static void intel_gpus_prefer_them(void **state)
{
    (void)state;
    static const int64_t head[3] = {4096, 4096, 1000};
    const vgg_traits intel = {
        .type = CLVGG_DEVICE_GPU,
        .vector_width = 1,
        .compute_units = 96,
        .max_work_group_size = 256,
        .local_memory_bytes = 64 << 10,
        .max_allocation_bytes = UINT64_C(1) << 30,
        .sub_groups = {.sizes = VGG_SUB_GROUP_8 | VGG_SUB_GROUP_16, .preferred = true}};
    vgg_traits other = intel, failed = intel;
    other.sub_groups.preferred = false;
    failed.sub_groups.sizes = 0;
    vgg_graph *graph = NULL;
    must(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, &graph));
    assert_string_equal(first_variant(graph, "conv1_1", 1, &intel), "conv_subgroup");
    assert_string_equal(first_variant(graph, "conv2_2", 1, &intel), "conv_subgroup");
    assert_string_equal(first_variant(graph, "conv3_2", 1, &intel), "winograd_f4_subgroup");
    assert_string_equal(first_variant(graph, "conv5_1", 1, &intel), "conv_subgroup");
    assert_string_equal(first_variant(graph, "conv5_1", 16, &intel), "winograd_f4_subgroup");
    assert_string_equal(first_variant(graph, "fc6", 1, &intel), "dense_rows");
    for (int i = 0; i < 2; i++) {
        const vgg_traits *without = i == 0 ? &other : &failed;
        assert_string_equal(first_variant(graph, "conv1_1", 1, without), "conv_tiled");
        assert_string_equal(first_variant(graph, "conv2_2", 1, without), "winograd_f2_tiled");
        assert_string_equal(first_variant(graph, "conv3_2", 1, without), "winograd_f4_batched");
    }
    vgg_graph_free(graph);
}

enum { SIDE = 17, CHANNELS = 5, OUTPUTS = 19, RESULTS = OUTPUTS * SIDE * SIDE };
static float x[CHANNELS * SIDE * SIDE], w[OUTPUTS * CHANNELS * 9], b[OUTPUTS], y[RESULTS];

/* A 3x3 convolution that is off every tile's size, and its values. */
static op_case conv_case(const test_device *device, clvgg_storage storage)
{
    static const vgg_node conv = {.type = VGG_LAYER_CONV2D,
                                  .name = "conv",
                                  .attributes = {.conv = {.out_channels = OUTPUTS,
                                                          .kernel = {3, 3},
                                                          .stride = {1, 1},
                                                          .dilation = {1, 1},
                                                          .pad = {1, 1, 1, 1},
                                                          .groups = 1,
                                                          .bias = true}}};
    const clvgg_shape in = {3, {CHANNELS, SIDE, SIDE}}, out = {3, {OUTPUTS, SIDE, SIDE}};
    fill_integers(x, sizeof x / sizeof *x, 4, 1);
    fill_integers(w, sizeof w / sizeof *w, 3, 2);
    fill_integers(b, OUTPUTS, 9, 3);
    return (op_case){.variant = &vgg_variant_conv_subgroup,
                     .problem = {.node = &conv,
                                 .input = in,
                                 .output = out,
                                 .input_block = 1,
                                 .relu = true,
                                 .result = out,
                                 .max_batch = 1,
                                 .storage = storage},
                     .count = 1,
                     .x = x,
                     .weights = w,
                     .bias = b,
                     .traits = test_traits(device)};
}

/* One NaN among the inputs: every output whose window holds it is NaN, through ReLU too, and no
 * other is, though lanes read what their windows don't hold. */
static void nan_stays_in_its_windows(void **state)
{
    (void)state;
    test_device device;
    test_device_open(&device, NULL);
    bool ran = true;
    const op_case c = conv_case(&device, CLVGG_STORAGE_F32);
    for (int place = 0; place < SIDE * SIDE && ran; place += 23) { /* corners, edges, inside */
        fill_integers(x, sizeof x / sizeof *x, 4, 1);
        x[3 * SIDE * SIDE + place] = nanf("");
        ran = op_run(&device, &c, y, NULL) == CLVGG_STATUS_OK;
        for (int i = 0; ran && i < RESULTS; i++) {
            const int row = i / SIDE % SIDE, column = i % SIDE;
            const bool seen = abs(row - place / SIDE) <= 1 && abs(column - place % SIDE) <= 1;
            if (isnan(y[i]) != seen)
                fail_msg("NaN at %d: output %d is %g", place, i, (double)y[i]);
        }
    }
    must_run(&device, vgg_variant_conv_subgroup.name, CLVGG_STORAGE_F32, ran);
    if (!ran)
        print_message("SKIPPED: %s\n", clvgg_status_message());
    test_device_close(&device);
    if (!ran)
        skip();
}

/* Copies an embedded kernel file into the folder of the test, behind `head`. */
static void copy_kernel(const char *file, const char *head)
{
    const vgg_kernel_source *source = vgg_kernel_source_find(file);
    assert_non_null(source);
    const size_t length = strlen(head);
    char *text = malloc(length + source->length);
    memcpy(text, head, length);
    memcpy(text + length, source->text, source->length);
    file_write(temp_path(file), text, length + source->length);
    free(text);
}

/* Reads by each lane instead of Intel's block reads give the same result. */
static void portable_reads_give_the_same(void **state)
{
    (void)state;
    static float portable[RESULTS];
    test_device device, without;
    char folder[300];
    bool ran = true;
    copy_kernel("sub_group.cl", "");
    copy_kernel("pack.cl", "");
    copy_kernel("conv_subgroup.cl", "#undef cl_intel_subgroups\n#undef cl_intel_subgroups_short\n");
    snprintf(folder, sizeof folder, "%s", temp_path("pack.cl"));
    *strrchr(folder, '/') = '\0';
    test_device_open(&device, NULL);
    test_device_open(&without, folder);
    for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16 && ran;
         storage++) {
        op_case c = conv_case(&device, storage);
        ran = op_run(&device, &c, y, NULL) == CLVGG_STATUS_OK;
        must_run(&device, vgg_variant_conv_subgroup.name, storage, ran);
        if (ran)
            assert_int_equal(op_run(&without, &c, portable, NULL), CLVGG_STATUS_OK);
        assert_true(!ran || memcmp(y, portable, sizeof y) == 0);
    }
    if (!ran)
        print_message("SKIPPED: %s\n", clvgg_status_message());
    test_device_close(&without);
    test_device_close(&device);
    if (!ran)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpus_are_asked_for_a_named_variant),
        cmocka_unit_test(only_a_right_result_means_sub_groups),
        cmocka_unit_test(a_check_that_fails_is_made_again),
        cmocka_unit_test(intel_gpus_prefer_them),
        cmocka_unit_test(nan_stays_in_its_windows),
        cmocka_unit_test(portable_reads_give_the_same),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
