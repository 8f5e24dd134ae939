/* tests/support/failing_allocator.h — an allocator whose n-th call fails, and that counts what is
 * still held. The sweep runs an operation with n = 0, 1, 2 … until it succeeds. */
#ifndef TEST_SUPPORT_FAILING_ALLOCATOR_H
#define TEST_SUPPORT_FAILING_ALLOCATOR_H

#include <stdatomic.h>

#include "base/runtime.h"
#include "base/status.h"

typedef struct failing_allocator {
    atomic_long before_failure; /* allocations that still succeed; negative: all do */
    atomic_long held;           /* blocks not yet released */
} failing_allocator;

void *failing_allocate(void *user, size_t bytes);
void failing_release(void *user, void *memory);

/* Runs `operation` in a scope with this allocator, failing each allocation in turn, until it
 * succeeds. Each failure must be OUT_OF_MEMORY, and nothing may stay held. `operation` frees what
 * it made. Returns the number of failures; aborts with a message otherwise. */
long failing_allocator_sweep(clvgg_status (*operation)(void *user), void *user);

#endif
