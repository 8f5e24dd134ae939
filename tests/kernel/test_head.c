/* kernel/test_head.c — a head that learns against double-precision loops: gradients of every
 * parameter by central differences, optimisers step by step, clipping; and that its bits repeat.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/head_definition.h"
#include "support/device_fixture.h"
#include "support/learner.h"
#include "support/networks.h"
#include "support/skip.h"

/* ‖device − reference‖ / ‖reference‖ of a parameter. */
static double part_error(const learner *l, int layer, bool bias, vgg_head_part part,
                         const double *reference)
{
    float *values = learner_read(l, layer, bias, part);
    const double *expected = reference + ref_head_offset(&l->ref, layer, bias);
    double off = 0, size = 0;
    for (size_t i = 0; i < ref_head_count(&l->ref, layer, bias); i++) {
        off += pow((double)values[i] - expected[i], 2);
        size += pow(expected[i], 2);
    }
    free(values);
    return sqrt(off / size);
}

/* The worst of all parameters. */
static double worst_error(const learner *l, vgg_head_part part, const double *reference)
{
    double worst = 0;
    for (int layer = 0; layer < LAYERS; layer++)
        for (int bias = 0; bias < 2; bias++)
            worst = fmax(worst, part_error(l, layer, bias, part, reference));
    return worst;
}

/* Known answers of the generator's authors. */
static void the_definitions_generator_is_philox(void **state)
{
    (void)state;
    const uint32_t zero[4] = {0}, pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    const uint32_t pi_key[2] = {0xa4093822, 0x299f31d0};
    const uint32_t of_zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    const uint32_t of_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    uint32_t random[4];
    vgg_head_definition_philox(zero, zero, random);
    assert_memory_equal(random, of_zero, sizeof random);
    vgg_head_definition_philox(pi, pi_key, random);
    assert_memory_equal(random, of_pi, sizeof random);
}

/* The first step leaves the gradient in the momentum buffer, if that is zero and there is no decay.
 */
static void gradients_are_differences(void **state)
{
    (void)state;
    for (clvgg_activation a = CLVGG_ACTIVATION_RELU; a <= CLVGG_ACTIVATION_SIGMOID; a++)
        for (int dropout = 0; dropout < 2; dropout++) {
            learner l;
            learner_make(&l, &device, a, dropout ? 0.4f : 0.0f, CLVGG_OPTIMIZER_SGD);
            const vgg_head_step step = learner_step(3);
            ref_head_gradients(&l.ref, BATCH, l.features, l.labels, step.step);
            double *differences = malloc(l.ref.parameter_count * sizeof *differences), worst = 0;
            for (size_t i = 0; i < l.ref.parameter_count; i++) {
                const double h = 1e-6, value = l.ref.values[i];
                double sides[2];
                for (int side = 0; side < 2; side++) {
                    l.ref.values[i] = value + (side ? h : -h);
                    sides[side] = ref_head_loss(&l.ref, l.ref.values, BATCH, l.features, l.labels,
                                                step.step, NULL, NULL);
                }
                l.ref.values[i] = value;
                differences[i] = (sides[1] - sides[0]) / (2 * h);
                worst = fmax(worst, fabs(differences[i] - l.ref.gradients[i]));
            }
            assert_true(worst < 1e-7);
            assert_true(ref_head_norm(&l.ref) > 0.1);
            learner_train(&l, &step);
            const double error = worst_error(&l, VGG_HEAD_MOMENT1, differences);
            print_message("activation %d, dropout %d: gradients %.2g off\n", (int)a, dropout,
                          error);
            assert_true(error <= 1e-4);
            free(differences);
            learner_free(&l);
        }
}

/* Ten steps: losses, hits, parameters and state as the reference has them. */
static void check_steps(clvgg_optimizer optimizer, bool nesterov, double decay, double clip)
{
    enum { STEPS = 10 };
    learner l;
    learner_options(&l, CLVGG_ACTIVATION_TANH, 0.3f, optimizer);
    l.options.nesterov = nesterov;
    learner_fill(&l);
    must(learner_create(&l, &device));
    for (uint64_t i = 1; i <= STEPS; i++) {
        vgg_head_step step = learner_step(i);
        step.lr = optimizer == CLVGG_OPTIMIZER_SGD ? 0.1 : 0.01;
        step.weight_decay = decay;
        step.clip_norm = clip;
        const double expected =
            ref_head_loss(&l.ref, l.ref.values, BATCH, l.features, l.labels, i, NULL, NULL);
        ref_head_gradients(&l.ref, BATCH, l.features, l.labels, i);
        if (clip > 0)
            assert_true(ref_head_norm(&l.ref) > clip);
        ref_head_update(&l.ref, &step);
        const double loss = learner_train(&l, &step);
        if (!(fabs(loss - expected) <= 1e-5 * expected))
            fail_msg("step %d: loss %.9g expected, got %.9g", (int)i, expected, loss);
    }
    double error = worst_error(&l, VGG_HEAD_VALUE, l.ref.values);
    error = fmax(error, worst_error(&l, VGG_HEAD_MOMENT1, l.ref.moments[0]));
    if (optimizer != CLVGG_OPTIMIZER_SGD)
        error = fmax(error, worst_error(&l, VGG_HEAD_MOMENT2, l.ref.moments[1]));
    print_message("optimizer %d, nesterov %d, decay %g, clip %g: %.2g off\n", (int)optimizer,
                  nesterov, decay, clip, error);
    assert_true(error <= 1e-4);
    learner_free(&l);
}

