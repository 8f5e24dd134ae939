/* kernel/test_trust.c — what is known of an op on a device: for that op, source, device and driver
 * alone, in this process and in later ones; and the probe that finds it out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "ops/clblast.h"
#include "ops/op.h"
#include "plan/plan_sweep.h"
#include "support/device_fixture.h"
#include "support/files.h"
#include "support/networks.h"
#include "train/head_parts.h"
#include "verify/candidate.h"
#include "verify/gradient.h"
#include "verify/trust.h"

static vgg_graph *graph;

static int set_up(void **state)
{
    const vgg_attributes conv = {.conv = {.out_channels = 19,
                                          .kernel = {3, 3},
                                          .stride = {1, 1},
                                          .dilation = {1, 1},
                                          .pad = {1, 1, 1, 1},
                                          .groups = 1,
                                          .bias = true}};
    if (temp_folder_setup(state) != 0 || device_setup(state) != 0)
        return -1;
    must(vgg_graph_create(20, 13, 11, &graph));
    must(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, NULL));
    return 0;
}

static int tear_down(void **state)
{
    vgg_graph_free(graph);
    const int closed = device_teardown(state);
    return temp_folder_teardown(state) | closed;
}

static vgg_op configure(const char *variant, int max_batch, bool relu)
{
    const vgg_problem problem = {.node = &graph->nodes[1],
                                 .input = graph->nodes[0].output,
                                 .output = graph->nodes[1].output,
                                 .input_block = 1,
                                 .relu = relu,
                                 .result = graph->nodes[1].output,
                                 .max_batch = max_batch};
    vgg_traits traits;
    vgg_op op;
    must(vgg_traits_for(device.device, CLVGG_STORAGE_F32, false, &traits));
    must(vgg_op_configure(&op, vgg_variant_find(variant), &problem, &traits));
    return op;
}

static vgg_standing standing_of(clvgg_device *of, const vgg_op *op)
{
    vgg_subject subject;
    vgg_trust trust;
    vgg_subject_of_op(of, op, &subject);
    must(vgg_trust_find(of, &subject, &trust));
    if (trust.standing == VGG_TRUST_WRONG)
        assert_string_equal(trust.words, "row 3");
    return trust.standing;
}

static void keep(clvgg_device *of, const vgg_op *op, const vgg_trust *trust)
{
    vgg_subject subject;
    vgg_subject_of_op(of, op, &subject);
    must(vgg_trust_keep(of, &subject, trust, false));
}

/* A device of another runtime, as another process has it, with the cache of that path. */
static clvgg_device *open_with_cache(const char *path, clvgg_runtime **own)
{
    clvgg_runtime_options options;
    clvgg_device *opened = NULL;
    clvgg_runtime_options_defaults(&options);
    options.cache_path = path;
    must(clvgg_runtime_create(&options, own));
    must(clvgg_device_open(*own, NULL, NULL, &opened));
    return opened;
}

static void knows_the_op_alone(void **state)
{
    (void)state;
    const char *path = temp_path("cache.sqlite");
    const vgg_trust wrong = {VGG_TRUST_WRONG, "row 3"}, right = {VGG_TRUST_RIGHT, ""};
    const vgg_op op = configure("conv_direct", 1, true), other = configure("conv_direct", 1, false);
    for (int process = 0; process < 2; process++) {
        clvgg_runtime *own = NULL;
        clvgg_device *opened = open_with_cache(path, &own);
        if (process == 0) {
            assert_int_equal(standing_of(opened, &op), VGG_TRUST_UNKNOWN);
            keep(opened, &op, &wrong);
        }
        assert_int_equal(standing_of(opened, &op), VGG_TRUST_WRONG);
        assert_int_equal(standing_of(opened, &other), VGG_TRUST_UNKNOWN);
        clvgg_device_free(opened);
        clvgg_runtime_free(own);
    }
    /* A newer driver knows nothing; what is found anew replaces what was known. */
    clvgg_runtime *own = NULL;
    clvgg_device *opened = open_with_cache(path, &own);
    char version[sizeof opened->info.driver_version];
    memcpy(version, opened->info.driver_version, sizeof version);
    snprintf(opened->info.driver_version, sizeof opened->info.driver_version, "another");
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_UNKNOWN);
    memcpy(opened->info.driver_version, version, sizeof version);
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_WRONG);
    keep(opened, &op, &right);
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_RIGHT);
    clvgg_device_free(opened);
    clvgg_runtime_free(own);
}

