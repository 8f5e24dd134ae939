/* support/tuning_result.h — results of tuning for tests. */
#ifndef TEST_SUPPORT_TUNING_RESULT_H
#define TEST_SUPPORT_TUNING_RESULT_H

#include "tune/tuning.h"

/* No kernel has this hash. */
#define TUNING_OTHER_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* A result of conv_blocked with parameters, on a CPU. */
vgg_tuning tuning_make(const char *problem, int batch);
void tuning_assert_same(const vgg_tuning *a, const vgg_tuning *b);

#endif
