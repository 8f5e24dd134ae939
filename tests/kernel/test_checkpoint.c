/* kernel/test_checkpoint.c — checkpoints come back bit for bit; cut, damaged and hostile ones are
 * refused.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/files.h"
#include "support/learner.h"
#include "support/networks.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"

static const char settings[] = "clvgg=1\nseed=7\nlr=0.1\n";
static clvgg_finetune_epoch epochs[] = {
    {.struct_size = sizeof *epochs, .epoch = 0, .val_loss = 0.7, .best = 1},
    {.struct_size = sizeof *epochs,
     .epoch = 1,
     .step = 11,
     .lr = 0.1 / 3,
     .train_loss = 1e-300,
     .train_accuracy = 0.25,
     .val_loss = 0.5,
     .val_accuracy = 1,
     .val_auc = 0.75,
     .seconds = 1e9,
     .best = 1}};
static const vgg_train_state position = {.epoch = 2,
                                         .position = 1000,
                                         .step = UINT64_C(1) << 40,
                                         .loss_sum = 1.0 / 3,
                                         .correct = 77,
                                         .seconds = 0.1,
                                         .best_epoch = 1,
                                         .epochs = epochs,
                                         .epoch_count = 2};

static test_device device;
static learner trained; /* by two steps of Adam */

static vgg_checkpoint_layers all_of(learner *l)
{
    return (vgg_checkpoint_layers){l->head, l->layers, LAYERS, 3};
}

static int setup(void **state)
{
    test_device_open(&device, NULL);
    learner_make(&trained, &device, CLVGG_ACTIVATION_RELU, 0.5f, CLVGG_OPTIMIZER_ADAM);
    for (uint64_t step = 1; step <= 2; step++) {
        const vgg_head_step how = learner_step(step);
        learner_train(&trained, &how);
    }
    return temp_folder_setup(state);
}

static int teardown(void **state)
{
    learner_free(&trained);
    test_device_close(&device);
    return temp_folder_teardown(state);
}

static void write_checkpoint(const char *path)
{
    const vgg_checkpoint_layers layers = all_of(&trained);
    must(vgg_checkpoint_write(path, settings, &position, &layers));
}

static void assert_same_state(const vgg_train_state *a, const vgg_train_state *b)
{
    vgg_text texts[2] = {{0}};
    vgg_train_state_write(a, &texts[0]);
    vgg_train_state_write(b, &texts[1]);
    assert_string_equal(texts[0].bytes, texts[1].bytes);
    vgg_text_free(&texts[0]);
    vgg_text_free(&texts[1]);
}

static size_t elements(int layer, bool bias)
{
    const vgg_head_layer *l = &trained.layers[layer];
    return (size_t)(bias ? l->outputs : l->outputs * l->inputs);
}

static void a_checkpoint_comes_back(void **state)
{
    (void)state;
    const char *path = temp_path("whole.ckpt");
    vgg_checkpoint *checkpoint;
    vgg_train_state read;
    write_checkpoint(path);
    must(vgg_checkpoint_open(path, &checkpoint));
    assert_string_equal(vgg_checkpoint_settings(checkpoint), settings);
    must(vgg_checkpoint_state(checkpoint, &read));
    assert_int_equal(read.epoch_count, 2);
    assert_memory_equal(&read.epochs[1], &epochs[1], sizeof *epochs);
    assert_same_state(&read, &position);
    vgg_free(read.epochs);
    learner other; /* untrained */
    learner_make(&other, &device, CLVGG_ACTIVATION_RELU, 0.5f, CLVGG_OPTIMIZER_ADAM);
    const vgg_checkpoint_layers layers = all_of(&other);
    must(vgg_checkpoint_restore(checkpoint, &layers));
    vgg_checkpoint_close(checkpoint);
    for (int i = 0; i < LAYERS * 6; i++) {
        const int layer = i / 6;
        const bool bias = i % 2 != 0;
        const vgg_head_part part = (vgg_head_part)(i / 2 % 3);
        float *a = learner_read(&trained, layer, bias, part);
        float *b = learner_read(&other, layer, bias, part);
        assert_memory_equal(a, b, elements(layer, bias) * sizeof *a);
        free(a);
        free(b);
    }
    learner_free(&other);
}

/* ---- damage ---- */

static void a_cut_checkpoint_is_refused(void **state)
{
    (void)state;
    const char *cut = temp_path("cut.ckpt"), *path = temp_path("before.ckpt");
    size_t size;
    vgg_checkpoint *checkpoint;
    write_checkpoint(path);
    char *bytes = file_read(path, &size);
    /* Every byte of the header and the tail; what lies between are tensors, all alike. */
    for (size_t length = 0; length < size;
         length += length < 2048 || size - length < 160 ? 1 : 509) {
        file_write(cut, bytes, length);
        const clvgg_status status = vgg_checkpoint_open(cut, &checkpoint);
        if (status != CLVGG_STATUS_BAD_FILE && status != CLVGG_STATUS_UNSUPPORTED)
            fail_msg("%zu of %zu bytes: %s", length, size, vgg_status_name(status));
        assert_null(checkpoint);
        assert_non_null(strstr(vgg_message(), "cut.ckpt"));
    }
    free(bytes);
}

