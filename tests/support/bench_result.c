#include "support/bench_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/scratch.h"

static void put_samples(FILE *file, double ms)
{
    for (int i = 0; i < 20; i++)
        fprintf(file, "%s%.6g", i > 0 ? ", " : "", ms * (1 + (i * 7 % 20) * 0.0005));
}

static void put_layer(FILE *file, const char *name, const char *layers, const char *variant,
                      double ms)
{
    fprintf(file,
            "{\"name\": \"%s\", \"layers\": \"%s\", \"variant\": \"%s\", \"ms\": %.6g, "
            "\"samples_ms\": [",
            name, layers, variant, ms);
    put_samples(file, ms);
    fputs("]}", file);
}

void test_bench_result_put(const char *name, const test_bench_result *r)
{
    FILE *file = fopen(test_scratch_path(name), "wb");
    assert_non_null(file);
    fprintf(file,
            "{\"schema\": \"clvgg-bench/1\", \"program\": {\"name\": \"clvgg\", \"version\": "
            "\"1.0\", \"commit\": \"0123456789abcdef\"}, \"device\": {\"name\": \"one\", \"type\": "
            "\"cpu\", \"compute_units\": 2, "
            "\"platform\": \"p\"}, \"model\": \"vgg16\", \"architecture\": \"vgg16\", "
            "\"peak\": {\"fma_gflops\": 300, \"read_gbps\": 15}, %s, "
            "\"results\": [{\"batch\": %d, \"median_ms\": %.6g, \"min_ms\": %.6g, "
            "\"fingerprint\": \"f0\", \"samples_ms\": [",
            r->members != NULL ? r->members : "\"random_weights\": true, \"input\": [3, 224, 224]",
            r->batch, r->pass, r->pass);
    put_samples(file, r->pass);
    fputs("], \"layers\": [", file);
    put_layer(file, "conv1_1", "conv1_1+relu1_1", "direct", r->conv1);
    fputs(", ", file);
    put_layer(file, "conv2_1", r->layers != NULL ? r->layers : "conv2_1+relu2_1", "fast|wide",
              r->conv2);
    fputs("]}]}\n", file);
    assert_int_equal(fclose(file), 0);
}
