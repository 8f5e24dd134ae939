/* base/damaged.h — files that were read although they are damaged, counted once each. */
#ifndef VGG_BASE_DAMAGED_H
#define VGG_BASE_DAMAGED_H

#include <pthread.h>
#include <stdint.h>

#include "base/status.h"

/* Threads may share it. Zero but for the mutex. */
typedef struct vgg_damaged {
    pthread_mutex_t mutex;
    uint64_t *hashes; /* [count] of names: few, as damage is rare */
    size_t count, capacity;
    char *first;
} vgg_damaged;

/* Notes a file in the thread's scope; nothing outside any. */
clvgg_status vgg_damaged_note(const char *name);
void vgg_damaged_free(vgg_damaged *damaged);

#endif
