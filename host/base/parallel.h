/* base/parallel.h — one function over many indices, on several threads. */
#ifndef VGG_BASE_PARALLEL_H
#define VGG_BASE_PARALLEL_H

#include <pthread.h>
#include <stddef.h>

#include "base/status.h"

/* pthread_create() of a thread that never runs the host program's signal handlers. Returns errno.
 */
int vgg_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                     void *argument);

/* Calls work(user, worker, i) once for each i in 0…count−1 and returns when all are done. Workers
 * are 0…threads−1, a thread each, in the calling thread's scope; the calling thread is one of them.
 * Threads that can't be started are done without. */
void vgg_parallel(int threads, size_t count, void (*work)(void *user, int worker, size_t index),
                  void *user);
/* Runs work that may fail in parallel. Of all failures the one of the lowest index is returned,
 * with its message, whichever thread comes to it first; indices behind it may be left out, none
 * before it. */
clvgg_status vgg_parallel_try(int threads, size_t count,
                              clvgg_status (*work)(void *user, size_t index), void *user);

#endif
