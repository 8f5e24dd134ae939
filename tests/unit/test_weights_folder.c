/* tests/unit/test_weights_folder.c — folders that are named where a file could be: the usual names,
 * a folder's only model, and what is said of several or of none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/vgg16/"

static const char *folder;

static void new_folder(void)
{
    folder = temp_path("folder");
    if (file_exists(folder))
        remove_tree(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
}

static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *from, const char *name)
{
    size_t bytes;
    char source[4096];
    snprintf(source, sizeof source, FORMATS "%s", from);
    char *content = file_read(source, &bytes);
    file_write(in_folder(name), content, bytes);
    free(content);
}

static void put_text(const char *name, const char *text)
{
    file_write(in_folder(name), text, strlen(text));
}

/* Opens the folder, which is to be the 32 tensors of the file. */
static void assert_taken(const char *name, bool noted)
{
    vgg_weights *weights;
    if (vgg_weights_open(folder, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    assert_string_equal(vgg_weights_path(weights), in_folder(name));
    assert_int_equal(vgg_weights_count(weights), 32);
    assert_int_equal(strstr(vgg_weights_notes(weights), "taken as the folder's only ") != NULL,
                     noted);
    vgg_weights_close(weights);
}

static void assert_refused(clvgg_status status, const char *says)
{
    vgg_weights *weights;
    assert_int_equal(vgg_weights_open(folder, &weights), status);
    assert_null(weights);
    if (strstr(vgg_message(), says) == NULL || strstr(vgg_message(), folder) == NULL)
        fail_msg("\"%s\" and \"%s\" were expected: %s", folder, says, vgg_message());
}

static void the_only_model_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second; /* files of the same model; NULL: there is one */
        const char *taken;
    } cases[] = {
        {"stream.pth", NULL, "stream.pth"},
        {"state.pth", NULL, "state.pth"},
        {"tar.pth", NULL, "tar.pth"},
        {"network.safetensors", NULL, "network.safetensors"},
        {"network.npz", NULL, "network.npz"},
        {"keras.keras", NULL, "keras.keras"},
        {"keras.weights.h5", NULL, "keras.weights.h5"},
        {"keras.onnx", NULL, "keras.onnx"},
        {"torch_dynamo.onnx", "torch_dynamo.onnx.data", "torch_dynamo.onnx"},
        {"v2.caffemodel", NULL, "v2.caffemodel"},
        {"network.ncnn.bin", "network.ncnn.param", "network.ncnn.param"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        new_folder();
        put(cases[i].first, cases[i].first);
        if (cases[i].second != NULL)
            put(cases[i].second, cases[i].second);
        assert_taken(cases[i].taken, true);
    }
}

/* What isn't a model, or can't be opened, doesn't count, nor do hidden files and those of folders
 * in the folder. */
static void other_files_do_not_matter(void **state)
{
    (void)state;
    new_folder();
    put("stream.pth", "vgg.pth");
    put("state.pth", ".hidden.pth");
    file_write_deep(in_folder("more/vgg.pth"), "", 0);
    put("state.pth", "more/vgg.pth");
    put_text("labels.txt", "cat\ndog\n");
    put_text("config.json", "{\"architectures\": [\"vgg16\"]}");
    put_text("README.md", "# A model\n");
    put_text("empty.pth", "");
    put_text("damaged.npz", "PK\3\4 not a zip");
    put_text("half.tflite", "\034xxxTFL3xxxxxxxxxxxxxxxx");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(symlink("nowhere", in_folder("link.pth")), 0);
    assert_taken("vgg.pth", true);
}

static void usual_names_come_first(void **state)
{
    (void)state;
    new_folder();
    put("stream.pth", "pytorch_model.bin");
    put("tar.pth", "optimizer.pt");
    assert_taken("pytorch_model.bin", false);
    put("network.safetensors", "model.safetensors");
    assert_taken("model.safetensors", false);
}

static void an_index_stands_for_its_files(void **state)
{
    (void)state;
    static const char *const shards[] = {"model-00001-of-00003.safetensors",
                                         "model-00002-of-00003.safetensors",
                                         "model-00003-of-00003.safetensors"};
    new_folder();
    put("shards/model.safetensors.index.json", "vgg.index.json");
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        char from[64];
        snprintf(from, sizeof from, "shards/%s", shards[i]);
        put(from, shards[i]);
    }
    assert_taken("vgg.index.json", true);
}

static void several_are_named(void **state)
{
    (void)state;
    new_folder();
    put("stream.pth", "vgg.pth");
    put("network.ncnn.param", "net.param");
    put("network.ncnn.bin", "net.bin");
    put("tar.pth", "epoch.2.tar");
    assert_refused(CLVGG_STATUS_UNSUPPORTED,
                   "is a folder with 3 files of weights, epoch.2.tar, net.param, vgg.pth; name the "
                   "one to take");
    for (int i = 10; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof name, "epoch.%d.tar", i);
        put("tar.pth", name);
    }
    assert_refused(CLVGG_STATUS_UNSUPPORTED, "with 13 files of weights, epoch.10.tar, ");
    assert_refused(CLVGG_STATUS_UNSUPPORTED, "epoch.17.tar ...; name");
}

static void folders_without_models_are_refused(void **state)
{
    (void)state;
    new_folder();
    assert_refused(CLVGG_STATUS_BAD_FILE, "is a folder without weights of a known format");
    put_text("labels.txt", "cat\ndog\n");
    assert_refused(CLVGG_STATUS_BAD_FILE, "is a folder without weights of a known format");
    put_text("damaged.npz", "PK\3\4 not a zip");
    assert_refused(CLVGG_STATUS_BAD_FILE, "damaged.npz: ");
    put_text("vgg.tflite", "\034xxxTFL3xxxxxxxxxxxxxxxx");
    assert_refused(CLVGG_STATUS_UNSUPPORTED,
                   "vgg.tflite: is a TensorFlow Lite model, which this version doesn't read");
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.jpg", i);
        put_text(name, "");
    }
    assert_refused(CLVGG_STATUS_UNSUPPORTED,
                   "more than 1000 files, of which none is called model.safetensors");
    put("stream.pth", "pytorch_model.bin");
    assert_taken("pytorch_model.bin", false);
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    const clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[4096];
    new_folder();
    put("stream.pth", "vgg.pth");
    put_text("labels.txt", "cat\ndog\n");
    snprintf(path, sizeof path, "%s", folder);
    assert_true(failing_allocator_sweep(open_and_close, path) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_model_is_taken),
        cmocka_unit_test(other_files_do_not_matter),
        cmocka_unit_test(usual_names_come_first),
        cmocka_unit_test(an_index_stands_for_its_files),
        cmocka_unit_test(several_are_named),
        cmocka_unit_test(folders_without_models_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
