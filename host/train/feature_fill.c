/* train/feature_fill.c — computing what a feature file lacks.
 *
 * Three things go on at once: threads decode the images ahead (pipeline/stream.h), this thread has
 * the device compute a batch, and a writer puts the batch before it on the disk; there are two
 * buffers between the two. One process fills a file at a time, the next waits and finds it filled.
 */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/parallel.h"
#include "train/feature_compute.h"

typedef struct filling {
    vgg_features *features;
    vgg_feature_file *file;
    const vgg_feature_item *items;
    size_t item_count;
    vgg_features_progress progress;
    void *user;
    size_t *missing; /* [missing_count], indices of items, each record once */
    size_t missing_count;
    vgg_feature_compute *compute;
    /* Batch b goes through buffer b modulo 2. */
    uint16_t *buffers[2]; /* [device_batch][feature_count] */
    size_t *rows[2];      /* [device_batch] which of `missing` */
    size_t sizes[2];
    bool has_writer;
    pthread_t writer;
    const vgg_scope *scope;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    size_t filled, emptied; /* batches */
    size_t written;         /* records */
    bool ended;             /* no batch will follow */
    clvgg_status problem;   /* the writer's, with its message */
    char message[1024];
} filling;

static clvgg_status report(const filling *work, uint64_t done, uint64_t total)
{
    if (work->progress == NULL || work->progress(work->user, done, total))
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_CANCELLED,
                    "cancelled with %llu of %llu features computed, which are kept",
                    (unsigned long long)done, (unsigned long long)total);
}

static uint32_t slot_of(const filling *work, size_t item)
{
    const vgg_feature_id id = vgg_features_id(work->features, &work->items[item]);
    return vgg_feature_index_find(&work->file->index, &id);
}

static uint32_t *state_of(const filling *work, uint32_t slot)
{
    return &work->file->index.slots[slot].state;
}

/* ---- what is there ---- */

static size_t count_missing(const filling *work)
{
    return work->item_count - vgg_features_present(work->features, work->items, work->item_count);
}

static uint64_t missing_bytes(const filling *work, bool discarding)
{
    return vgg_features_missing_bytes(work->features, work->items, work->item_count, discarding);
}

/* Reads the records of the items that weren't read yet, in the order of the disk: a damaged one
 * becomes absent. */
static clvgg_status verify(filling *work)
{
    enum { GROUP = 64 };
    clvgg_status status = CLVGG_STATUS_OK;
    uint16_t *values = NULL;
    const size_t missing = count_missing(work);
    size_t damaged = 0, doubted = 0;
    for (size_t i = 0; i < work->item_count; i++) {
        const uint32_t slot = slot_of(work, i);
        if (slot != VGG_FEATURE_NO_SLOT && *state_of(work, slot) == VGG_FEATURE_PRESENT) {
            *state_of(work, slot) = VGG_FEATURE_DOUBTED;
            doubted++;
        }
    }
    VGG_NEW(values, work->features->options.feature_count);
    for (uint32_t slot = 0; slot < work->file->index.count && doubted > 0; slot++) {
        bool sound = false;
        if (slot % GROUP == 0) {
            vgg_feature_file_expect(work->file, slot, 2 * GROUP);
            VGG_TRY(report(work, 0, missing + damaged));
        }
        if (*state_of(work, slot) != VGG_FEATURE_DOUBTED)
            continue;
        VGG_TRY(vgg_feature_file_read(work->file, slot, values, &sound));
        *state_of(work, slot) = sound ? VGG_FEATURE_VERIFIED : VGG_FEATURE_ABSENT;
        damaged += !sound;
        doubted--;
    }
    if (damaged > 0)
        vgg_log(CLVGG_LOG_WARNING, "features: %zu damaged records in %s/%s are computed again",
                damaged, work->file->folder.path, work->file->name);
cleanup:
    vgg_free(values);
    return status;
}

