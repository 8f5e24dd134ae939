/* unit/test_model_metadata.c — what a weight file says about itself: format, graph, preprocessing,
 * classes; and labels from a text file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "clvgg/model.h"
#include "model/model.h"
#include "support/files.h"
#include "support/runtime.h"
#include "support/tensor_file.h"

#define GRAPH                                                                                      \
    "{\"input\": [3, 5, 6], \"layers\": ["                                                         \
    "{\"name\": \"stem\", \"type\": \"conv2d\", \"input\": \"input\", \"out_channels\": 2, "       \
    "\"kernel\": [1, 1], \"bias\": false}, "                                                       \
    "{\"name\": \"pool\", \"type\": \"avg_pool\", \"input\": \"stem\", \"adaptive\": [2, 1]}, "    \
    "{\"name\": \"flat\", \"type\": \"flatten\", \"input\": \"pool\"}, "                           \
    "{\"name\": \"score\", \"type\": \"dense\", \"input\": \"flat\", \"out_features\": 2}]}"
#define PREPROCESS                                                                                 \
    "{\"channels\": \"BGR\", \"scale\": 0.5, \"mean\": [1, 2.5, 3], \"std\": [1, 2, 4], "

static const char *const features[] = {"conv1_1", "conv2_1", "conv3_1", "conv3_2",
                                       "conv4_1", "conv4_2", "conv5_1", "conv5_2"};
static const char *const head[] = {"fc6", "fc7", "fc8"};

/* A canonical vgg11 with one metadata entry. */
static void make_vgg(tensor_file *file, const char *key, const char *value)
{
    tensor_file_vgg(file, features, 8, head);
    tensor_file_state(file, key, value);
}

/* The tensors of GRAPH. */
static void make_custom(tensor_file *file)
{
    *file = (tensor_file){.nan_tensor = -1};
    tensor_file_add(file, "score.bias", &(clvgg_shape){1, {2}});
    tensor_file_add(file, "score.weight", &(clvgg_shape){2, {2, 4}});
    tensor_file_add(file, "stem.weight", &(clvgg_shape){2, {2, 3}}); /* without its trailing ones */
    tensor_file_state(file, "clvgg.graph", GRAPH);
}

