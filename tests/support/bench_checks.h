/* support/bench_checks.h — what every result of `clvgg bench --json` has to satisfy. */
#ifndef TEST_SUPPORT_BENCH_CHECKS_H
#define TEST_SUPPORT_BENCH_CHECKS_H

struct cJSON;

/* Members that say what was measured, and how. */
void bench_check_head(const struct cJSON *json);
/* The result's figures follow from its samples, and those of its layers from theirs. */
void bench_check_samples(const struct cJSON *result);

#endif