/* Waits while another process fills the file. */
static clvgg_status lock(const filling *work)
{
    bool locked = false;
    for (bool first = true; !locked; first = false) {
        VGG_PASS(vgg_feature_lock(&work->file->folder, work->file->descriptor, &locked));
        if (locked)
            break;
        if (first)
            vgg_log(CLVGG_LOG_INFO, "features: waiting for another process that computes them");
        VGG_PASS(report(work, 0, count_missing(work)));
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return CLVGG_STATUS_OK;
}

/* Lists what is missing, each record once, and gives it a slot. */
static clvgg_status list_missing(filling *work)
{
    const size_t most = count_missing(work);
    VGG_NEW_PASS(work->missing, most);
    VGG_PASS(vgg_feature_index_grow(&work->file->index, work->file->index.count + most));
    for (size_t i = 0; i < work->item_count; i++) {
        const vgg_feature_id id = vgg_features_id(work->features, &work->items[i]);
        const uint32_t slot = vgg_feature_file_assign(work->file, &id);
        if (*state_of(work, slot) == VGG_FEATURE_ABSENT) {
            *state_of(work, slot) = VGG_FEATURE_WANTED;
            work->missing[work->missing_count++] = i;
        }
    }
    return CLVGG_STATUS_OK;
}

/* ---- the writer ---- */

static clvgg_status write_batch(filling *work, size_t buffer)
{
    const size_t row = work->features->options.feature_count;
    for (size_t i = 0; i < work->sizes[buffer]; i++) {
        const size_t item = work->missing[work->rows[buffer][i]];
        const vgg_feature_id id = vgg_features_id(work->features, &work->items[item]);
        const uint32_t slot = slot_of(work, item);
        VGG_PASS(vgg_feature_file_write(work->file, slot, &id, work->buffers[buffer] + i * row));
        *state_of(work, slot) = VGG_FEATURE_VERIFIED;
        pthread_mutex_lock(&work->mutex);
        work->written++;
        pthread_mutex_unlock(&work->mutex);
    }
    return CLVGG_STATUS_OK;
}

static void *write_batches(void *argument)
{
    filling *work = argument;
    const vgg_scope *previous = vgg_scope_enter(work->scope);
    pthread_mutex_lock(&work->mutex);
    while (work->problem == CLVGG_STATUS_OK) {
        while (work->filled == work->emptied && !work->ended)
            pthread_cond_wait(&work->changed, &work->mutex);
        if (work->filled == work->emptied)
            break;
        const size_t buffer = work->emptied % 2;
        pthread_mutex_unlock(&work->mutex);
        clvgg_status status = write_batch(work, buffer);
        pthread_mutex_lock(&work->mutex);
        if (status != CLVGG_STATUS_OK)
            snprintf(work->message, sizeof work->message, "%s", vgg_message());
        work->problem = status;
        work->emptied++;
        pthread_cond_broadcast(&work->changed);
    }
    pthread_mutex_unlock(&work->mutex);
    vgg_scope_leave(previous);
    return NULL;
}

static clvgg_status start_writer(filling *work)
{
    const size_t batch = work->features->device_batch;
    for (int i = 0; i < 2; i++) {
        VGG_NEW_PASS(work->buffers[i], batch * work->features->options.feature_count);
        VGG_NEW_PASS(work->rows[i], batch);
    }
    work->scope = vgg_scope_current();
    const int problem = vgg_thread_start(&work->writer, NULL, write_batches, work);
    VGG_CHECK(problem == 0, CLVGG_STATUS_OUT_OF_MEMORY, "can't start a writing thread (error %d)",
              problem);
    work->has_writer = true;
    return CLVGG_STATUS_OK;
}

/* A buffer that is free, and what is written by now. */
static clvgg_status wait_for_buffer(filling *work, size_t *written)
{
    pthread_mutex_lock(&work->mutex);
    while (work->problem == CLVGG_STATUS_OK && work->filled - work->emptied == 2)
        pthread_cond_wait(&work->changed, &work->mutex);
    *written = work->written;
    const clvgg_status status = work->problem;
    pthread_mutex_unlock(&work->mutex);
    return status; /* its message is told when the writer has ended */
}

static void hand_over(filling *work, size_t count)
{
    pthread_mutex_lock(&work->mutex);
    work->sizes[work->filled % 2] = count;
    work->filled++;
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->mutex);
}

