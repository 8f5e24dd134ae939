/* stopwatch.c — passes of a standard network timed from outside: by a program that uses the library
 * as anybody may, with a clock of its own, for `clvgg bench` to be held against. Prints the median
 * and the least in ms. Usage: stopwatch ARCHITECTURE BATCH PASSES */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <clvgg/model.h>
#include <clvgg/session.h>

enum { WARM_UPS = 3, CLASSES = 1000, VALUES = 3 * 224 * 224 };

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static clvgg_status open_session(const char *architecture, int batch, clvgg_runtime *runtime,
                                 clvgg_device **device, clvgg_model **model,
                                 clvgg_session **session)
{
    static uint64_t seed = 1;
    clvgg_model_description description;
    clvgg_session_options options;
    clvgg_model_description_defaults(&description);
    description.architecture = architecture;
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    clvgg_session_options_defaults(&options);
    options.max_batch = batch;
    clvgg_status status = clvgg_device_open(runtime, NULL, NULL, device);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_build(runtime, &description, model);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_session_create(*device, *model, &options, session);
    return status;
}

int main(int argc, char **argv)
{
    const int batch = argc == 4 ? atoi(argv[2]) : 0, passes = argc == 4 ? atoi(argv[3]) : 0;
    if (batch < 1 || batch > 4096 || passes < 1 || passes > 100000) {
        fprintf(stderr, "usage: stopwatch vgg11|vgg13|vgg16|vgg19 BATCH PASSES\n");
        return 2;
    }
    clvgg_runtime *runtime = NULL;
    clvgg_device *device = NULL;
    clvgg_model *model = NULL;
    clvgg_session *session = NULL;
    float *input = calloc((size_t)batch * VALUES, sizeof *input);
    float *logits = calloc((size_t)batch * CLASSES, sizeof *logits);
    double *ms = calloc((size_t)passes, sizeof *ms);
    for (int i = 0; input != NULL && i < batch * VALUES; i++)
        input[i] = (float)(i % 17 - 8) / 8;
    clvgg_status status = clvgg_runtime_create(NULL, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = open_session(argv[1], batch, runtime, &device, &model, &session);
    if (input == NULL || logits == NULL || ms == NULL)
        status = CLVGG_STATUS_OUT_OF_MEMORY;
    for (int i = -WARM_UPS; status == CLVGG_STATUS_OK && i < passes; i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        status = clvgg_session_run(session, batch, input, &logits);
        clock_gettime(CLOCK_MONOTONIC, &after);
        if (i >= 0)
            ms[i] = (double)(after.tv_sec - before.tv_sec) * 1e3 +
                    (double)(after.tv_nsec - before.tv_nsec) * 1e-6;
    }
    if (status == CLVGG_STATUS_OK) {
        qsort(ms, (size_t)passes, sizeof *ms, compare);
        printf("{\"median_ms\": %.4f, \"min_ms\": %.4f}\n", ms[passes / 2], ms[0]);
    } else {
        fprintf(stderr, "stopwatch: %s\n", clvgg_status_message());
    }
    clvgg_session_free(session);
    clvgg_model_free(model);
    clvgg_device_free(device);
    clvgg_runtime_free(runtime);
    free(ms);
    free(logits);
    free(input);
    return status != CLVGG_STATUS_OK;
}
