/* kernel/test_weight_file.c — packed weights that are kept in files: read without packing, known by
 * what they were made from, and packed anew wherever that can't be told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "plan/weight_store.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/files.h"
#include "support/networks.h"
#include "tensor/dtype.h"

enum { ROWS = 1003, COLUMNS = 600, SAMPLED = 64 * 256 };

/* The `user` of a source of one weight. */
typedef struct weight {
    const char *signature; /* NULL: it isn't known */
    unsigned seed;
    uint64_t read; /* values so far */
} weight;

static clvgg_dtype dtype_of(void *user, int node, int parameter)
{
    (void)user, (void)node, (void)parameter;
    return CLVGG_DTYPE_F32;
}

static clvgg_status read_values(void *user, int node, int parameter, uint64_t first, uint64_t count,
                                void *data)
{
    weight *from = user;
    float *values = data;
    (void)node, (void)parameter;
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)(int)((first + i + from->seed) * 2654435761u >> 7 & 1023) - 512.0f;
    from->read += count;
    return CLVGG_STATUS_OK;
}

static bool name_of(void *user, int node, vgg_weight_name *out)
{
    const weight *from = user;
    (void)node;
    *out = (vgg_weight_name){"fc.weight", from->signature};
    return from->signature != NULL;
}

static const vgg_pack usual = {
    .rows = ROWS, .channels = COLUMNS, .spatial = 1, .block = 1, .panel = 32, .splittable = true};

/* Brings the weight to the device and hands back its bytes, to be freed, as a process of its own
 * would; `keep`: they turn out to be right. */
static clvgg_status bring(weight *from, const vgg_pack *pack, bool keep, float **out)
{
    static uint64_t id;
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_parameter_source source = {
        .user = from, .id = ++id, .dtype = dtype_of, .read = read_values, .name = name_of};
    const vgg_packed_weights *weights = NULL;
    vgg_uploader *uploader = NULL;
    *out = NULL;
    from->read = 0;
    VGG_TRY(vgg_uploader_create(device.device, device.queue, &uploader));
    VGG_TRY(vgg_weight_store_weights(device.device, uploader, &source, 0, pack, &weights));
    VGG_TRY(vgg_weight_store_wait(weights));
    *out = calloc(1, (size_t)weights->bytes);
    VGG_CL(clEnqueueReadBuffer(device.queue, weights->pieces[0].memory, CL_TRUE, 0,
                               (size_t)weights->bytes, *out, 0, NULL, NULL));
    if (keep)
        vgg_weight_store_keep(weights);
cleanup:
    vgg_uploader_free(uploader);
    vgg_weight_store_release(device.device, weights);
    return status;
}

/* Brings it, and checks its bytes against those that are packed without a file. */
static void check(weight *from, const vgg_pack *pack, bool keep)
{
    float *bytes = NULL, *right = NULL;
    vgg_cache *cache = device.runtime->cache;
    must(bring(from, pack, keep, &bytes));
    const uint64_t read = from->read;
    device.runtime->cache = NULL;
    must(bring(from, pack, false, &right));
    device.runtime->cache = cache;
    assert_memory_equal(bytes, right, (size_t)vgg_pack_bytes(pack, pack->rows));
    from->read = read;
    free(bytes);
    free(right);
}

static bool keeps(void)
{
    return device.device->info.type == CLVGG_DEVICE_CPU;
}

static void what_was_kept_is_not_packed_again(void **state)
{
    (void)state;
    weight from = {.signature = "a file"};
    check(&from, &usual, false);
    assert_int_equal(from.read, ROWS * COLUMNS + (keeps() ? SAMPLED : 0));
    check(&from, &usual, true); /* the first wasn't to be kept */
    assert_int_equal(from.read, ROWS * COLUMNS + (keeps() ? SAMPLED : 0));
    check(&from, &usual, true);
    assert_int_equal(from.read, keeps() ? SAMPLED : ROWS * COLUMNS);
    for (clvgg_storage storage = CLVGG_STORAGE_F16; storage <= CLVGG_STORAGE_BF16; storage++) {
        vgg_pack half = usual;
        half.storage = storage;
        check(&from, &half, true);
        check(&from, &half, true);
        if (keeps())
            assert_int_equal(from.read,
                             vgg_pack_bytes(&half, ROWS) < 1 << 20 ? ROWS * COLUMNS : SAMPLED);
    }
}