/* Waits until all that was handed over is written. A failure of the writer's is the first one. */
static clvgg_status end_writer(filling *work, clvgg_status status)
{
    if (!work->has_writer)
        return status;
    pthread_mutex_lock(&work->mutex);
    work->ended = true;
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->mutex);
    pthread_join(work->writer, NULL);
    for (size_t i = 0; i < work->missing_count; i++) {
        uint32_t *state = state_of(work, slot_of(work, work->missing[i]));
        *state = *state == VGG_FEATURE_WANTED ? VGG_FEATURE_ABSENT : *state;
    }
    if (work->problem == CLVGG_STATUS_OK)
        return status;
    return vgg_fail(work->problem, "%s (%zu of %zu features are written, and kept)", work->message,
                    work->written, work->missing_count);
}

/* ---- all of it ---- */

static clvgg_status compute_missing(filling *work)
{
    size_t count = 1, written = 0;
    VGG_PASS(vgg_feature_compute_open(work->features, work->items, work->missing,
                                      work->missing_count, &work->compute));
    VGG_PASS(start_writer(work));
    while (count > 0) {
        VGG_PASS(wait_for_buffer(work, &written));
        VGG_PASS(report(work, written, work->missing_count));
        const size_t buffer = work->filled % 2;
        VGG_PASS(vgg_feature_compute_next(work->compute, work->buffers[buffer], work->rows[buffer],
                                          &count));
        if (count > 0)
            hand_over(work, count);
    }
    return CLVGG_STATUS_OK;
}

/* Makes room on the disk and below the limit: other files go first, then records of this one that
 * no call has asked for, if that is enough. */
static clvgg_status make_room(filling *work)
{
    vgg_feature_file *file = work->file;
    uint64_t room = 0;
    VGG_PASS(vgg_feature_folder_room(&file->folder, file->name, &room));
    if (room < missing_bytes(work, false) && room >= missing_bytes(work, true)) {
        vgg_log(CLVGG_LOG_INFO, "features: old records in %s/%s make room", file->folder.path,
                file->name);
        VGG_PASS(vgg_feature_file_discard(file));
        VGG_PASS(vgg_feature_file_load(file));
        VGG_PASS(verify(work));
    }
    return vgg_feature_folder_reserve(&file->folder, file->name, missing_bytes(work, false));
}

static clvgg_status fill_locked(filling *work)
{
    VGG_PASS(vgg_feature_file_load(work->file));
    VGG_PASS(verify(work));
    if (count_missing(work) == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(make_room(work));
    VGG_PASS(list_missing(work));
    VGG_PASS(end_writer(work, compute_missing(work)));
    return report(work, work->missing_count, work->missing_count);
}

clvgg_status vgg_features_fill(vgg_features *features, const vgg_feature_item *items, size_t count,
                               vgg_features_progress progress, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    filling work = {.features = features,
                    .file = features->file,
                    .items = items,
                    .item_count = count,
                    .progress = progress,
                    .user = user};
    bool locked = false;
    if (features->file == NULL)
        return CLVGG_STATUS_OK;
    pthread_mutex_init(&work.mutex, NULL);
    pthread_cond_init(&work.changed, NULL);
    VGG_TRY(verify(&work));
    if (count_missing(&work) > 0) {
        VGG_TRY(lock(&work));
        locked = true;
        VGG_TRY(fill_locked(&work));
    }
cleanup:
    if (locked)
        vgg_feature_unlock(features->file->descriptor);
    vgg_feature_compute_close(work.compute);
    pthread_cond_destroy(&work.changed);
    pthread_mutex_destroy(&work.mutex);
    vgg_free(work.missing);
    for (int i = 0; i < 2; i++) {
        vgg_free(work.buffers[i]);
        vgg_free(work.rows[i]);
    }
    return status;
}
