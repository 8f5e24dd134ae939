/* base/parallel.c — see parallel.h. Indices are dealt out one by one: files differ in size. */
#include "base/parallel.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/runtime.h"

enum { MOST_THREADS = 64 };
/* Stack of a worker, as large as most systems make it: some C libraries give 128 KiB, too little
 * for a driver's compiler. */
#define STACK_BYTES ((size_t)8 << 20)

int vgg_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                     void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int problem = pthread_create(thread, attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return problem;
}

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
    pthread_attr_t attributes;
    int started_count = 0;
    if (threads > MOST_THREADS)
        threads = MOST_THREADS;
    const bool ready = pthread_attr_init(&attributes) == 0;
    if (ready)
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (ready && started_count + 1 < threads && (size_t)started_count + 1 < count &&
           vgg_thread_start(&started[started_count], &attributes, run, &shared) == 0)
        started_count++;
    take_indices(&shared);
    for (int i = 0; i < started_count; i++)
        pthread_join(started[i], NULL);
    if (ready)
        pthread_attr_destroy(&attributes);
}

/* ---- work that may fail ---- */

typedef struct attempt {
    clvgg_status (*work)(void *user, size_t index);
    void *user;
    pthread_mutex_t lock; /* guards what follows */
    size_t end;           /* the lowest index that failed; before one did, the count */
    clvgg_status status;
    char message[VGG_MESSAGE_BYTES];
} attempt;

/* Indices are begun in order: when one fails, all before it were begun and will be ended. */
static void try_index(void *user, int worker, size_t index)
{
    attempt *shared = user;
    (void)worker;
    pthread_mutex_lock(&shared->lock);
    const bool wanted = index < shared->end;
    pthread_mutex_unlock(&shared->lock);
    const clvgg_status status = wanted ? shared->work(shared->user, index) : CLVGG_STATUS_OK;
    if (status == CLVGG_STATUS_OK)
        return;
    pthread_mutex_lock(&shared->lock);
    if (index < shared->end) {
        shared->end = index;
        shared->status = status;
        snprintf(shared->message, sizeof shared->message, "%s", vgg_message());
    }
    pthread_mutex_unlock(&shared->lock);
}

clvgg_status vgg_parallel_try(int threads, size_t count,
                              clvgg_status (*work)(void *user, size_t index), void *user)
{
    attempt shared = {.work = work,
                      .user = user,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .end = count,
                      .status = CLVGG_STATUS_OK};
    vgg_parallel(threads, count, try_index, &shared);
    pthread_mutex_destroy(&shared.lock);
    return shared.status == CLVGG_STATUS_OK ? CLVGG_STATUS_OK
                                            : vgg_fail(shared.status, "%s", shared.message);
}
