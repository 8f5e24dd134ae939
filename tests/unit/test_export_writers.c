/* tests/unit/test_export_writers.c — writers of ONNX, NumPy archives and torchvision's names,
 * without a device: allocations that fail, archives that are cut, and the checksum of zip archives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "model/export.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/small_model.h"

static clvgg_runtime *runtime;

static void checksum_is_the_published_one(void **state)
{
    (void)state;
    static const char check[] = "123456789"; /* the catalogue's: CRC-32/ISO-HDLC */
    assert_int_equal(vgg_crc32(0, check, 9), 0xCBF43926);
    assert_int_equal(vgg_crc32(0, check, 0), 0);
    unsigned char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 13);
    const uint32_t whole = vgg_crc32(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(vgg_crc32(vgg_crc32(0, bytes, cut), bytes + cut, sizeof bytes - cut),
                         whole);
}

/* What a sweep exports: a model's file, in a format. */
typedef struct request {
    const char *from;
    size_t writer;
} request;

static clvgg_status load_and_export(void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const request *asked = user;
    clvgg_model *model = NULL;
    vgg_export made = {0};
    const clvgg_model_options options = {.struct_size = sizeof options};
    const vgg_export_options how = {.writer = vgg_weights_writer_at(asked->writer),
                                    .dtype = CLVGG_DTYPE_F16};
    VGG_TRY(vgg_model_load(runtime, asked->from, &options, &model));
    VGG_TRY(vgg_model_export(model, temp_path("exported"), &how, &made));
cleanup:
    vgg_export_free(&made);
    vgg_model_free(model);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("small.safetensors"));
    clvgg_model *model = small_model_make(runtime, 3);
    assert_int_equal(vgg_model_save(model, path, CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    vgg_model_free(model);
    for (size_t i = 0; vgg_weights_writer_at(i) != NULL; i++) {
        request asked = {path, i};
        assert_true(failing_allocator_sweep(load_and_export, &asked) > 100);
    }
    assert_int_equal(temp_file_count(), 2);
}

/* An archive of our own, which has metadata, cut at every byte: the directory is at its end. */
static void a_cut_archive_is_refused(void **state)
{
    (void)state;
    request asked = {temp_path("small.safetensors"), 3};
    clvgg_model *model = NULL;
    const clvgg_model_options options = {.struct_size = sizeof options};
    assert_int_equal(load_and_export(&asked), CLVGG_STATUS_OK);
    size_t bytes;
    char *whole = file_read(temp_path("exported"), &bytes);
    if (vgg_model_load(runtime, temp_path("exported"), &options, &model) != CLVGG_STATUS_OK) {
        printf("SKIPPED: %s\n", vgg_message());
        free(whole);
        return;
    }
    vgg_model_free(model);
    for (size_t cut = 1; cut < bytes; cut += cut < 2000 || bytes - cut < 4000 ? 1 : 97) {
        file_write(temp_path("cut"), whole, cut);
        assert_int_not_equal(vgg_model_load(runtime, temp_path("cut"), &options, &model),
                             CLVGG_STATUS_OK);
    }
    free(whole);
}

/* What the member says is a stranger's as much as the rest. */
static void bad_metadata_is_refused(void **state)
{
    (void)state;
    request asked = {temp_path("small.safetensors"), 3};
    clvgg_model *model = NULL;
    const clvgg_model_options options = {.struct_size = sizeof options};
    static const char *const changes[][2] = {{"'|S", "'|U"},
                                             {"{\"clvgg.arch\":", "[\"clvgg.arch\":"},
                                             {"{\"clvgg.arch\":\"", "{\"clvgg.arch\":["},
                                             {"\"clvgg.classes\":", "\"clvgg.arch\"   :"}};
    assert_int_equal(load_and_export(&asked), CLVGG_STATUS_OK);
    if (vgg_model_load(runtime, temp_path("exported"), &options, &model) != CLVGG_STATUS_OK)
        skip();
    vgg_model_free(model);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t bytes, at = 0;
        char *content = file_read(temp_path("exported"), &bytes);
        const size_t length = strlen(changes[i][0]);
        while (at + length < bytes && memcmp(content + at, changes[i][0], length) != 0)
            at++;
        assert_true(at + length < bytes);
        memcpy(content + at, changes[i][1], length);
        file_write(temp_path("changed"), content, bytes);
        const clvgg_status status = vgg_model_load(runtime, temp_path("changed"), &options, &model);
        printf("%s\n", vgg_message());
        assert_int_equal(status, CLVGG_STATUS_BAD_FILE);
        free(content);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_the_published_one),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(a_cut_archive_is_refused),
        cmocka_unit_test(bad_metadata_is_refused),
    };
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
    clvgg_runtime_free(runtime);
    return failed;
}
