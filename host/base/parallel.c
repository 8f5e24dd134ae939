/* base/parallel.c — see parallel.h. Indices are dealt out one by one: files differ in size. */
#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/runtime.h"

enum { MOST_THREADS = 64 };

typedef struct job {
    const vgg_scope *scope;
    void (*work)(void *user, int worker, size_t index);
    void *user;
    size_t count;
    atomic_size_t next;
    atomic_int workers;
} job;

static void take_indices(job *shared)
{
    int worker = atomic_fetch_add(&shared->workers, 1);
    for (size_t i; (i = atomic_fetch_add(&shared->next, 1)) < shared->count;)
        shared->work(shared->user, worker, i);
}

static void *run(void *argument)
{
    job *shared = argument;
    const vgg_scope *previous = vgg_scope_enter(shared->scope);
    take_indices(shared);
    vgg_scope_leave(previous);
    return NULL;
}

void vgg_parallel(int threads, size_t count, void (*work)(void *user, int worker, size_t index),
                  void *user)
{
    job shared = {.scope = vgg_scope_current(), .work = work, .user = user, .count = count};
    pthread_t started[MOST_THREADS];
    int started_count = 0;
    if (threads > MOST_THREADS)
        threads = MOST_THREADS;
    /* The host program's signal handlers run in its own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started_count + 1 < threads && (size_t)started_count + 1 < count &&
           pthread_create(&started[started_count], NULL, run, &shared) == 0)
        started_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    take_indices(&shared);
    for (int i = 0; i < started_count; i++)
        pthread_join(started[i], NULL);
}
