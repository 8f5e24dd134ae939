/* support/bench_result.h — results as `clvgg bench` writes them, for what reads them. */
#ifndef TEST_SUPPORT_BENCH_RESULT_H
#define TEST_SUPPORT_BENCH_RESULT_H

/* A result of today: members of the object, and times of its only batch. */
typedef struct test_bench_result {
    const char *members; /* NULL: "random_weights" and "input" */
    int batch;
    double pass, conv1, conv2; /* samples are this and up to 1 % more */
    const char *layers;        /* of conv2_1; NULL: its activation alone */
} test_bench_result;

/* Writes it to a file in the scratch folder. */
void test_bench_result_put(const char *name, const test_bench_result *r);

#endif
