/* tune/clblast_tuning.c — CLBlast's Xgemm: its tuning space, setting it, searching it. */
#include "tune/clblast_tuning.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "ops/clblast.h"

/* ---- the space ---- */

enum { KWG, KWI, MDIMA, MDIMC, MWG, NDIMB, NDIMC, NWG, SA, SB, STRM, STRN, VWM, VWN, VALUES };
/* A switch that isn't chosen is 0; the others have to be chosen all. GEMMK is 0 and KREG 1. */
static const vgg_tunable tunables[] = {[KWG] = {"KWG", {8, 16, 32, 64}},
                                       [KWI] = {"KWI", {1, 2, 4, 8}},
                                       [MDIMA] = {"MDIMA", {1, 2, 4, 8, 16, 32}},
                                       [MDIMC] = {"MDIMC", {1, 2, 4, 8, 16, 32}},
                                       [MWG] = {"MWG", {8, 16, 32, 64, 128}},
                                       [NDIMB] = {"NDIMB", {1, 2, 4, 8, 16, 32}},
                                       [NDIMC] = {"NDIMC", {1, 2, 4, 8, 16, 32}},
                                       [NWG] = {"NWG", {8, 16, 32, 64, 128}},
                                       [SA] = {"SA", {1}},
                                       [SB] = {"SB", {1}},
                                       [STRM] = {"STRM", {1}},
                                       [STRN] = {"STRN", {1}},
                                       [VWM] = {"VWM", {1, 2, 4, 8}},
                                       [VWN] = {"VWN", {1, 2, 4, 8}},
                                       [VALUES] = {0}};

const vgg_variant vgg_variant_clblast_xgemm = {
    .name = "clblast_xgemm", /* heads no chain: a kernel that dense_clblast uses */
    .uses_clblast = true,
    .problem = VGG_CLBLAST_PROBLEM,
    .tunables = tunables,
};

static bool is_switch(int tunable)
{
    return tunable >= SA && tunable <= STRN;
}

clvgg_status vgg_clblast_check(const vgg_choice *choice, const vgg_traits *traits)
{
    const int *v = choice->values;
    for (int i = 0; i < VALUES; i++)
        VGG_CHECK(vgg_tunable_allows(&tunables[i], v[i]) || (is_switch(i) && v[i] == 0),
                  CLVGG_STATUS_UNSUPPORTED, "CLBlast's %s can't be %d", tunables[i].name, v[i]);
    const int items = v[MDIMC] * v[NDIMC];
    VGG_CHECK(v[KWG] % v[KWI] == 0 && v[MWG] % (v[MDIMC] * v[VWM]) == 0 &&
                  v[NWG] % (v[NDIMC] * v[VWN]) == 0 && v[MWG] % (v[MDIMA] * v[VWM]) == 0 &&
                  v[NWG] % (v[NDIMB] * v[VWN]) == 0 && items % v[MDIMA] == 0 &&
                  items % v[NDIMB] == 0 && v[KWG] % (items / v[MDIMA]) == 0 &&
                  v[KWG] % (items / v[NDIMB]) == 0,
              CLVGG_STATUS_UNSUPPORTED, "CLBlast's tile sizes don't divide each other");
    VGG_CHECK((size_t)items <= traits->max_work_group_size, CLVGG_STATUS_UNSUPPORTED,
              "CLBlast's work-groups of %d: the device allows %zu", items,
              traits->max_work_group_size);
    const uint64_t local =
        (uint64_t)(v[SA] * v[KWG] * v[MWG] + v[SB] * v[KWG] * v[NWG]) * sizeof(float);
    VGG_CHECK(local <= traits->local_memory_bytes, CLVGG_STATUS_UNSUPPORTED,
              "CLBlast's tiles need %llu bytes of local memory, the device has %llu",
              (unsigned long long)local, (unsigned long long)traits->local_memory_bytes);
    VGG_CHECK(v[MWG] / v[MDIMC] * (v[NWG] / v[NDIMC]) <= 128, CLVGG_STATUS_UNSUPPORTED,
              "CLBlast's tiles of work-items don't fit the registers");
    return CLVGG_STATUS_OK;
}