static void optimizers_follow_the_reference(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    check_steps(CLVGG_OPTIMIZER_SGD, false, 0, 0);
    check_steps(CLVGG_OPTIMIZER_SGD, false, 0.05, 0);
    check_steps(CLVGG_OPTIMIZER_SGD, true, 0.05, 0);
    check_steps(CLVGG_OPTIMIZER_ADAM, false, 0, 0);
    check_steps(CLVGG_OPTIMIZER_ADAM, false, 0.05, 0);
    check_steps(CLVGG_OPTIMIZER_ADAMW, false, 0.05, 0);
}

static void clipping_follows_the_reference(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    check_steps(CLVGG_OPTIMIZER_SGD, false, 0.01, 0.2);
    check_steps(CLVGG_OPTIMIZER_ADAMW, false, 0.01, 0.2);
}

/* The norm of all gradients that a step left, which had no momentum and moved nothing. */
static double gradient_norm(const learner *l)
{
    double sum = 0;
    for (int layer = 0; layer < LAYERS; layer++)
        for (int bias = 0; bias < 2; bias++) {
            float *values = learner_read(l, layer, bias, VGG_HEAD_MOMENT1);
            for (size_t i = 0; i < ref_head_count(&l->ref, layer, bias); i++)
                sum += (double)values[i] * (double)values[i];
            free(values);
        }
    return sqrt(sum);
}

/* Clipping does what torch.nn.utils.clip_grad_norm_ does, also where the gradients of images
 * cancel, as they do after some steps; a norm below the limit changes no bit. */
static void clipping_is_exact(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    for (int steps = 0; steps <= 200; steps += 200) {
        learner l;
        learner_make(&l, &device, CLVGG_ACTIVATION_RELU, 0, CLVGG_OPTIMIZER_SGD);
        vgg_head_step step = learner_step(1);
        for (; step.step <= (uint64_t)steps; step.step++)
            learner_train(&l, &step);
        step.momentum = step.lr = 0;
        learner_train(&l, &step);
        const double norm = gradient_norm(&l);
        float *whole = learner_read(&l, 0, false, VGG_HEAD_MOMENT1);
        step.clip_norm = norm * 1.01;
        learner_train(&l, &step);
        float *loose = learner_read(&l, 0, false, VGG_HEAD_MOMENT1);
        assert_memory_equal(whole, loose, ref_head_count(&l.ref, 0, false) * sizeof *whole);
        step.clip_norm = norm / 3;
        learner_train(&l, &step);
        const double scale = gradient_norm(&l) / norm;
        const double error = fabs(scale * (norm + 1e-6) / step.clip_norm - 1);
        print_message("after %d steps, norm %.3g: scale %.2g off\n", steps, norm, error);
        assert_true(error <= 1e-6);
        free(whole);
        free(loose);
        learner_free(&l);
    }
}

static void losses_hits_and_logits_are_right(void **state)
{
    (void)state;
    learner l;
    learner_make(&l, &device, CLVGG_ACTIVATION_SIGMOID, 0.5f, CLVGG_OPTIMIZER_ADAM);
    const int counts[] = {1, 2, 3, BATCH};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const int count = counts[c];
        double logits[BATCH * CLASSES], losses[BATCH];
        float got_logits[BATCH * CLASSES], got_losses[BATCH];
        int hits = 0, correct = -1;
        ref_head_loss(&l.ref, l.ref.values, count, l.features, l.labels, 0, logits, NULL);
        must(vgg_head_infer(l.head, count, l.features, got_logits));
        for (int i = 0; i < count * CLASSES; i++)
            assert_true(fabs((double)got_logits[i] - logits[i]) <= 1e-5);
        ref_head_loss(&l.ref, l.ref.values, count, l.features, l.labels, 9, logits, losses);
        for (int n = 0; n < count; n++) {
            const double *x = logits + n * CLASSES;
            int best = 0;
            for (int i = 1; i < CLASSES; i++)
                best = x[i] > x[best] ? i : best;
            hits += best == l.labels[n];
        }
        vgg_head_step step = learner_step(9);
        step.lr = 0;
        must(vgg_head_train(l.head, count, l.features, l.labels, &step, got_losses, &correct));
        for (int n = 0; n < count; n++)
            assert_true(fabs((double)got_losses[n] - losses[n]) <= 1e-5 * losses[n]);
        assert_int_equal(correct, hits);
    }
    learner_free(&l);
}

