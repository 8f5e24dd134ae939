/* kernel/test_pack_turned.c — weights that lie with rows across their file are packed as those that
 * come in order: chunks, pieces, element types, storages, and what is left when a call fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops/upload.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/dtype.h"

enum { FLOATS_IN_STAGING = (4 << 20) / 4 };

/* A weight, and how it lies: `inner` 0 in order. What `broken_at` is asked for can't be read. */
typedef struct source {
    uint64_t rows, columns, inner, broken_at;
    clvgg_dtype dtype;
    float scale;
} source;

/* Element in order: bfloat16 holds each exactly. */
static float value_of(const source *from, uint64_t at)
{
    return from->scale * (float)(int)(at * 2654435761u % 251 - 125);
}

static clvgg_status read_values(void *user, uint64_t first, uint64_t count, void *data)
{
    const source *from = user;
    const size_t size = vgg_dtype_bytes(from->dtype);
    if (from->broken_at >= first && from->broken_at < first + count)
        return vgg_fail(CLVGG_STATUS_IO, "broken on purpose");
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = first + i, row = at % from->rows, lies_at = at / from->rows;
        const uint64_t in_order = from->inner == 0
                                      ? at
                                      : row * from->columns +
                                            lies_at % from->inner * (from->columns / from->inner) +
                                            lies_at / from->inner;
        const float value = value_of(from, in_order);
        vgg_from_f32(from->dtype, &value, 1, (char *)data + i * size);
    }
    return CLVGG_STATUS_OK;
}

static source source_of(const vgg_pack *pack, clvgg_dtype dtype, uint64_t inner)
{
    return (source){.rows = (uint64_t)pack->rows,
                    .columns = (uint64_t)(pack->channels * pack->spatial),
                    .inner = inner,
                    .broken_at = UINT64_MAX,
                    .dtype = dtype,
                    .scale = 1};
}

static clvgg_status upload(const vgg_pack *pack, source *from, vgg_packed_weights *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_uploader *up = NULL;
    const vgg_tensor_input input = {from, from->dtype, read_values};
    *out = (vgg_packed_weights){0};
    VGG_TRY(vgg_uploader_create(device.device, device.queue, &up));
    VGG_TRY(vgg_upload_turned(up, pack, &input, from->inner, out));
    VGG_TRY(vgg_packed_weights_wait(out));
cleanup:
    vgg_uploader_free(up);
    if (status != CLVGG_STATUS_OK)
        vgg_packed_weights_free(out);
    return status;
}

static unsigned char *content(const vgg_packed_weights *weights)
{
    unsigned char *all = malloc((size_t)weights->bytes);
    size_t at = 0;
    for (int i = 0; i < weights->piece_count; i++) {
        size_t bytes;
        assert_int_equal(
            clGetMemObjectInfo(weights->pieces[i].memory, CL_MEM_SIZE, sizeof bytes, &bytes, NULL),
            CL_SUCCESS);
        assert_int_equal(clEnqueueReadBuffer(device.queue, weights->pieces[i].memory, CL_TRUE, 0,
                                             bytes, all + at, 0, NULL, NULL),
                         CL_SUCCESS);
        at += bytes;
    }
    assert_int_equal(at, weights->bytes);
    return all;
}

/* Both ways give the same bytes; returns the number of pieces. */
static int check(const vgg_pack *pack, clvgg_dtype dtype, uint64_t inner)
{
    source ordered = source_of(pack, dtype, 0), turned = source_of(pack, dtype, inner);
    vgg_packed_weights wanted, got;
    must(upload(pack, &ordered, &wanted));
    must(upload(pack, &turned, &got));
    assert_int_equal(got.piece_count, wanted.piece_count);
    unsigned char *right = content(&wanted), *bytes = content(&got);
    assert_int_equal(got.bytes, wanted.bytes);
    for (uint64_t i = 0; i < wanted.bytes; i++)
        if (bytes[i] != right[i])
            fail_msg("%lld rows, %lld channels of %lld, block %d, panel %d, inner %llu, %s: byte "
                     "%llu differs",
                     (long long)pack->rows, (long long)pack->channels, (long long)pack->spatial,
                     pack->block, pack->panel, (unsigned long long)inner, vgg_dtype_name(dtype),
                     (unsigned long long)i);
    const int pieces = got.piece_count;
    free(right);
    free(bytes);
    vgg_packed_weights_free(&wanted);
    vgg_packed_weights_free(&got);
    return pieces;
}

