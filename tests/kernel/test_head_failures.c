/* kernel/test_head_failures.c — a head that learns: NaNs, arguments out of range, calls that fail.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/learner.h"
#include "support/networks.h"
#include "support/skip.h"

static void a_non_finite_loss_is_an_error(void **state)
{
    (void)state;
    for (int infinite = 0; infinite < 2; infinite++) {
        learner l;
        float losses[BATCH], logits[BATCH * CLASSES];
        learner_make(&l, &device, CLVGG_ACTIVATION_RELU, 0, CLVGG_OPTIMIZER_SGD);
        l.features[2 * INPUTS + 5] = infinite ? INFINITY : NAN;
        const vgg_head_step step = learner_step(1);
        must(vgg_head_infer(l.head, BATCH, l.features, logits));
        assert_true(isnan(logits[2 * CLASSES]) && isfinite(logits[0]));
        assert_int_equal(vgg_head_train(l.head, BATCH, l.features, l.labels, &step, losses, NULL),
                         CLVGG_STATUS_NON_FINITE);
        assert_non_null(strstr(vgg_message(), "image 2"));
        assert_true(isnan(losses[2]) && isfinite(losses[0]));
        float *weight = learner_read(&l, 2, false, VGG_HEAD_VALUE);
        assert_true(isnan(weight[0]));
        free(weight);
        learner_free(&l);
    }
}

static void arguments_are_checked(void **state)
{
    (void)state;
    learner l;
    float losses[BATCH];
    uint64_t bytes = 0;
    learner_make(&l, &device, CLVGG_ACTIVATION_RELU, 0, CLVGG_OPTIMIZER_ADAM);
    vgg_head_step step = learner_step(1);
    assert_int_equal(vgg_head_train(l.head, 0, l.features, l.labels, &step, losses, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(vgg_head_train(l.head, BATCH + 1, l.features, l.labels, &step, losses, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    l.labels[3] = CLASSES;
    assert_int_equal(vgg_head_train(l.head, BATCH, l.features, l.labels, &step, losses, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(vgg_message(), "image 3 is of class 5, there are 5"));
    l.labels[3] = 0;
    step.epsilon = 0;
    assert_int_equal(vgg_head_train(l.head, BATCH, l.features, l.labels, &step, losses, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    learner_free(&l);
    l.layers[1].inputs = 71;
    assert_int_equal(vgg_head_measure(device.device, &l.options, &bytes),
                     CLVGG_STATUS_SHAPE_MISMATCH);
    assert_non_null(strstr(vgg_message(), "'fc7'"));
    l.layers[1].inputs = 70;
    l.layers[1].dropout = 1;
    assert_int_equal(vgg_head_measure(device.device, &l.options, &bytes),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    l.layers[1].dropout = 0.5f;
    must(vgg_head_measure(device.device, &l.options, &bytes));
    assert_true(bytes > (70 * 37 + 33 * 70) * sizeof(float) * 3);
    l.options.max_batch = 1 << 28;
    assert_int_equal(learner_create(&l, &device), CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    assert_null(l.head);
}

static clvgg_status short_life(learner *l)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float losses[BATCH], values[INPUTS];
    int correct = 0;
    vgg_head_step step = learner_step(1);
    step.clip_norm = 1;
    VGG_TRY(learner_create(l, &device));
    VGG_TRY(vgg_head_train(l->head, BATCH, l->features, l->labels, &step, losses, &correct));
    VGG_TRY(vgg_head_infer(l->head, 1, l->features, losses));
    VGG_TRY(vgg_head_read(l->head, 0, false, VGG_HEAD_MOMENT2, 0, INPUTS, values));
    VGG_TRY(vgg_head_write(l->head, 2, true, VGG_HEAD_VALUE, learner_source, &l->ref));
cleanup:
    vgg_head_free(l->head);
    l->head = NULL;
    return status;
}

static void every_call_may_fail(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    learner l;
    learner_options(&l, CLVGG_ACTIVATION_TANH, 0.5f, CLVGG_OPTIMIZER_ADAM);
    learner_fill(&l);
    must(short_life(&l)); /* builds */
    const size_t live = cl_faults_live();
    size_t failures = 0, refused = 0;
    for (bool failed = true; failed; failures++) {
        cl_faults_fail_at(failures, CL_OUT_OF_RESOURCES);
        const clvgg_status status = short_life(&l);
        failed = cl_faults_stop();
        refused += status != CLVGG_STATUS_OK;
        if (status != CLVGG_STATUS_OK)
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
        if (cl_faults_live() != live) {
            cl_faults_print_live();
            fail_msg("call %zu, %s: leaks", failures, cl_faults_failed_function());
        }
    }
    assert_true(refused > 100);
    must(short_life(&l));
    ref_head_free(&l.ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_non_finite_loss_is_an_error),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(every_call_may_fail),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
