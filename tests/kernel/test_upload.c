/* kernel/test_upload.c — one tensor after the other through the same staging, without waiting, and
 * what is left when one of them fails.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ops/upload.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/dtype.h"

enum { PANEL = 4, FLOATS_IN_STAGING = (4 << 20) / 4 };

/* Element i of tensor `seed`; what `broken_at` is asked for can't be read. */
typedef struct source {
    uint32_t seed;
    uint64_t broken_at;
} source;

static float value_of(uint32_t seed, uint64_t i)
{
    return (float)((i * 2654435761u + seed * 40503u) % 65521u);
}

static clvgg_status read_values(void *user, uint64_t first, uint64_t count, void *data)
{
    const source *from = user;
    float *values = data;
    if (from->broken_at >= first && from->broken_at < first + count)
        return vgg_fail(CLVGG_STATUS_IO, "broken on purpose");
    for (uint64_t i = 0; i < count; i++)
        values[i] = value_of(from->seed, first + i);
    return CLVGG_STATUS_OK;
}

static vgg_pack pack_of(int64_t rows, int64_t channels)
{
    return (vgg_pack){.rows = rows, .channels = channels, .spatial = 1, .block = 1, .panel = PANEL};
}

static clvgg_status upload(vgg_uploader *up, const vgg_pack *pack, uint32_t seed,
                           uint64_t broken_at, vgg_packed_weights *out)
{
    source from = {seed, broken_at};
    const vgg_tensor_input input = {&from, CLVGG_DTYPE_F32, read_values};
    return vgg_upload(up, pack, &input, out);
}

/* [panels][channels][PANEL], zeros behind the last row; read on a queue of its own. */
static void check(const vgg_pack *pack, uint32_t seed, const vgg_packed_weights *weights)
{
    cl_int error = CL_SUCCESS;
    cl_command_queue queue =
        clCreateCommandQueue(device.device->context, device.device->id, 0, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(weights->piece_count, 1);
    float *packed = malloc((size_t)weights->bytes);
    assert_int_equal(clEnqueueReadBuffer(queue, weights->pieces[0].memory, CL_TRUE, 0,
                                         (size_t)weights->bytes, packed, 0, NULL, NULL),
                     CL_SUCCESS);
    const int64_t panels = (pack->rows + PANEL - 1) / PANEL;
    for (int64_t row = 0; row < panels * PANEL; row++)
        for (int64_t c = 0; c < pack->channels; c++) {
            const float expected =
                row < pack->rows ? value_of(seed, (uint64_t)(row * pack->channels + c)) : 0;
            const float got = packed[(row / PANEL * pack->channels + c) * PANEL + row % PANEL];
            if (got != expected)
                fail_msg("tensor %u, row %lld, column %lld: %g expected, got %g", seed,
                         (long long)row, (long long)c, (double)expected, (double)got);
        }
    free(packed);
    clReleaseCommandQueue(queue);
}

/* Small, several chunks, a panel larger than the staging, small again. */
static void tensors_share_the_staging(void **state)
{
    (void)state;
    const vgg_pack packs[] = {pack_of(6, 3), pack_of(3 * PANEL + 1, FLOATS_IN_STAGING / PANEL - 5),
                              pack_of(PANEL + 2, FLOATS_IN_STAGING / PANEL + 7), pack_of(9, 5)};
    enum { COUNT = sizeof packs / sizeof *packs };
    vgg_packed_weights weights[COUNT];
    vgg_uploader *up = NULL;
    const size_t buffers = cl_faults_calls("clCreateBuffer");
    must(vgg_uploader_create(device.device, device.queue, &up));
    assert_int_equal(cl_faults_calls("clCreateBuffer"), buffers);
    for (uint32_t i = 0; i < COUNT; i++)
        must(upload(up, &packs[i], i, UINT64_MAX, &weights[i]));
    /* two slots, and two for the tensor that they were too small for */
    assert_int_equal(cl_faults_calls("clCreateBuffer"), buffers + COUNT + 4);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_non_null(weights[i].written);
    vgg_uploader_free(up);
    for (uint32_t i = 0; i < COUNT; i++) {
        must(vgg_packed_weights_wait(&weights[i]));
        assert_null(weights[i].written);
        check(&packs[i], i, &weights[i]);
        vgg_packed_weights_free(&weights[i]);
    }
}

/* Uploads begun before a failure are completed, later ones work. */
static void a_tensor_that_fails_spoils_no_other(void **state)
{
    (void)state;
    const vgg_pack pack = pack_of(3 * PANEL, FLOATS_IN_STAGING / PANEL);
    const size_t live = cl_faults_live();
    vgg_packed_weights before, failed, after;
    vgg_uploader *up = NULL;
    must(vgg_uploader_create(device.device, device.queue, &up));
    must(upload(up, &pack, 1, UINT64_MAX, &before));
    const uint64_t in_last_chunk = (uint64_t)(pack.rows * pack.channels) - 1;
    assert_int_equal(upload(up, &pack, 2, in_last_chunk, &failed), CLVGG_STATUS_IO);
    assert_non_null(strstr(vgg_message(), "broken on purpose"));
    assert_int_equal(failed.piece_count, 0);
    must(upload(up, &pack, 3, UINT64_MAX, &after));
    vgg_uploader_free(up);
    check(&pack, 1, &before);
    check(&pack, 3, &after);
    vgg_packed_weights_free(&before);
    vgg_packed_weights_free(&after);
    assert_int_equal(cl_faults_live(), live);
}

static clvgg_status two_tensors(void)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_pack large = pack_of(2 * PANEL + 1, FLOATS_IN_STAGING / PANEL), small = pack_of(5, 2);
    vgg_packed_weights weights[2] = {{0}};
    vgg_uploader *up = NULL;
    VGG_TRY(vgg_uploader_create(device.device, device.queue, &up));
    VGG_TRY(upload(up, &large, 1, UINT64_MAX, &weights[0]));
    VGG_TRY(upload(up, &small, 2, UINT64_MAX, &weights[1]));
    for (int i = 0; i < 2; i++)
        VGG_TRY(vgg_packed_weights_wait(&weights[i]));
cleanup:
    vgg_uploader_free(up);
    vgg_packed_weights_free(&weights[0]);
    vgg_packed_weights_free(&weights[1]);
    return status;
}

