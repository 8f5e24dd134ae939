/* tests/support/failing_allocator.c — an allocator whose n-th call fails. */
#include "support/failing_allocator.h"

#include <stdio.h>
#include <stdlib.h>

void *failing_allocate(void *user, size_t bytes)
{
    failing_allocator *allocator = user;
    long left = atomic_load(&allocator->before_failure);
    while (left > 0 && !atomic_compare_exchange_weak(&allocator->before_failure, &left, left - 1))
        ;
    if (left == 0)
        return NULL;
    allocator->held++;
    return malloc(bytes);
}

void failing_release(void *user, void *memory)
{
    failing_allocator *allocator = user;
    allocator->held--;
    free(memory);
}

long failing_allocator_sweep(clvgg_status (*operation)(void *user), void *user)
{
    for (long n = 0;; n++) {
        failing_allocator allocator = {.before_failure = n};
        vgg_scope scope = {
            .allocate = failing_allocate, .release = failing_release, .allocator_user = &allocator};
        const vgg_scope *previous = vgg_scope_enter(&scope);
        clvgg_status status = operation(user);
        vgg_scope_leave(previous);
        if (allocator.held != 0 ||
            (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY)) {
            fprintf(stderr, "allocation %ld fails: %s (%s), %ld blocks still held\n", n,
                    vgg_status_name(status), vgg_message(), allocator.held);
            abort();
        }
        if (status == CLVGG_STATUS_OK)
            return n;
    }
}
