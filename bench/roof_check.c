/* roof_check.c — fused multiply-adds and reading of memory, measured without OpenCL: in this
 * machine's own instructions, a thread a processor. What `clvgg bench --roof` says of a CPU is held
 * against it. One JSON object.
 *
 * Usage: roof_check
 */
#define _GNU_SOURCE /* madvise, sched_getaffinity */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 vector;
typedef __m512i integers;
#define SPREAD _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define LOAD(p) _mm512_load_si512(p)
#define ADD _mm512_add_epi64
#define INSTRUCTIONS "AVX-512"
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256 vector;
typedef __m256i integers;
#define SPREAD _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define LOAD(p) _mm256_load_si256((const __m256i *)(p))
#define ADD _mm256_add_epi64
#define INSTRUCTIONS "AVX2"
#elif defined(__ARM_NEON)
#include <arm_neon.h>
typedef float32x4_t vector;
typedef uint64x2_t integers;
#define SPREAD vdupq_n_f32
#define FMA(a, x, y) vfmaq_f32(y, a, x)
#define LOAD(p) vld1q_u64((const uint64_t *)(p))
#define ADD vaddq_u64
#define INSTRUCTIONS "NEON"
#else
typedef float vector;
typedef uint64_t integers;
#define SPREAD
#define FMA(a, x, y) ((a) * (x) + (y))
#define LOAD(p) (*(const uint64_t *)(p))
#define ADD(a, b) ((a) + (b))
#define INSTRUCTIONS "plain C"
#endif

enum { TIMES = 100, MOST_THREADS = 256, PARTS = 8 /* a thread */ };
enum { CHAINS = 12, STEPS = 4, STREAMS = 8 };
static const long rounds = 1 << 17; /* of a part */
static const size_t bytes = 256 << 20, huge_page = 2 << 20;

typedef struct part {
    const char *data;
    size_t bytes;
    double left;    /* of the sums, which nothing may drop */
    uint64_t total; /* of what was read */
} part;

static void multiply(part *p)
{
    vector a[CHAINS];
    volatile float given = 1.0f; /* the compiler doesn't know it */
    const vector one = SPREAD(given);
    for (int c = 0; c < CHAINS; c++)
        a[c] = SPREAD((float)c);
    for (long r = 0; r < rounds; r++)
#pragma GCC unroll 4
        for (int s = 0; s < STEPS; s++)
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++)
                a[c] = FMA(a[c], one, one);
    float lanes[sizeof(vector) / sizeof(float)];
    p->left = 0;
    for (int c = 0; c < CHAINS; c++) {
        memcpy(lanes, &a[c], sizeof lanes);
        p->left += (double)lanes[0];
    }
}

static void read_part(part *p)
{
    integers a[STREAMS];
    memset(a, 0, sizeof a);
    for (const char *at = p->data; at < p->data + p->bytes; at += sizeof a)
#pragma GCC unroll 8
        for (int s = 0; s < STREAMS; s++)
            a[s] = ADD(a[s], LOAD(at + (size_t)s * sizeof(integers)));
    uint64_t lanes[sizeof a / (sizeof(uint64_t))];
    memcpy(lanes, a, sizeof lanes);
    p->total = 0;
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        p->total += lanes[i];
}

/* Parts that threads take one after the other, so that one that has to wait for a processor holds
 * up no more than its part. */
typedef struct job {
    part parts[MOST_THREADS * PARTS];
    int count;
    atomic_int next;
    void (*run)(part *);
} job;

static void *work(void *argument)
{
    job *j = argument;
    for (int i; (i = atomic_fetch_add(&j->next, 1)) < j->count;)
        j->run(&j->parts[i]);
    return NULL;
}

/* The least milliseconds of several, in all threads at once. */
static double time_job(job *j, int threads, void (*run)(part *))
{
    pthread_t others[MOST_THREADS];
    double least_ms = 0;
    j->run = run;
    for (int i = 0; i < TIMES; i++) {
        const double start = vgg_clock_ms();
        atomic_store(&j->next, 0);
        for (int t = 1; t < threads; t++)
            if (pthread_create(&others[t], NULL, work, j) != 0)
                abort();
        work(j);
        for (int t = 1; t < threads; t++)
            pthread_join(others[t], NULL);
        const double ms = vgg_clock_ms() - start;
        least_ms = i == 0 || ms < least_ms ? ms : least_ms;
    }
    return least_ms;
}

int main(void)
{
    static job j;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    const int processors = CPU_COUNT(&allowed);
    const int threads = processors > MOST_THREADS ? MOST_THREADS : processors;
    uint64_t *data = aligned_alloc(huge_page, bytes);
    if (data == NULL)
        return 1;
#ifdef MADV_HUGEPAGE
    madvise(data, bytes, MADV_HUGEPAGE);
#endif
    for (size_t i = 0; i < bytes / sizeof *data; i++)
        data[i] = 1;
    j.count = threads * PARTS;
    const size_t unit = STREAMS * sizeof(integers), share = bytes / (size_t)j.count / unit * unit;
    for (int i = 0; i < j.count; i++)
        j.parts[i] = (part){.data = (const char *)data + (size_t)i * share, .bytes = share};
    const double fma_ms = time_job(&j, threads, multiply);
    const double flops = 2.0 * (sizeof(vector) / sizeof(float)) * CHAINS * STEPS * (double)rounds;
    const double read_ms = time_job(&j, threads, read_part);
    for (int i = 0; i < j.count; i++) {
        if (j.parts[i].left != CHAINS * (CHAINS - 1) / 2 + (double)(CHAINS * STEPS * rounds))
            return fprintf(stderr, "roof_check: %g counted\n", j.parts[i].left), 1;
        if (j.parts[i].total != share / sizeof *data)
            return fprintf(stderr, "roof_check: %llu read\n", (unsigned long long)j.parts[i].total),
                   1;
    }
    printf("{\"instructions\": \"%s\", \"threads\": %d, \"fma_f32_gflops\": %.1f, "
           "\"read_gbps\": %.2f}\n",
           INSTRUCTIONS, threads, flops * j.count / fma_ms * 1e-6,
           (double)share * j.count / read_ms * 1e-6);
    free(data);
    return 0;
}
