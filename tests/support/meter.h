/* tests/support/meter.h — a runtime whose memory is counted, or fails, from any thread. */
#ifndef TEST_SUPPORT_METER_H
#define TEST_SUPPORT_METER_H

#include <stdatomic.h>

#include "clvgg/runtime.h"

/* `left` allocations succeed, all of them if negative. */
typedef struct meter {
    atomic_long left;
    atomic_llong held_bytes, peak_bytes;
    atomic_long held_blocks;
} meter;

/* Starts the meter anew. Free with clvgg_runtime_free(). */
clvgg_runtime *meter_runtime(meter *m, int threads);

#endif