/* Whole panels and blocks, and such that end in zeros; columns in either order. */
static void they_are_packed_as_in_order(void **state)
{
    (void)state;
    static const vgg_pack packs[] = {
        {.rows = 16, .channels = 6, .spatial = 9, .block = 1, .panel = 16},
        {.rows = 13, .channels = 12, .spatial = 1, .block = 1, .panel = 4},
        {.rows = 13, .channels = 10, .spatial = 9, .block = 4, .panel = 8},
        {.rows = 7, .channels = 30, .spatial = 1, .block = 1, .panel = 1},
        {.rows = 2, .channels = 90, .spatial = 1, .block = 1, .panel = 32},
        {.rows = 40, .channels = 40, .spatial = 4, .block = 16, .panel = 32, .pairs = true},
    };
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
        for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16; storage++)
            for (clvgg_dtype dtype = CLVGG_DTYPE_F32; dtype <= CLVGG_DTYPE_BF16; dtype++) {
                vgg_pack pack = packs[i];
                const uint64_t channels = (uint64_t)pack.channels;
                pack.storage = storage;
                check(&pack, dtype, channels * (uint64_t)pack.spatial);
                check(&pack, dtype, channels);
                check(&pack, dtype, channels / 2);
            }
}

/* More columns than the staging holds, the last chunk shorter; a column larger than it. */
static void chunks_follow_each_other(void **state)
{
    (void)state;
    const vgg_pack wide = {.rows = 130, .channels = 24576, .spatial = 1, .block = 1, .panel = 8};
    const vgg_pack tall = {
        .rows = FLOATS_IN_STAGING + 5, .channels = 2, .spatial = 1, .block = 1, .panel = 16};
    check(&wide, CLVGG_DTYPE_F32, 24576);
    check(&wide, CLVGG_DTYPE_F32, 512);
    check(&tall, CLVGG_DTYPE_F32, 2);
}

/* A device whose largest allocation is small. */
static void pieces_get_their_rows(void **state)
{
    (void)state;
    const vgg_pack pack = {
        .rows = 1003, .channels = 1500, .spatial = 1, .block = 1, .panel = 16, .splittable = true};
    const uint64_t most = device.device->info.max_allocation_bytes;
    device.device->info.max_allocation_bytes = UINT64_C(16) * 1500 * 4 * 20;
    const int pieces = check(&pack, CLVGG_DTYPE_F32, 30);
    device.device->info.max_allocation_bytes = most;
    assert_int_equal(pieces, 4);
}

static void what_is_transformed_comes_in_order(void **state)
{
    (void)state;
    vgg_pack pack = {.rows = 4, .channels = 4, .spatial = 9, .block = 1, .panel = 4};
    assert_true(vgg_upload_takes_turned(&pack));
    pack.winograd = 4;
    assert_false(vgg_upload_takes_turned(&pack));
}

static void what_fails_is_told(void **state)
{
    (void)state;
    const vgg_pack pack = {.rows = 130,
                           .channels = 24576,
                           .spatial = 1,
                           .block = 1,
                           .panel = 8,
                           .storage = CLVGG_STORAGE_F16};
    source from = source_of(&pack, CLVGG_DTYPE_F32, 512);
    vgg_packed_weights weights;
    from.broken_at = from.rows * from.columns - 1;
    assert_int_equal(upload(&pack, &from, &weights), CLVGG_STATUS_IO);
    assert_non_null(strstr(vgg_message(), "broken on purpose"));
    from.broken_at = UINT64_MAX;
    from.scale = 1e6f;
    assert_int_equal(upload(&pack, &from, &weights), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(vgg_message(), "is beyond what can be stored as"));
}

static void every_call_may_fail(void **state)
{
    (void)state;
    const vgg_pack pack = {.rows = 9, .channels = 140000, .spatial = 1, .block = 1, .panel = 8};
    source from = source_of(&pack, CLVGG_DTYPE_F32, 70000);
    vgg_packed_weights weights;
    must(upload(&pack, &from, &weights)); /* builds */
    vgg_packed_weights_free(&weights);
    const size_t live = cl_faults_live();
    size_t failures = 0, refused = 0;
    for (bool failed = true; failed; failures++) {
        cl_faults_fail_at(failures, CL_OUT_OF_RESOURCES);
        const clvgg_status status = upload(&pack, &from, &weights);
        failed = cl_faults_stop();
        refused += status != CLVGG_STATUS_OK;
        if (status != CLVGG_STATUS_OK)
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
        vgg_packed_weights_free(&weights);
        if (cl_faults_live() != live) {
            cl_faults_print_live();
            fail_msg("call %zu, %s: leaks", failures, cl_faults_failed_function());
        }
    }
    assert_true(refused > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_packed_as_in_order),
        cmocka_unit_test(chunks_follow_each_other),
        cmocka_unit_test(pieces_get_their_rows),
        cmocka_unit_test(what_is_transformed_comes_in_order),
        cmocka_unit_test(what_fails_is_told),
        cmocka_unit_test(every_call_may_fail),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