static clvgg_model *load_good(tensor_file *file, const clvgg_model_options *options)
{
    clvgg_model *model;
    const char *path = temp_path("model.safetensors");
    tensor_file_write(file, path);
    if (clvgg_model_load(runtime, path, options, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

static void refuses(tensor_file *file, const clvgg_model_options *options, clvgg_status expected,
                    const char *message)
{
    clvgg_model *model;
    const char *path = temp_path("model.safetensors");
    tensor_file_write(file, path);
    assert_int_equal(clvgg_model_load(runtime, path, options, &model), expected);
    assert_null(model);
    if (strstr(clvgg_status_message(), message) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", message, clvgg_status_message());
}

static void reads_its_format_only(void **state)
{
    (void)state;
    tensor_file file;
    make_vgg(&file, "clvgg.format", "1");
    clvgg_model_free(load_good(&file, NULL));
    make_vgg(&file, "clvgg.format", "2");
    refuses(&file, NULL, CLVGG_STATUS_UNSUPPORTED,
            "clvgg.format 2 is newer than 1, the newest that this version reads");
    make_vgg(&file, "clvgg.format", "99999999999999999999999");
    refuses(&file, NULL, CLVGG_STATUS_UNSUPPORTED, "is newer than 1");
    static const char *const bad[] = {"", "one", "-1", "0", "1 ", "+1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_vgg(&file, "clvgg.format", bad[i]);
        refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, "is no version");
    }
}

static void takes_any_graph(void **state)
{
    (void)state;
    tensor_file file;
    make_custom(&file);
    clvgg_model *model = load_good(&file, NULL);
    assert_string_equal(clvgg_model_architecture(model), "custom");
    assert_string_equal(clvgg_model_preprocess_origin(model), "assumed: torchvision's");
    assert_int_equal(clvgg_model_class_count(model), 2);
    assert_int_equal(clvgg_model_parameter_count(model), 2 * 3 + 2 * 4 + 2);
    assert_int_equal(model->parameter_count, 3);
    assert_string_equal(model->parameters[0].name, "stem.weight");
    assert_int_equal(model->parameters[0].shape.rank, 4);
    assert_null(vgg_model_parameter(model, 1, true));
    assert_string_equal(vgg_model_parameter(model, 4, true)->name, "score.bias");
    clvgg_model_free(model);
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.input_height = options.input_width = 9; /* the adaptive pooling takes any */
    model = load_good(&file, &options);
    assert_int_equal(model->graph->nodes[1].output.dims[2], 9);
    clvgg_model_free(model);
}

static void checks_tensors_against_the_graph(void **state)
{
    (void)state;
    tensor_file file;
    make_custom(&file);
    tensor_file_remove(&file, "stem.weight");
    refuses(&file, NULL, CLVGG_STATUS_NOT_FOUND, "tensor 'stem.weight' is missing");
    make_custom(&file);
    tensor_file_get(&file, "stem.weight")->shape = (clvgg_shape){2, {3, 2}};
    refuses(&file, NULL, CLVGG_STATUS_SHAPE_MISMATCH,
            "tensor 'stem.weight' has shape [3, 2], stem.weight needs [2, 3, 1, 1]");
    make_custom(&file);
    file.metadata[0].value = "{\"input\": [3, 5, 6], \"layers\": 7}";
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE,
            "model.safetensors: clvgg.graph: the graph's 'layers' must be an array");
    make_custom(&file);
    tensor_file_state(&file, "clvgg.preprocess", PREPROCESS "\"crop\": 5}");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE,
            "its preprocessing crops to 5 x 5, its network takes 5 x 6");
}

static void reads_preprocessing(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_preprocess preprocess;
    make_vgg(&file, "clvgg.preprocess",
             PREPROCESS "\"crop\": [40, 48], \"resize_short\": 50, \"mode\": \"squash\", "
                        "\"filter\": \"bilinear-antialias\"}");
    clvgg_model *model = load_good(&file, NULL);
    clvgg_model_preprocess(model, &preprocess);
    assert_string_equal(clvgg_model_preprocess_origin(model), "stated in the file");
    assert_int_equal(preprocess.struct_size, sizeof preprocess);
    assert_int_equal(preprocess.mode, CLVGG_RESIZE_SQUASH);
    assert_int_equal(preprocess.order, CLVGG_BGR);
    assert_int_equal(preprocess.height, 40);
    assert_int_equal(preprocess.width, 48);
    assert_int_equal(preprocess.resize_short, 50);
    assert_true(preprocess.scale == 0.5f && preprocess.mean[1] == 2.5f && preprocess.std[2] == 4);
    assert_int_equal(model->graph->nodes[0].output.dims[2], 48);
    clvgg_model_free(model);
    /* another size makes the short side proportional */
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.input_height = 60;
    model = load_good(&file, &options);
    clvgg_model_preprocess(model, &preprocess);
    assert_int_equal(preprocess.height, 60);
    assert_int_equal(preprocess.width, 48);
    assert_int_equal(preprocess.resize_short, 0);
    clvgg_model_free(model);
    make_vgg(&file, "clvgg.preprocess", PREPROCESS "\"resize_short\": 31}");
    model = load_good(&file, NULL); /* the size from fc6, too large for that short side */
    assert_int_equal(model->preprocess.height, 32);
    assert_int_equal(model->preprocess.resize_short, 0);
    clvgg_model_free(model);
}

static void refuses_bad_preprocessing(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"nonsense", "clvgg.preprocess: not JSON"},
        {PREPROCESS "\"channels\": \"grey\"}",
         "clvgg.preprocess: 1 channels, 'mean' has 3 values and 'std' 3"},
        {PREPROCESS "\"mean\": [1]}", "3 channels, 'mean' has 1 values and 'std' 3"},
        {"{\"channels\": \"grey\", \"mean\": [1], \"std\": [2]}",
         "clvgg.preprocess is for 1 channel, the network takes 3"},
        {"{\"channels\": \"grey\", \"mean\": [1], \"std\": [0]}", "channel 0 has mean 1 and std 0"},
        {"[]", "clvgg.preprocess: not an object"},
        {"{\"channels\": \"RGB\"}", "clvgg.preprocess: needs 'channels', 'mean' and 'std'"},
        {PREPROCESS "\"channels\": \"GRB\"}", "'channels' has no valid value"},
        {PREPROCESS "\"mean\": [1, 2]}", "'mean' has no valid value"},
        {PREPROCESS "\"mean\": [1, 2, 1e999]}", "'mean' has no valid value"},
        {PREPROCESS "\"std\": [1, 2, \"3\"]}", "'std' has no valid value"},
        {PREPROCESS "\"std\": [1, 0, 1]}", "channel 1 has mean 2.5 and std 0"},
        {PREPROCESS "\"scale\": 0}", "scale 0 must be positive"},
        {PREPROCESS "\"crop\": 0}", "'crop' has no valid value"},
        {PREPROCESS "\"crop\": [32]}", "'crop' has no valid value"},
        {PREPROCESS "\"crop\": 70000}", "crop 70000 x 70000, a side may have at most 65500"},
        {PREPROCESS "\"crop\": 32, \"resize_short\": 31}",
         "resize_short 31 is less than the crop's shorter side, 32"},
        {PREPROCESS "\"resize_short\": 1.5}", "'resize_short' has no valid value"},
        {PREPROCESS "\"mode\": \"stretch\"}", "'mode' has no valid value"},
        {PREPROCESS "\"filter\": \"bicubic\"}", "'filter' has no valid value"},
    };
    tensor_file file;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_vgg(&file, "clvgg.preprocess", cases[i][0]);
        refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, cases[i][1]);
    }
    char long_words[202];
    memset(long_words, 'a', sizeof long_words - 1);
    long_words[sizeof long_words - 1] = '\0';
    const char *const words[][2] = {{"", "has 0 bytes, must have 1 to 200"},
                                    {long_words, "has 201 bytes, must have 1 to 200"},
                                    {"a\033[2J", "has a control character at byte 1"}};
    for (size_t i = 0; i < 3; i++) {
        make_vgg(&file, "clvgg.preprocess", PREPROCESS "\"crop\": 32}");
        tensor_file_state(&file, "clvgg.preprocess.assumed", words[i][0]);
        refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, words[i][1]);
    }
    make_vgg(&file, "clvgg.preprocess", PREPROCESS "\"gamma\": 2}");
    refuses(&file, NULL, CLVGG_STATUS_UNSUPPORTED, "clvgg.preprocess: unknown member 'gamma'");
    make_vgg(&file, "clvgg.preprocess", PREPROCESS "\"crop\": 64}");
    refuses(&file, NULL, CLVGG_STATUS_SHAPE_MISMATCH,
            "an input of 64 x 64 leaves 16 features for fc6, its tensor 'fc6.weight' takes 4");
}

