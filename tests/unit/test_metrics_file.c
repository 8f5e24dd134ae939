/* unit/test_metrics_file.c — figures of a training as CSV and JSON, read back. */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "report/metrics_file.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/json.h"

static const clvgg_finetune_epoch epochs[] = {
    {.struct_size = sizeof *epochs,
     .epoch = 0,
     .train_loss = (double)NAN,
     .train_accuracy = (double)NAN,
     .val_loss = 0.75,
     .val_accuracy = 0.5,
     .val_auc = (double)NAN,
     .seconds = 1.5,
     .best = 1},
    {.struct_size = sizeof *epochs,
     .epoch = 1,
     .step = 5000000000,
     .lr = 0.01,
     .train_loss = 0.123456789,
     .train_accuracy = 0.96875,
     .val_loss = 1e-9,
     .val_accuracy = 1,
     .val_auc = 0.875,
     .seconds = 60,
     .best = 1},
    {.struct_size = sizeof *epochs, .epoch = 2, .step = 5000000001, .val_loss = (double)INFINITY},
};
enum { EPOCHS = sizeof epochs / sizeof *epochs };

static void csv_has_a_line_an_epoch(void **state)
{
    (void)state;
    size_t size;
    const char *path = temp_path("metrics.csv");
    file_write(path, "old", 3);
    assert_int_equal(vgg_metrics_write_csv(path, epochs, EPOCHS), CLVGG_STATUS_OK);
    char *text = file_read(path, &size);
    assert_string_equal(text,
                        "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,val_auc,"
                        "seconds,best\n"
                        "0,0,0,,,0.75,0.5,,1.5,1\n"
                        "1,5000000000,0.01,0.123456789,0.96875,1e-09,1,0.875,60,1\n"
                        "2,5000000001,0,0,0,,0,0,0,0\n");
    free(text);
}

static void put_options(vgg_json *json, void *user)
{
    vgg_json_string(json, "optimizer", user);
    vgg_json_begin_array(json, "head");
    vgg_json_integer(json, NULL, 128);
    vgg_json_end(json);
}

static const char *const classes[] = {"cat", "d\"og\xFF"};
static const uint64_t confusion[] = {99, 1, 4, 6000000000};

static cJSON *write_and_read(const vgg_metrics *metrics)
{
    size_t size;
    const char *path = temp_path("metrics.json");
    assert_int_equal(vgg_metrics_write_json(path, metrics), CLVGG_STATUS_OK);
    char *text = file_read(path, &size);
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
    if (json == NULL)
        fail_msg("not JSON: %s", text);
    free(text);
    return json;
}

static void json_has_it_all(void **state)
{
    (void)state;
    char optimizer[] = "sgd";
    cJSON *json = write_and_read(&(vgg_metrics){.epochs = epochs,
                                                .count = EPOCHS,
                                                .classes = classes,
                                                .class_count = 2,
                                                .confusion = confusion,
                                                .options = put_options,
                                                .user = optimizer});
    assert_true(number(json, "schema") == 1);
    assert_true(number(json, "best_epoch") == 1); /* the last that was best */
    const cJSON *options = cJSON_GetObjectItem(json, "options");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(options, "optimizer")), "sgd");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(options, "head")), 1);
    const cJSON *names = cJSON_GetObjectItem(json, "classes");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(names, 1)), "d\"og\xEF\xBF\xBD");
    const cJSON *rows = cJSON_GetObjectItem(json, "confusion");
    for (int i = 0; i < 4; i++)
        assert_true(cJSON_GetArrayItem(cJSON_GetArrayItem(rows, i / 2), i % 2)->valuedouble ==
                    (double)confusion[i]);
    const cJSON *list = cJSON_GetObjectItem(json, "epochs");
    assert_int_equal(cJSON_GetArraySize(list), EPOCHS);
    const cJSON *first = cJSON_GetArrayItem(list, 0), *second = cJSON_GetArrayItem(list, 1);
    assert_int_equal(cJSON_GetArraySize(first), 10);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(first, "train_loss")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 2), "val_loss")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 2), "best")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(first, "best")));
    assert_true(number(second, "epoch") == 1 && number(second, "step") == 5e9);
    assert_true(number(second, "lr") == 0.01 && number(second, "train_loss") == 0.123456789);
    assert_true(number(second, "train_accuracy") == 0.96875 && number(second, "val_loss") == 1e-9);
    assert_true(number(second, "val_accuracy") == 1 && number(second, "val_auc") == 0.875);
    assert_true(number(second, "seconds") == 60);
    cJSON_Delete(json);
}

static void json_of_nothing(void **state)
{
    (void)state;
    cJSON *json = write_and_read(&(vgg_metrics){.count = 0});
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "best_epoch")));
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(json, "options")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "epochs")), 0);
    cJSON_Delete(json);
}

static clvgg_status write_both(void *paths)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_metrics metrics = {epochs, EPOCHS, classes, 2, confusion, NULL, NULL, NULL};
    VGG_TRY(vgg_metrics_write_csv(((const char **)paths)[0], epochs, EPOCHS));
    VGG_TRY(vgg_metrics_write_json(((const char **)paths)[1], &metrics));
cleanup:
    return status;
}

static void files_are_whole_or_absent(void **state)
{
    (void)state;
    assert_int_equal(vgg_metrics_write_csv(temp_path("no/such.csv"), epochs, EPOCHS),
                     CLVGG_STATUS_NOT_FOUND);
    const char *paths[] = {temp_path("swept.csv"), temp_path("swept.json")};
    const size_t files = temp_file_count();
    assert_true(failing_allocator_sweep(write_both, paths) > 10);
    assert_int_equal(temp_file_count(), files + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_has_a_line_an_epoch),
        cmocka_unit_test(json_has_it_all),
        cmocka_unit_test(json_of_nothing),
        cmocka_unit_test(files_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