/* One bit wrong: it can't be opened, or (a space in the header) nothing of it is different. */
static void a_damaged_checkpoint_is_refused(void **state)
{
    (void)state;
    const char *damaged = temp_path("damaged.ckpt"), *path = temp_path("sound.ckpt");
    size_t size, opened = 0;
    float *values = malloc(elements(0, false) * sizeof *values);
    write_checkpoint(path);
    char *bytes = file_read(path, &size);
    for (size_t at = 0; at < size; at += at < 2048 ? 1 : 509) {
        vgg_checkpoint *checkpoint;
        bytes[at] ^= (char)(1 << at % 7);
        file_write(damaged, bytes, size);
        bytes[at] ^= (char)(1 << at % 7);
        if (vgg_checkpoint_open(damaged, &checkpoint) != CLVGG_STATUS_OK)
            continue;
        opened++;
        assert_string_equal(vgg_checkpoint_settings(checkpoint), settings);
        for (int layer = 0; layer < LAYERS; layer++) { /* unless a name or shape is another */
            float *expected = learner_read(&trained, layer, false, VGG_HEAD_VALUE);
            if (vgg_checkpoint_read(checkpoint, &trained.layers[layer], false, VGG_HEAD_VALUE, 0,
                                    elements(layer, false), values) == CLVGG_STATUS_OK)
                assert_memory_equal(values, expected, elements(layer, false) * sizeof *values);
            free(expected);
        }
        vgg_checkpoint_close(checkpoint);
    }
    assert_true(opened < size / 8);
    free(values);
    free(bytes);
}

static void a_head_of_another_shape_is_refused(void **state)
{
    (void)state;
    const char *path = temp_path("shape.ckpt");
    vgg_checkpoint *checkpoint;
    float value;
    write_checkpoint(path);
    must(vgg_checkpoint_open(path, &checkpoint));
    vgg_head_layer layer = trained.layers[1];
    layer.outputs++;
    assert_int_equal(vgg_checkpoint_read(checkpoint, &layer, true, VGG_HEAD_VALUE, 0, 1, &value),
                     CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "fc7.bias"));
    layer.name = "fc9";
    assert_int_equal(vgg_checkpoint_read(checkpoint, &layer, true, VGG_HEAD_MOMENT1, 0, 1, &value),
                     CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "fc9.bias.moment1"));
    vgg_checkpoint_close(checkpoint);
}

static void a_full_disk_leaves_the_old_one(void **state)
{
    (void)state;
    const vgg_checkpoint_layers layers = all_of(&trained);
    assert_int_equal(vgg_checkpoint_write("/dev/full", settings, &position, &layers),
                     CLVGG_STATUS_IO);
    assert_non_null(strstr(vgg_message(), "/dev/full"));
    const char *nowhere = temp_path("nowhere/last.ckpt");
    assert_int_equal(vgg_checkpoint_write(nowhere, settings, &position, &layers),
                     CLVGG_STATUS_NOT_FOUND);
    assert_non_null(strstr(vgg_message(), nowhere));
}

/* ---- state ---- */

static void assert_malformed(const char *text)
{
    vgg_train_state read;
    assert_int_equal(vgg_train_state_read(text, &read), CLVGG_STATUS_BAD_FILE);
    assert_null(read.epochs);
    assert_int_equal(read.epoch_count, 0);
}

/* The state above with one of its words replaced. */
static void assert_refused(int word, uint64_t value)
{
    vgg_text text = {0};
    char digits[17];
    vgg_train_state_write(&position, &text);
    snprintf(digits, sizeof digits, "%016" PRIx64, value);
    memcpy(text.bytes + 16 * word, digits, 16);
    assert_malformed(text.bytes);
    vgg_text_free(&text);
}

static void hostile_states_are_refused(void **state)
{
    (void)state;
    enum { EPOCH = 0, BEST_EPOCH = 6, EPOCH_COUNT = 7, FIRST_EPOCH = 8, SECOND_EPOCH = 18 };
    const uint64_t wrong[] = {
        0, 1, 3, 1 << 20, INT32_MAX, UINT64_C(1) << 32, UINT64_MAX / 160 + 3, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(EPOCH, wrong[i]);
        assert_refused(EPOCH_COUNT, wrong[i]);
        if (wrong[i] > 1)
            assert_refused(BEST_EPOCH, wrong[i]);
        if (wrong[i] != 0)
            assert_refused(FIRST_EPOCH, wrong[i]);
        if (wrong[i] != 1)
            assert_refused(SECOND_EPOCH, wrong[i]);
    }
    vgg_text text = {0};
    vgg_train_state_write(&position, &text);
    for (size_t length = 0; length < text.length; length++) {
        const char kept = text.bytes[length];
        text.bytes[length] = '\0';
        assert_malformed(text.bytes);
        text.bytes[length] = 'g'; /* no digit */
        assert_malformed(text.bytes);
        text.bytes[length] = kept;
    }
    vgg_text_puts(&text, "0");
    assert_malformed(text.bytes);
    vgg_text_free(&text);
}

/* ---- settings ---- */

static void settings_are_compared(void **state)
{
    (void)state;
    const char *path = temp_path("settings.ckpt");
    vgg_checkpoint *checkpoint;
    write_checkpoint(path);
    must(vgg_checkpoint_open(path, &checkpoint));
    must(vgg_checkpoint_compare(checkpoint, settings, true));
    must(vgg_checkpoint_compare(checkpoint, "clvgg=1\nseed=7\n", false));
    assert_int_equal(vgg_checkpoint_compare(checkpoint, "clvgg=1\nseed=7\n", true),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_checkpoint_compare(checkpoint, "clvgg=1\nseed=77\nlr=0.1\n", false),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(vgg_message(), "was made with seed=7, this run has seed=77"));
    vgg_checkpoint_close(checkpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_checkpoint_comes_back),
        cmocka_unit_test(a_cut_checkpoint_is_refused),
        cmocka_unit_test(a_damaged_checkpoint_is_refused),
        cmocka_unit_test(a_head_of_another_shape_is_refused),
        cmocka_unit_test(a_full_disk_leaves_the_old_one),
        cmocka_unit_test(hostile_states_are_refused),
        cmocka_unit_test(settings_are_compared),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