/* conv1_1 takes `channels`. */
static void make_channels(tensor_file *file, int64_t channels, const char *preprocess)
{
    tensor_file_vgg(file, features, 8, head);
    tensor_file_get(file, "conv1_1.weight")->shape.dims[1] = channels;
    if (preprocess != NULL)
        tensor_file_state(file, "clvgg.preprocess", preprocess);
}

static void grey_is_stated_or_the_average(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_preprocess preprocess;
    make_channels(&file, 1, NULL);
    clvgg_model *model = load_good(&file, NULL);
    for (int again = 0; again < 2; again++) { /* what is saved is no more stated than before */
        assert_string_equal(clvgg_model_preprocess_origin(model),
                            "assumed: Caffe's, from tensor names, averaged for grey");
        assert_true(model->preprocess_assumed);
        clvgg_model_preprocess(model, &preprocess);
        assert_int_equal(preprocess.channels, 1);
        assert_float_equal(preprocess.mean[0], (103.939 + 116.779 + 123.68) / 3, 1e-4);
        assert_true(preprocess.std[0] == 1);
        assert_int_equal(clvgg_model_save(model, temp_path("again.safetensors"), CLVGG_DTYPE_F32),
                         CLVGG_STATUS_OK);
        clvgg_model_free(model);
        assert_int_equal(clvgg_model_load(runtime, temp_path("again.safetensors"), NULL, &model),
                         CLVGG_STATUS_OK);
    }
    clvgg_model_free(model);
    make_channels(&file, 1, "{\"mean\": [7], \"channels\": \"grey\", \"std\": [2]}");
    model = load_good(&file, NULL);
    clvgg_model_preprocess(model, &preprocess);
    assert_true(preprocess.channels == 1 && preprocess.mean[0] == 7 && preprocess.std[0] == 2);
    clvgg_model_free(model);
    make_channels(&file, 1, PREPROCESS "\"crop\": 32}");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE,
            "clvgg.preprocess is for 3 channels, the network takes 1");
}

