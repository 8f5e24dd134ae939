/* base/damaged.c — see damaged.h. */
#include "base/damaged.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/runtime.h"

static clvgg_status add(vgg_damaged *damaged, uint64_t hash, const char *name)
{
    VGG_GROW_PASS(damaged->hashes, damaged->count, damaged->capacity, 16);
    if (damaged->first == NULL)
        VGG_DUP_PASS(damaged->first, name);
    damaged->hashes[damaged->count++] = hash;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_damaged_note(const char *name)
{
    const vgg_scope *scope = vgg_scope_current();
    vgg_damaged *damaged = scope != NULL ? scope->damaged : NULL;
    clvgg_status status = CLVGG_STATUS_OK;
    if (damaged == NULL)
        return status;
    const uint64_t hash = vgg_hash_text(VGG_HASH_START, name);
    bool known = false;
    pthread_mutex_lock(&damaged->mutex);
    for (size_t i = 0; i < damaged->count && !known; i++)
        known = damaged->hashes[i] == hash;
    if (!known)
        status = add(damaged, hash, name);
    pthread_mutex_unlock(&damaged->mutex);
    return status;
}

void vgg_damaged_free(vgg_damaged *damaged)
{
    vgg_free(damaged->hashes);
    vgg_free(damaged->first);
    pthread_mutex_destroy(&damaged->mutex);
}