/* ---- setting: CLBlast's state is the process's ---- */

enum { MOST_DEVICES = 64 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cl_device_id settled[MOST_DEVICES];
static int settled_count;

/* Notes a device; false where it was noted before, or there is no room. With the lock held. */
static bool note_device(cl_device_id id)
{
    for (int i = 0; i < settled_count; i++)
        if (settled[i] == id)
            return false;
    if (settled_count == MOST_DEVICES)
        return false;
    settled[settled_count++] = id;
    return true;
}

static clvgg_status settle(cl_device_id id, const vgg_choice *choice)
{
    const char *names[VALUES + 2] = {"GEMMK", "KREG"};
    size_t values[VALUES + 2] = {0, 1};
    for (int i = 0; i < VALUES; i++) {
        names[i + 2] = tunables[i].name;
        values[i + 2] = (size_t)choice->values[i];
    }
    return vgg_clblast_override(id, "Xgemm", names, values, VALUES + 2);
}

void vgg_clblast_prepare(const clvgg_device *device, const vgg_traits *traits,
                         const vgg_tuning_source *source)
{
    vgg_tuning tuning;
    pthread_mutex_lock(&lock);
    if (note_device(device->id) && vgg_tuning_find(source, VGG_CLBLAST_PROBLEM, 1, &tuning) &&
        vgg_clblast_check(&tuning.choice, traits) == CLVGG_STATUS_OK &&
        settle(device->id, &tuning.choice) != CLVGG_STATUS_OK)
        vgg_log(CLVGG_LOG_DEBUG, "CLBlast refuses its parameters: %s", vgg_message());
    pthread_mutex_unlock(&lock);
}

/* ---- searching ---- */

enum { MOST_DRAWS = 100000 };
/* Shapes of dense layers' products y [m][n] = x [m][k] · w [n][k]ᵀ. CLBlast gives small ones to
 * another kernel (XgemmDirect), up to 512³ multiplications on most devices and 1536³ on some. No
 * tile divides these, so that Xgemm wants a workspace to pad them in; XgemmDirect never wants any.
 */
static const struct {
    int m, n, k;
} shapes[] = {{129, 1025, 1025}, {385, 1537, 1537}, {513, 2049, 2049}, {1025, 2049, 2049}};

typedef struct search {
    const vgg_tuner *tuner;
    vgg_traits traits;
    cl_command_queue queue;
    vgg_gemm product;
    cl_mem x, w, y, workspace;
    uint64_t workspace_elements;
    float *expected, *read;
    uint64_t random;
} search;

/* Values drawn until they fit each other; false where that takes too long. */
static bool draw_choice(search *s, vgg_choice *choice)
{
    for (int attempt = 0; attempt < MOST_DRAWS; attempt++) {
        *choice = (vgg_choice){{0}};
        for (int i = 0; i < VALUES; i++) {
            uint32_t count = 0;
            while (count < VGG_TUNABLE_VALUES && tunables[i].values[count] != 0)
                count++;
            const uint32_t drawn = vgg_random_draw(&s->random) % (count + (is_switch(i) ? 1 : 0));
            choice->values[i] = drawn < count ? tunables[i].values[drawn] : 0;
        }
        if (vgg_clblast_check(choice, &s->traits) == CLVGG_STATUS_OK)
            return true;
    }
    return false;
}

static clvgg_status new_buffer(search *s, uint64_t elements, const float *values, cl_mem *memory)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (values != NULL ? CL_MEM_COPY_HOST_PTR : 0);
    VGG_CL_NEW(*memory,
               clCreateBuffer(s->tuner->device->context, flags, (size_t)elements * sizeof(float),
                              (void *)(uintptr_t)values, &cl_error));
cleanup:
    return status;
}