/* A weight that lies otherwise in its file is packed by another kernel. */
static void knows_how_the_weight_lies(void **state)
{
    (void)state;
    const vgg_trust wrong = {VGG_TRUST_WRONG, "row 3"};
    const vgg_op op = configure("conv_direct", 1, true);
    clvgg_runtime *own = NULL;
    clvgg_device *opened = open_with_cache(temp_path("lies.sqlite"), &own);
    keep(opened, &op, &wrong);
    vgg_op halves = op, turned = op;
    halves.problem.weight_dtype = CLVGG_DTYPE_F16;
    turned.problem.weight_inner = 3;
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_WRONG);
    assert_int_equal(standing_of(opened, &halves), VGG_TRUST_UNKNOWN);
    assert_int_equal(standing_of(opened, &turned), VGG_TRUST_UNKNOWN);
    clvgg_device_free(opened);
    clvgg_runtime_free(own);
}

/* What CLBlast computed with other parameters says nothing. */
static void knows_parameters_of_clblast(void **state)
{
    (void)state;
    static const char *names[] = {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
                                  "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
    static const size_t values[] = {0, 1, 8, 1, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0, 1, 1};
    const vgg_trust wrong = {VGG_TRUST_WRONG, "row 3"};
    const vgg_op own = configure("conv_direct", 1, true);
    vgg_op clblast = configure("conv_im2col_clblast", 1, false);
    vgg_subject subject;
    vgg_subject_of_op(device.device, &clblast, &subject);
    assert_non_null(strstr(subject.candidate, vgg_clblast_version()));
    keep(device.device, &own, &wrong);
    keep(device.device, &clblast, &wrong);
    assert_int_equal(standing_of(device.device, &clblast), VGG_TRUST_WRONG);
    must(vgg_clblast_override(device.device->id, "Xgemm", names, values,
                              sizeof values / sizeof *values));
    assert_int_equal(standing_of(device.device, &clblast), VGG_TRUST_UNKNOWN);
    assert_int_equal(standing_of(device.device, &own), VGG_TRUST_WRONG);
}

/* A CLBlast that was built again is another, also where its file is as large. */
static void knows_when_clblast_was_built(void **state)
{
    (void)state;
    char line[4096], expected[128] = "";
    struct stat facts;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (expected[0] == '\0' && fgets(line, sizeof line, maps) != NULL) {
        const char *name = strstr(line, "/libclblast"), *path = strchr(line, '/');
        line[strcspn(line, "\n")] = '\0';
        if (name != NULL && stat(path, &facts) == 0)
            snprintf(expected, sizeof expected, "%.60s of %lld, %lld.%09ld", name + 1,
                     (long long)facts.st_size, (long long)facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
    }
    fclose(maps);
    if (expected[0] == '\0')
        skip(); /* it isn't a library of its own */
    assert_string_equal(vgg_clblast_version(), expected);
}

/* Of the networks behind the first, one that the device has no memory for is left, and counted. */
static void networks_without_memory_are_left(void **state)
{
    (void)state;
    vgg_graph *large = NULL;
    const int last = 1;
    clvgg_verify_options options;
    clvgg_verify_summary summary = {.struct_size = sizeof summary};
    must(vgg_graph_create(20, 640, 640, &large));
    must(vgg_graph_add(large, "conv", VGG_LAYER_CONV2D, &graph->nodes[1].attributes, 0, NULL));
    const vgg_sweep_network networks[] = {{graph, &last, 1, NULL, "small"},
                                          {large, &last, 1, NULL, "large"}};
    clvgg_verify_options_defaults(&options);
    options.budget_seconds = 1e-9; /* nothing is run */
    const uint64_t whole = device.device->info.max_allocation_bytes;
    device.device->info.max_allocation_bytes = 4 << 20;
    const clvgg_status status =
        vgg_plan_sweep(device.device, device.device, networks, 2, &options, &summary);
    device.device->info.max_allocation_bytes = whole;
    vgg_graph_free(large);
    must(status);
    assert_true(summary.chains > 0);
    assert_int_equal(summary.left, summary.chains + 1);
}

/* Variants that compute the layer are right by themselves, from weights however they lie. */
static void variants_are_right(void **state)
{
    (void)state;
    vgg_reference reference = {
        .device = device.device, .queue = device.queue, .repeats = 3, .samples = 300};
    static const char *const names[] = {"conv_direct", "conv_tiled", "winograd_f2_tiled"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vgg_op op = configure(names[i], 3, true);
        vgg_candidate_finding found;
        for (int lies = 0; lies < 4; lies++) {
            op.problem.weight_dtype = (clvgg_dtype)(lies % 3);
            op.problem.weight_inner = lies == 3 ? 9 : 0;
            must(vgg_candidate_run(&reference, &op, NULL, &found));
            if (!found.finding.right)
                fail_msg("%s: %s", names[i], found.finding.words);
            assert_true(found.finding.samples >= 300);
            if (op.variant->error_bound == 0)
                assert_true(found.finding.largest == 0 && found.l2 == 0);
        }
    }
}

/* Gradients of dense layers whose panels and inputs aren't whole, by every rule. */
static void gradients_are_right(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{37, 21}, {300, 1}, {1, 70}, {130, 700}};
    vgg_traits traits;
    int ran = 0;
    must(vgg_traits_for(device.device, CLVGG_STORAGE_F32, false, &traits));
    for (size_t i = 0; i < vgg_grad_variant_count * 16; i++) {
        const vgg_grad_variant *variant = vgg_grad_variants[i / 16];
        const int64_t *shape = shapes[i / 4 % 4];
        const vgg_pack pack = {.rows = shape[1],
                               .channels = shape[0],
                               .spatial = 1,
                               .block = 1,
                               .panel = 16,
                               .splittable = true};
        const vgg_grad_problem problem = {variant->gradient, pack, 5, (vgg_update_rule)(i % 4)};
        vgg_grad_op op;
        vgg_finding finding;
        if (vgg_grad_configure(&op, variant, &problem, &traits) != CLVGG_STATUS_OK)
            continue;
        must(vgg_gradient_check(device.device, device.queue, &op, &finding));
        if (!finding.right)
            fail_msg("%s, %lld to %lld: %s", variant->name, (long long)shape[0],
                     (long long)shape[1], finding.words);
        assert_true(finding.samples > 0);
        ran++;
    }
    assert_true(ran >= 2 * 16); /* the definitions run everywhere */
}

/* A head is planned without what is known to be wrong. */
static void heads_avoid_what_is_wrong(void **state)
{
    (void)state;
    static const vgg_head_layer layers[] = {{.name = "a", .inputs = 37, .outputs = 21},
                                            {.name = "b", .inputs = 21, .outputs = 5}};
    const vgg_head_options options = {.layers = layers, .layer_count = 2, .max_batch = 4};
    const vgg_trust wrong = {VGG_TRUST_WRONG, "row 3"};
    vgg_head *first = NULL, *head = NULL; /* ops are of the first head's layers */
    vgg_grad_op update;
    vgg_op forward;
    vgg_subject subject;
    must(vgg_head_plan(device.device, &options, &first));
    update = first->layers[1].weight.update->gradient;
    forward = first->layers[1].dense->op;
    if (update.variant->definition || forward.variant->definition) {
        print_message("SKIPPED: %s: such a device trains by the definitions alone\n", __func__);
        vgg_head_free(first);
        skip();
    }
    vgg_subject_of_gradient(&update, &subject);
    must(vgg_trust_keep(device.device, &subject, &wrong, false));
    must(vgg_head_plan(device.device, &options, &head));
    assert_ptr_not_equal(head->layers[1].weight.update->gradient.variant, update.variant);
    assert_ptr_equal(head->layers[0].weight.update->gradient.variant, update.variant);
    vgg_head_free(head);
    keep(device.device, &forward, &wrong);
    must(vgg_head_plan(device.device, &options, &head));
    assert_ptr_not_equal(head->layers[1].dense->op.variant, forward.variant);
    vgg_head_free(head);
    vgg_head_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_op_alone),
        cmocka_unit_test(knows_how_the_weight_lies),
        cmocka_unit_test(knows_parameters_of_clblast),
        cmocka_unit_test(variants_are_right),
        cmocka_unit_test(gradients_are_right),
        cmocka_unit_test(heads_avoid_what_is_wrong),
        cmocka_unit_test(knows_when_clblast_was_built),
        cmocka_unit_test(networks_without_memory_are_left),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
