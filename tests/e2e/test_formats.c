/* e2e/test_formats.c — one network in every format: each file beside input.npy and logits.npy in a
 * folder of tests/data/formats gives these logits. A new file there is in no list.
 *
 * The files were written by each format's own library: tests/formats/.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "support/networks.h"

#define FORMATS TEST_DATA "/formats"
enum { BATCH = 3, FEWEST = 1 };

static clvgg_runtime *runtime;
static clvgg_device *device;

static float *read_array(const char *folder, const char *name, size_t *count)
{
    char path[4096];
    clvgg_npy_reader *reader = NULL;
    clvgg_shape shape;
    snprintf(path, sizeof path, FORMATS "/%s/%s", folder, name);
    must(clvgg_npy_open(runtime, path, &reader, &shape));
    assert_int_equal(shape.dims[0], BATCH);
    *count = 1;
    for (int i = 0; i < shape.rank; i++)
        *count *= (size_t)shape.dims[i];
    float *values = malloc(*count * sizeof *values);
    must(clvgg_npy_read(reader, 0, BATCH, values));
    clvgg_npy_close(reader);
    return values;
}

/* Says whether a file gives the network's logits. */
static bool agrees(const char *folder, const char *name, const float *input, const float *logits,
                   size_t count)
{
    char path[4096];
    clvgg_model *model = NULL;
    snprintf(path, sizeof path, FORMATS "/%s/%s", folder, name);
    if (clvgg_model_load(runtime, path, NULL, &model) != CLVGG_STATUS_OK) {
        const char *message = clvgg_status_message();
        const bool absent = strstr(message, "was built without") != NULL;
        printf("%s%s\n", absent ? "SKIPPED: " : "", message);
        return absent;
    }
    clvgg_session *session = session_make(device, model, &(session_request){.max_batch = BATCH});
    float *got = session_run_one(session, BATCH, input);
    assert_int_equal(clvgg_model_class_count(model) * BATCH, count);
    size_t prob;
    must(clvgg_model_find_layer(model, "prob", &prob)); /* of files that end with logits too */
    const double error = relative_l2(got, logits, count);
    printf("%-48s %.1e\n", path + strlen(FORMATS) + 1, error);
    free(got);
    clvgg_session_free(session);
    clvgg_model_free(model);
    return error <= 1e-5;
}

/* The network's input and output, and values or parts that another file there refers to. */
static bool is_no_format(const char *name)
{
    const size_t length = strlen(name);
    return name[0] == '.' || strcmp(name, "input.npy") == 0 || strcmp(name, "logits.npy") == 0 ||
           (length > 5 && strcmp(name + length - 5, ".data") == 0) || strstr(name, "_0000") != NULL;
}

static int check_folder(const char *folder, int *wrong)
{
    char path[4096];
    size_t inputs, count;
    float *input = read_array(folder, "input.npy", &inputs);
    float *logits = read_array(folder, "logits.npy", &count);
    snprintf(path, sizeof path, FORMATS "/%s", folder);
    DIR *files = opendir(path);
    int checked = 0;
    for (const struct dirent *file; (file = readdir(files)) != NULL;) {
        if (is_no_format(file->d_name))
            continue;
        checked++;
        *wrong += !agrees(folder, file->d_name, input, logits, count);
    }
    closedir(files);
    free(input);
    free(logits);
    return checked;
}

static void every_format_gives_the_same_logits(void **state)
{
    (void)state;
    DIR *folders = opendir(FORMATS);
    assert_non_null(folders);
    int wrong = 0;
    for (const struct dirent *folder; (folder = readdir(folders)) != NULL;)
        if (folder->d_name[0] != '.')
            assert_true(check_folder(folder->d_name, &wrong) >= FEWEST);
    closedir(folders);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_format_gives_the_same_logits)};
    must(clvgg_runtime_create(NULL, &runtime));
    must(clvgg_device_open(runtime, getenv("CLVGG_DEVICE"), NULL, &device));
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    clvgg_device_free(device);
    clvgg_runtime_free(runtime);
    return failed;
}