clvgg_status vgg_clblast_tuning_product(cl_command_queue queue, vgg_gemm *product)
{
    uint64_t workspace = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && workspace == 0; i++) {
        *product = (vgg_gemm){.m = shapes[i].m,
                              .n = shapes[i].n,
                              .k = shapes[i].k,
                              .transpose_b = true,
                              .lda = shapes[i].k,
                              .ldb = shapes[i].k,
                              .ldc = shapes[i].n};
        VGG_PASS(vgg_clblast_workspace(product, queue, &workspace));
    }
    VGG_CHECK(workspace > 0, CLVGG_STATUS_UNSUPPORTED,
              "CLBlast computes products of up to %lld x %lld x %lld without the kernel that "
              "could be tuned",
              (long long)product->m, (long long)product->n, (long long)product->k);
    return CLVGG_STATUS_OK;
}

/* Small integers, so that every right product is the same; and that product. */
static clvgg_status make_operands(search *s)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t m = (size_t)s->product.m, n = (size_t)s->product.n, k = (size_t)s->product.k;
    float *x = NULL, *w = NULL, *column = NULL;
    uint32_t state = 1;
    VGG_NEW(x, m * k);
    VGG_NEW(w, n * k);
    VGG_NEW(column, n);
    VGG_NEW(s->expected, m * n);
    VGG_NEW(s->read, m * n);
    for (size_t i = 0; i < m * k; i++)
        x[i] = (float)(vgg_random_next(&state) >> 30);
    for (size_t i = 0; i < n * k; i++)
        w[i] = (float)((int)(vgg_random_next(&state) >> 24) % 5 - 2);
    memset(s->expected, 0, m * n * sizeof(float));
    for (size_t j = 0; j < k; j++) {
        for (size_t i = 0; i < n; i++)
            column[i] = w[i * k + j];
        for (size_t row = 0; row < m; row++) {
            const float value = x[row * k + j];
            float *sums = s->expected + row * n;
            for (size_t i = 0; i < n; i++)
                sums[i] += value * column[i];
        }
    }
    VGG_TRY(new_buffer(s, m * k, x, &s->x));
    VGG_TRY(new_buffer(s, n * k, w, &s->w));
    VGG_TRY(new_buffer(s, m * n, NULL, &s->y));
cleanup:
    vgg_free(x);
    vgg_free(w);
    vgg_free(column);
    return status;
}

static clvgg_status run(void *user, double *ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const search *s = user;
    vgg_launch launch = vgg_launch_begin(s->queue, false, 0, NULL);
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_clblast_gemm(&launch, &s->product, (vgg_buffer){s->x, 0}, (vgg_buffer){s->w, 0},
                             (vgg_buffer){s->y, 0}, s->workspace));
    VGG_CL(clFinish(s->queue));
    *ms = vgg_clock_ms() - start;
cleanup:
    vgg_launch_abandon(&launch);
    return status;
}

/* The workspace depends on what is in force. */
static clvgg_status require_workspace(search *s)
{
    uint64_t elements = 0;
    VGG_PASS(vgg_clblast_workspace(&s->product, s->queue, &elements));
    if (elements > s->workspace_elements) {
        VGG_RELEASE(MemObject, s->workspace);
        s->workspace = NULL;
        s->workspace_elements = 0;
        VGG_PASS(new_buffer(s, elements, NULL, &s->workspace));
        s->workspace_elements = elements;
    }
    return CLVGG_STATUS_OK;
}

/* Checks, then times, what is in force. */
static clvgg_status judge(search *s, double best_ms, vgg_verdict *verdict, double *ms)
{
    const size_t values = (size_t)(s->product.m * s->product.n), bytes = values * sizeof(float);
    const float wrong = -1e30f;
    VGG_PASS(require_workspace(s));
    VGG_CL_PASS(clEnqueueFillBuffer(s->queue, s->y, &wrong, sizeof wrong, 0, bytes, 0, NULL, NULL));
    VGG_PASS(run(s, ms)); /* compiles */
    VGG_CL_PASS(clEnqueueReadBuffer(s->queue, s->y, CL_TRUE, 0, bytes, s->read, 0, NULL, NULL));
    *verdict = VGG_VERDICT_WRONG;
    for (size_t i = 0; i < values; i++)
        if (!(s->read[i] == s->expected[i]))
            return CLVGG_STATUS_OK;
    return vgg_trial_sample(run, s, &(vgg_trial_race){.best_ms = best_ms}, verdict, ms);
}