static void others_are_packed(void **state)
{
    (void)state;
    weight kept = {.signature = "others"};
    check(&kept, &usual, true);
    weight changed = {.signature = "changed"};
    check(&changed, &usual, true);
    assert_true(changed.read >= ROWS * COLUMNS);
    /* Files on images of disks may have all but their content in common. */
    weight alike = {.signature = "others", .seed = 1};
    check(&alike, &usual, true);
    assert_true(alike.read >= ROWS * COLUMNS);
    weight unknown = {0};
    check(&unknown, &usual, true);
    check(&unknown, &usual, true);
    assert_int_equal(unknown.read, ROWS * COLUMNS);
    vgg_pack other = usual;
    other.panel = 16;
    check(&kept, &other, true);
    assert_true(kept.read >= ROWS * COLUMNS);
    check(&kept, &usual, true);
    assert_int_equal(kept.read, keeps() ? SAMPLED : ROWS * COLUMNS);
}

/* Transformed weights are many, and small ones are packed in no time. */
static void what_does_not_pay_is_not_kept(void **state)
{
    (void)state;
    weight from = {.signature = "small"};
    const vgg_pack small = {.rows = 64, .channels = 64, .spatial = 1, .block = 1, .panel = 16};
    const vgg_pack transformed = {
        .rows = 256, .channels = 256, .spatial = 9, .block = 16, .panel = 32, .winograd = 4};
    check(&from, &small, true);
    check(&from, &small, true);
    assert_int_equal(from.read, 64 * 64);
    check(&from, &transformed, true);
    check(&from, &transformed, true);
    assert_int_equal(from.read, 256 * 256 * 9);
}

/* Whatever fails, the values are right or there is an error. */
static void every_call_may_fail(void **state)
{
    (void)state;
    weight from = {.signature = "failing"};
    float *right = NULL, *bytes = NULL;
    must(bring(&from, &usual, false, &right)); /* builds */
    const size_t live = cl_faults_live();
    for (int kept = 0; kept < 2; kept++) {
        bool failed = true;
        for (size_t i = 0; failed; i++) {
            cl_faults_fail_at(i, CL_OUT_OF_RESOURCES);
            const clvgg_status status = bring(&from, &usual, kept > 0, &bytes);
            failed = cl_faults_stop();
            if (status == CLVGG_STATUS_OK)
                assert_memory_equal(bytes, right, (size_t)vgg_pack_bytes(&usual, ROWS));
            free(bytes);
            if (cl_faults_live() != live) {
                cl_faults_print_live();
                fail_msg("call %zu, %s: leaks", i, cl_faults_failed_function());
            }
        }
    }
    check(&from, &usual, true);
    assert_int_equal(from.read, keeps() ? SAMPLED : ROWS * COLUMNS);
    free(right);
}

static int set_up(void **state)
{
    temp_folder_setup(state);
    device_setup(state);
    must(
        vgg_cache_create(temp_path("cache.sqlite"), VGG_CACHE_LIMIT_BYTES, &device.runtime->cache));
    return 0;
}

static int tear_down(void **state)
{
    vgg_cache_free(device.runtime->cache);
    device.runtime->cache = NULL;
    temp_folder_teardown(state);
    return device_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_not_packed_again),
        cmocka_unit_test(others_are_packed),
        cmocka_unit_test(what_does_not_pay_is_not_kept),
        cmocka_unit_test(every_call_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
