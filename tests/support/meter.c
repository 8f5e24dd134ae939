/* tests/support/meter.c — see meter.h. */
#include "support/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *meter_allocate(void *user, size_t bytes)
{
    meter *m = user;
    long left = atomic_load(&m->left);
    if (left >= 0 && atomic_fetch_sub(&m->left, 1) <= 0)
        return NULL;
    max_align_t *block = malloc(sizeof *block + bytes);
    memcpy(block, &bytes, sizeof bytes);
    long long held = atomic_fetch_add(&m->held_bytes, (long long)bytes) + (long long)bytes;
    if (held > atomic_load(&m->peak_bytes)) /* approximate between threads */
        atomic_store(&m->peak_bytes, held);
    atomic_fetch_add(&m->held_blocks, 1);
    return block + 1;
}

static void meter_release(void *user, void *memory)
{
    meter *m = user;
    size_t bytes;
    max_align_t *block = (max_align_t *)memory - 1;
    memcpy(&bytes, block, sizeof bytes);
    atomic_fetch_sub(&m->held_bytes, (long long)bytes);
    atomic_fetch_sub(&m->held_blocks, 1);
    free(block);
}

clvgg_runtime *meter_runtime(meter *m, int threads)
{
    clvgg_runtime *runtime = NULL;
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.threads = threads;
    options.allocate = meter_allocate;
    options.release = meter_release;
    options.allocator_user = m;
    *m = (meter){.left = -1};
    assert_int_equal(clvgg_runtime_create(&options, &runtime), CLVGG_STATUS_OK);
    return runtime;
}