static void other_channels_have_no_preprocessing(void **state)
{
    (void)state;
    tensor_file file;
    clvgg_preprocess preprocess;
    for (int64_t channels = 2; channels <= 5; channels += channels == 2 ? 2 : 1) {
        make_channels(&file, channels, NULL);
        clvgg_model *model = load_good(&file, NULL);
        for (int again = 0; again < 2; again++) {
            clvgg_model_preprocess(model, &preprocess);
            assert_int_equal(preprocess.channels, channels);
            assert_int_equal(preprocess.width, 32);
            assert_string_equal(clvgg_model_preprocess_origin(model),
                                "none: no photograph has so many channels");
            assert_null(clvgg_model_metadata(model, "clvgg.preprocess"));
            assert_int_equal(
                clvgg_model_save(model, temp_path("again.safetensors"), CLVGG_DTYPE_F32),
                CLVGG_STATUS_OK);
            clvgg_model_free(model);
            assert_int_equal(
                clvgg_model_load(runtime, temp_path("again.safetensors"), NULL, &model),
                CLVGG_STATUS_OK);
        }
        clvgg_model_free(model);
    }
    make_channels(&file, 4, PREPROCESS "\"crop\": 32}");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE,
            "clvgg.preprocess is for 3 channels, the network takes 4");
}

static void reads_classes(void **state)
{
    (void)state;
    tensor_file file;
    make_vgg(&file, "clvgg.classes", "[\"tench, Tinca\", \"a\\nb\\u001b[31m\", \"\"]");
    clvgg_model *model = load_good(&file, NULL);
    assert_string_equal(clvgg_model_label(model, 0), "tench, Tinca");
    assert_string_equal(clvgg_model_label(model, 1), "a\nb\x1b[31m");
    assert_string_equal(clvgg_model_label(model, 2), "");
    clvgg_model_free(model);
    make_vgg(&file, "clvgg.classes", "[\"a\", \"b\"]");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE,
            "clvgg.classes: 2 labels, the network has 3 classes");
    make_vgg(&file, "clvgg.classes", "[\"a\", 5, \"b\"]");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, "clvgg.classes: label 1 is not a string");
    make_vgg(&file, "clvgg.classes", "{}");
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, "clvgg.classes: not an array");
    char longest[1200] = "[\"";
    memset(longest + 2, 'x', 1025);
    strcpy(longest + 1027, "\", \"\", \"\"]");
    make_vgg(&file, "clvgg.classes", longest);
    refuses(&file, NULL, CLVGG_STATUS_BAD_FILE, "label 0 is not a string of at most 1024 bytes");
}

static void refuses_labels(const char *text, size_t bytes, const char *message)
{
    tensor_file file;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.labels_path = temp_path("labels.txt");
    file_write(options.labels_path, text, bytes);
    make_vgg(&file, "clvgg.classes", "[\"x\", \"y\", \"z\"]");
    refuses(&file, &options, CLVGG_STATUS_BAD_FILE, message);
}

static void reads_label_files(void **state)
{
    (void)state;
    static const char *const texts[] = {"n01 tench\nb\nc", "n01 tench\r\nb\r\nc\r\n",
                                        "n01 tench\nb\nc\n"};
    for (int i = 0; i < 3; i++) {
        tensor_file file;
        clvgg_model_options options;
        clvgg_model_options_defaults(&options);
        options.labels_path = temp_path("labels.txt");
        file_write(options.labels_path, texts[i], strlen(texts[i]));
        make_vgg(&file, "clvgg.classes", "[\"x\", \"y\", \"z\"]"); /* the option goes first */
        clvgg_model *model = load_good(&file, &options);
        assert_string_equal(clvgg_model_label(model, 0), "n01 tench");
        assert_string_equal(clvgg_model_label(model, 1), "b");
        assert_string_equal(clvgg_model_label(model, 2), "c");
        clvgg_model_free(model);
    }
    refuses_labels("a\nb\n", 4, "labels.txt: 2 labels, the model has 3 classes");
    refuses_labels("a\nb\n\n\n", 6, "labels.txt: 4 labels, the model has 3 classes");
    refuses_labels("a", 1, "labels.txt: 1 label, the model has 3 classes");
    refuses_labels("", 0, "labels.txt: 0 labels, the model has 3 classes");
    refuses_labels("a\nb\0\nc", 6, "has a NUL byte");
    char longest[1100];
    memset(longest, 'x', sizeof longest);
    longest[1025] = longest[1030] = '\n';
    refuses_labels(longest, 1035, "labels.txt: line 1 has 1025 bytes, a label at most 1024");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_its_format_only),
        cmocka_unit_test(takes_any_graph),
        cmocka_unit_test(checks_tensors_against_the_graph),
        cmocka_unit_test(reads_preprocessing),
        cmocka_unit_test(refuses_bad_preprocessing),
        cmocka_unit_test(grey_is_stated_or_the_average),
        cmocka_unit_test(other_channels_have_no_preprocessing),
        cmocka_unit_test(reads_classes),
        cmocka_unit_test(reads_label_files),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