/* What a step reads and gives, moved alone: losses stay those of the step, whatever comes in. */
static void transfers_alone_change_nothing(void **state)
{
    (void)state;
    learner l;
    float losses[BATCH], again[BATCH];
    const vgg_head_step step = learner_step(1);
    learner_make(&l, &device, CLVGG_ACTIVATION_RELU, 0.0f, CLVGG_OPTIMIZER_SGD);
    must(vgg_head_train(l.head, BATCH, l.features, l.labels, &step, losses, NULL));
    must(vgg_head_upload(l.head, BATCH, l.features, l.labels));
    must(vgg_head_download(l.head, BATCH, again));
    assert_memory_equal(again, losses, sizeof losses);
    learner_free(&l);
}

/* Two heads, and one that was stopped, saved and put back, have the same bits. */
static void bits_repeat(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    enum { STEPS = 6, STOP = 3 };
    learner l[2], resumed;
    for (int i = 0; i < 2; i++)
        learner_make(&l[i], &device, CLVGG_ACTIVATION_RELU, 0.5f, CLVGG_OPTIMIZER_ADAMW);
    learner_make(&resumed, &device, CLVGG_ACTIVATION_RELU, 0.5f, CLVGG_OPTIMIZER_ADAMW);
    assert_true(vgg_head_fingerprint(l[0].head) == vgg_head_fingerprint(l[1].head));
    for (uint64_t i = 1; i <= STEPS; i++) {
        vgg_head_step step = learner_step(i);
        step.clip_norm = 0.5;
        step.weight_decay = 0.01;
        double loss[3] = {0};
        for (int j = 0; j < 2; j++)
            loss[j] = learner_train(&l[j], &step);
        if (i == STOP)
            for (int layer = 0; layer < LAYERS; layer++)
                for (int bias = 0; bias < 2; bias++)
                    for (vgg_head_part part = VGG_HEAD_VALUE; part <= VGG_HEAD_MOMENT2; part++) {
                        float *values = learner_read(&l[0], layer, bias, part);
                        const size_t at = ref_head_offset(&resumed.ref, layer, bias);
                        for (size_t v = 0; v < ref_head_count(&l[0].ref, layer, bias); v++)
                            resumed.ref.values[at + v] = (double)values[v];
                        free(values);
                        must(vgg_head_write(resumed.head, layer, bias, part, learner_source,
                                            &resumed.ref));
                    }
        if (i > STOP) {
            loss[2] = learner_train(&resumed, &step);
            assert_true(loss[0] == loss[2]);
        }
        assert_true(loss[0] == loss[1]);
    }
    const learner *others[] = {&l[1], &resumed};
    for (int layer = 0; layer < LAYERS; layer++)
        for (int bias = 0; bias < 2; bias++)
            for (vgg_head_part part = VGG_HEAD_VALUE; part <= VGG_HEAD_MOMENT2; part++)
                for (int other = 0; other < 2; other++) {
                    float *a = learner_read(&l[0], layer, bias, part);
                    float *b = learner_read(others[other], layer, bias, part);
                    assert_memory_equal(a, b, ref_head_count(&l[0].ref, layer, bias) * sizeof *a);
                    free(a);
                    free(b);
                }
    for (int i = 0; i < 2; i++)
        learner_free(&l[i]);
    learner_free(&resumed);
}

/* Any run of canonical elements. */
static void any_run_can_be_read(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    learner l;
    learner_make(&l, &device, CLVGG_ACTIVATION_RELU, 0, CLVGG_OPTIMIZER_SGD);
    const size_t count = ref_head_count(&l.ref, 0, false);
    const size_t runs[][2] = {{0, 1}, {5, 40}, {36, 2}, {37, 37}, {100, 2000}, {count - 3, 3}};
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        float *values = malloc((runs[r][1] + 1) * sizeof *values);
        values[runs[r][1]] = 4711;
        must(vgg_head_read(l.head, 0, false, VGG_HEAD_VALUE, runs[r][0], runs[r][1], values));
        for (size_t i = 0; i < runs[r][1]; i++)
            assert_true((double)values[i] == l.ref.values[runs[r][0] + i]);
        assert_true(values[runs[r][1]] == 4711);
        free(values);
    }
    learner_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_definitions_generator_is_philox),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(optimizers_follow_the_reference),
        cmocka_unit_test(clipping_follows_the_reference),
        cmocka_unit_test(clipping_is_exact),
        cmocka_unit_test(losses_hits_and_logits_are_right),
        cmocka_unit_test(transfers_alone_change_nothing),
        cmocka_unit_test(bits_repeat),
        cmocka_unit_test(any_run_can_be_read),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