/* One drawn candidate. */
static clvgg_status try_one(search *s, vgg_tuner_result *result)
{
    vgg_choice choice;
    vgg_verdict verdict = VGG_VERDICT_REFUSED;
    double ms = 0;
    VGG_CHECK(draw_choice(s, &choice), CLVGG_STATUS_UNSUPPORTED,
              "no parameters of CLBlast fit the device");
    clvgg_status status = settle(s->tuner->device->id, &choice);
    if (status == CLVGG_STATUS_OK)
        status = judge(s, result->ms, &verdict, &ms);
    if (status == CLVGG_STATUS_DEVICE_LOST || status == CLVGG_STATUS_OUT_OF_MEMORY)
        return status;
    if (status != CLVGG_STATUS_OK)
        verdict = VGG_VERDICT_REFUSED;
    vgg_tuner_note(s->tuner, result,
                   &(vgg_tuner_event){&vgg_variant_clblast_xgemm, &choice, verdict, ms,
                                      status == CLVGG_STATUS_OK ? "" : vgg_message()});
    if (status == CLVGG_STATUS_OK && verdict == VGG_VERDICT_TIMED &&
        ms < (1 - VGG_TUNER_GAIN) * result->ms) {
        result->ms = ms;
        result->choice = choice;
    }
    return CLVGG_STATUS_OK;
}

/* Searches with the lock held, so that no other search sets parameters meanwhile. */
static clvgg_status search_locked(search *s, vgg_tuner_result *result)
{
    const vgg_tuner *tuner = s->tuner;
    const cl_device_id id = tuner->device->id;
    static const vgg_choice untuned = {{0}};
    vgg_verdict verdict = VGG_VERDICT_REFUSED;
    note_device(id);
    VGG_PASS(judge(s, 0, &verdict, &result->default_ms));
    vgg_tuner_note(
        tuner, result,
        &(vgg_tuner_event){&vgg_variant_clblast_xgemm, &untuned, verdict, result->default_ms, ""});
    result->ms = verdict == VGG_VERDICT_TIMED ? result->default_ms : 1e9;
    while (vgg_clock_ms() < tuner->deadline_ms && !result->stopped) {
        VGG_PASS(try_one(s, result));
        result->stopped = tuner->stop != NULL && tuner->stop(tuner->user);
    }
    if (result->choice.values[0] != 0)
        VGG_PASS(settle(id, &result->choice));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_clblast_tune(const vgg_tuner *tuner, vgg_tuner_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    search s = {.tuner = tuner, .random = tuner->seed};
    *result = (vgg_tuner_result){.variant = &vgg_variant_clblast_xgemm};
    vgg_clblast_note(tuner->device);
    VGG_TRY(vgg_clock_queue(tuner->device, false, &s.queue));
    s.traits = vgg_traits_of(&tuner->device->info);
    VGG_TRY(vgg_clblast_tuning_product(s.queue, &s.product));
    VGG_TRY(make_operands(&s));
    pthread_mutex_lock(&lock);
    status = search_locked(&s, result);
    pthread_mutex_unlock(&lock);
cleanup:
    if (s.queue != NULL)
        clFinish(s.queue);
    const cl_mem buffers[] = {s.x, s.w, s.y, s.workspace};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        VGG_RELEASE(MemObject, buffers[i]);
    VGG_RELEASE(CommandQueue, s.queue);
    vgg_free(s.expected);
    vgg_free(s.read);
    return status;
}
