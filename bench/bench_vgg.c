/* bench_vgg.c — times forward passes of a full-size VGG16 with random weights and prints one line
 * of JSON, the same keys as bench/peers.py has for other runtimes; --steps adds a table of the
 * steps. Usage: bench_vgg [--device D] [--batch N] [--reps R] [--variant LAYER=NAME] [--steps] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <clvgg/session.h>

#include "random_vgg.h"

enum { MAX_REPS = 1000, MAX_VARIANTS = 16, WARM_UPS = 2 };

typedef struct arguments {
    const char *device;
    int batch, reps, steps;
    const char *variants[MAX_VARIANTS];
    size_t variant_count;
} arguments;

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int parse(int argc, char **argv, arguments *chosen)
{
    static const struct option options[] = {
        {"device", required_argument, NULL, 'd'}, {"batch", required_argument, NULL, 'b'},
        {"reps", required_argument, NULL, 'r'},   {"variant", required_argument, NULL, 'v'},
        {"steps", no_argument, NULL, 's'},        {NULL, 0, NULL, 0}};
    *chosen = (arguments){.batch = 1, .reps = 9};
    for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (letter) {
        case 'd':
            chosen->device = optarg;
            break;
        case 'b':
            chosen->batch = atoi(optarg);
            break;
        case 'r':
            chosen->reps = atoi(optarg);
            break;
        case 'v':
            if (chosen->variant_count == MAX_VARIANTS)
                return 0;
            chosen->variants[chosen->variant_count++] = optarg;
            break;
        case 's':
            chosen->steps = 1;
            break;
        default:
            return 0;
        }
    }
    return optind == argc && chosen->batch > 0 && chosen->reps > 0 && chosen->reps <= MAX_REPS;
}

/* Input [batch][3][224][224] in 0…1, the same in every run. */
static float *make_input(const clvgg_session *session, int batch, size_t *output_size)
{
    clvgg_shape input, output;
    clvgg_session_input_shape(session, &input);
    if (clvgg_session_output_shape(session, 0, &output) != CLVGG_STATUS_OK)
        return NULL;
    const size_t count = (size_t)batch * (size_t)(input.dims[0] * input.dims[1] * input.dims[2]);
    float *values = malloc(count * sizeof *values);
    uint32_t state = 1;
    for (size_t i = 0; values != NULL && i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / 16777216.0f;
    }
    *output_size = (size_t)batch * (size_t)output.dims[0];
    return values;
}

static void print_line(const clvgg_session *session, int batch, const double *times, int reps)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(session, &stats);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"peer\": \"clvgg\", \"batch\": %d, \"median_ms\": %.2f, \"min_ms\": %.2f, "
           "\"rss_mib\": %ld, \"plan_ms\": %.1f, \"compile_ms\": %.1f, \"weights_ms\": %.1f, "
           "\"weight_mib\": %.1f, \"arena_mib\": %.1f}\n",
           batch, times[reps / 2], times[0], usage.ru_maxrss / 1024, stats.plan_ms,
           stats.compile_ms, stats.weights_ms, (double)stats.weight_bytes / 1048576,
           (double)stats.arena_bytes / 1048576);
}

static void print_steps(const clvgg_session *session, int batch)
{
    for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(session, i, &step) != CLVGG_STATUS_OK)
            return;
        const double gflops = step.ms > 0 ? (double)step.flops * batch / step.ms * 1e-6 : 0;
        printf("%-36s %-24s %9.3f ms %8.1f GFLOP/s\n", step.layers, step.variant, step.ms, gflops);
    }
}

static clvgg_status measure(clvgg_session *session, const arguments *chosen)
{
    static double times[MAX_REPS];
    size_t output_size = 0;
    float *input = make_input(session, chosen->batch, &output_size);
    float *logits = malloc(output_size * sizeof *logits);
    clvgg_status status = input && logits ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
    for (int i = -WARM_UPS; i < chosen->reps && status == CLVGG_STATUS_OK; i++) {
        const double start = now_ms();
        status = clvgg_session_run(session, chosen->batch, input, &logits);
        if (i >= 0)
            times[i] = now_ms() - start;
    }
    if (status == CLVGG_STATUS_OK) {
        qsort(times, (size_t)chosen->reps, sizeof *times, ascending);
        print_line(session, chosen->batch, times, chosen->reps);
        if (chosen->steps)
            print_steps(session, chosen->batch);
    }
    free(logits);
    free(input);
    return status;
}

int main(int argc, char **argv)
{
    arguments chosen;
    if (!parse(argc, argv, &chosen)) {
        fprintf(stderr, "usage: bench_vgg [--device D] [--batch N] [--reps R] "
                        "[--variant LAYER=NAME]... [--steps]\n");
        return 2;
    }
    const uint64_t seed = 1;
    clvgg_runtime *runtime = NULL;
    clvgg_device *device = NULL;
    clvgg_model *model = NULL;
    clvgg_session *session = NULL;
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.max_batch = chosen.batch;
    options.variants = chosen.variants;
    options.variant_count = chosen.variant_count;
    options.profile = chosen.steps;

    clvgg_status status = clvgg_runtime_create(NULL, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_open(runtime, chosen.device, NULL, &device);
    if (status == CLVGG_STATUS_OK)
        status = random_vgg_build(runtime, "vgg16", &seed, &model);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_session_create(device, model, &options, &session);
    if (status == CLVGG_STATUS_OK)
        status = measure(session, &chosen);
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "bench_vgg: %s\n", clvgg_status_message());
    clvgg_session_free(session);
    clvgg_model_free(model);
    clvgg_device_free(device);
    clvgg_runtime_free(runtime);
    return status != CLVGG_STATUS_OK;
}