static void every_call_may_fail(void **state)
{
    (void)state;
    must(two_tensors()); /* builds */
    const size_t live = cl_faults_live();
    size_t failures = 0, refused = 0;
    for (bool failed = true; failed; failures++) {
        cl_faults_fail_at(failures, CL_OUT_OF_RESOURCES);
        const clvgg_status status = two_tensors();
        failed = cl_faults_stop();
        refused += status != CLVGG_STATUS_OK;
        if (status != CLVGG_STATUS_OK)
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
        if (cl_faults_live() != live) {
            cl_faults_print_live();
            fail_msg("call %zu, %s: leaks", failures, cl_faults_failed_function());
        }
    }
    assert_true(refused > 20);
}

static void *complete_later(void *event)
{
    nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    clSetUserEventStatus(event, CL_COMPLETE);
    return NULL;
}

/* Weights may be on their way on another plan's queue; one that failed there fails everywhere. */
static void waiting_is_for_whoever_writes(void **state)
{
    (void)state;
    cl_int error = CL_SUCCESS, done = CL_QUEUED;
    vgg_packed_weights weights = {.written = clCreateUserEvent(device.device->context, &error)};
    cl_event event = weights.written;
    pthread_t thread;
    assert_int_equal(error, CL_SUCCESS);
    clRetainEvent(event);
    assert_int_equal(pthread_create(&thread, NULL, complete_later, event), 0);
    must(vgg_packed_weights_wait(&weights));
    clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof done, &done, NULL);
    assert_int_equal(done, CL_COMPLETE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    clReleaseEvent(event);

    weights.written = clCreateUserEvent(device.device->context, &error);
    assert_int_equal(error, CL_SUCCESS);
    clSetUserEventStatus(weights.written, CL_OUT_OF_RESOURCES);
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(vgg_packed_weights_wait(&weights), CLVGG_STATUS_OK);
    vgg_packed_weights_free(&weights);
}

/* A plan has one uploader, and one wait at its end. */
static void a_plan_waits_once(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    const session_request request = {.gemm = CLVGG_GEMM_OWN};
    clvgg_session_free(session_make(device.device, model, &request)); /* builds */
    const size_t finishes = cl_faults_calls("clFinish");
    const size_t buffers = cl_faults_calls("clCreateBuffer");
    const size_t maps = cl_faults_calls("clEnqueueMapBuffer");
    clvgg_session *session = session_make(device.device, model, &request);
    assert_int_equal(cl_faults_calls("clFinish"), finishes + 1);
    /* activations, two slots, weights and bias of the five layers that have them */
    assert_in_range(cl_faults_calls("clCreateBuffer"), buffers + 13, buffers + 15);
    assert_int_equal(cl_faults_calls("clEnqueueMapBuffer"), maps + 2 + 5);
    clvgg_session_free(session);
    clvgg_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_share_the_staging),
        cmocka_unit_test(a_tensor_that_fails_spoils_no_other),
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(waiting_is_for_whoever_writes),
        cmocka_unit_test(a_plan_waits_once),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
