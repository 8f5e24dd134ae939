/* train/feature_stream.c — look-ahead: features read, or computed, before training asks.
 *
 * A thread fills two chunks in turn while the other one is handed out as float32. Within a chunk it
 * reads in the order of the disk, whatever order is asked for: an epoch's order is shuffled within
 * windows of the largest chunk, so that there are runs to read. The first chunks are small, so that
 * the first step needn't wait.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "tensor/dtype.h"
#include "train/dataset.h"
#include "train/feature_compute.h"

enum { FIRST_ROWS = 64 };

/* Slot on the disk of a row of a chunk. */
typedef struct place {
    uint32_t slot, row;
} place;

struct vgg_feature_stream {
    vgg_features *features;
    const vgg_feature_item *items;
    size_t count, batch;
    vgg_feature_compute *compute; /* NULL: from the file */
    place *places;                /* [chunk_rows], with a file */
    /* Chunk c goes through chunks[c modulo 2]. */
    struct {
        uint16_t *values; /* [chunk_rows][feature_count] */
        size_t count;
    } chunks[2];
    size_t chunk_rows;
    size_t taken; /* rows of the chunk that is being handed out */
    const vgg_scope *scope;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    size_t filled, emptied; /* chunks */
    bool ended, stopping;
    clvgg_status problem; /* why it ended, with its message */
    char message[1024];
    uint32_t damaged; /* slot; VGG_FEATURE_NO_SLOT: none */
};

/* ---- filling chunks ---- */

static int compare_places(const void *a, const void *b)
{
    const uint32_t x = ((const place *)a)->slot, y = ((const place *)b)->slot;
    return x < y ? -1 : x > y;
}

/* Number of places from `first` on that are neighbours on the disk. */
static size_t run_at(const place *places, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && places[end].slot - places[end - 1].slot <= 1)
        end++;
    return end - first;
}

static clvgg_status read_row(vgg_feature_stream *stream, const place *from, const char *path,
                             uint16_t *values)
{
    const vgg_feature_file *file = stream->features->file;
    bool sound = false;
    VGG_PASS(vgg_feature_file_read(file, from->slot, values, &sound));
    if (!sound)
        stream->damaged = from->slot;
    VGG_CHECK(sound, CLVGG_STATUS_BAD_FILE,
              "%s/%s: the features of %s were damaged since they were verified; they are computed "
              "again by the next run",
              file->folder.path, file->name, path);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_chunk(vgg_feature_stream *stream, size_t first, size_t count,
                               uint16_t *values)
{
    const vgg_features *features = stream->features;
    place *places = stream->places;
    for (size_t i = 0; i < count; i++) {
        const vgg_feature_id id = vgg_features_id(features, &stream->items[first + i]);
        places[i] = (place){vgg_feature_index_find(&features->file->index, &id), (uint32_t)i};
    }
    qsort(places, count, sizeof *places, compare_places);
    size_t expected = 0; /* places whose slots the system knows of: a run ahead of the reading */
    for (size_t i = 0; i < count; i++) {
        while (expected < count && expected <= i + 1) {
            const size_t run = run_at(places, expected, count);
            vgg_feature_file_expect(features->file, places[expected].slot, (uint32_t)run);
            expected += run;
        }
        const vgg_feature_item *item = &stream->items[first + places[i].row];
        VGG_PASS(read_row(stream, &places[i], vgg_dataset_image_path(item->dataset, item->image),
                          values + places[i].row * features->options.feature_count));
    }
    return CLVGG_STATUS_OK;
}

/* The next chunk, from item `first` on. *count is 0 at the end. */
static clvgg_status fill_chunk(vgg_feature_stream *stream, size_t first, size_t most,
                               uint16_t *values, size_t *count)
{
    if (stream->compute != NULL)
        return vgg_feature_compute_next(stream->compute, values, NULL, count);
    *count = stream->count - first < most ? stream->count - first : most;
    return read_chunk(stream, first, *count, values);
}

static void *fill_chunks(void *argument)
{
    vgg_feature_stream *stream = argument;
    const size_t chunk_rows = stream->chunk_rows;
    const vgg_scope *previous = vgg_scope_enter(stream->scope);
    size_t first = 0, most = chunk_rows < FIRST_ROWS ? chunk_rows : FIRST_ROWS;
    pthread_mutex_lock(&stream->mutex);
    while (!stream->ended) {
        while (!stream->stopping && stream->filled - stream->emptied == 2)
            pthread_cond_wait(&stream->changed, &stream->mutex);
        if (stream->stopping)
            break;
        const size_t chunk = stream->filled % 2;
        pthread_mutex_unlock(&stream->mutex);
        size_t count = 0;
        clvgg_status status = fill_chunk(stream, first, most, stream->chunks[chunk].values, &count);
        pthread_mutex_lock(&stream->mutex);
        if (status != CLVGG_STATUS_OK)
            snprintf(stream->message, sizeof stream->message, "%s", vgg_message());
        stream->problem = status;
        stream->ended = status != CLVGG_STATUS_OK || count == 0;
        stream->chunks[chunk].count = count;
        stream->filled += !stream->ended;
        first += count;
        most = chunk_rows / 2 < most ? chunk_rows : most * 2;
        pthread_cond_broadcast(&stream->changed);
    }
    pthread_mutex_unlock(&stream->mutex);
    vgg_scope_leave(previous);
    return NULL;
}

/* ---- opening and closing ---- */

static clvgg_status require_all(const vgg_feature_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++) {
        const vgg_feature_item *item = &stream->items[i];
        if (vgg_features_has(stream->features, item))
            continue;
        return vgg_fail(CLVGG_STATUS_NOT_FOUND, "%s/%s: has no features of %s",
                        stream->features->file->folder.path, stream->features->file->name,
                        vgg_dataset_image_path(item->dataset, item->image));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status start_thread(vgg_feature_stream *stream)
{
    const int problem = vgg_thread_start(&stream->thread, NULL, fill_chunks, stream);
    VGG_CHECK(problem == 0, CLVGG_STATUS_OUT_OF_MEMORY, "can't start a reading thread (error %d)",
              problem);
    stream->has_thread = true;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feature_stream_open(vgg_features *features, const vgg_feature_item *items,
                                     size_t count, int batch, vgg_feature_stream **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_stream *stream = NULL;
    *out = NULL;
    VGG_NEW(stream, 1);
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->changed, NULL);
    stream->features = features;
    stream->items = items;
    stream->count = count;
    stream->batch = (size_t)batch;
    stream->damaged = VGG_FEATURE_NO_SLOT;
    stream->scope = vgg_scope_current();
    stream->chunk_rows = features->chunk_rows;
    if (features->file != NULL && count < stream->chunk_rows)
        stream->chunk_rows = count;
    const size_t row_bytes = features->options.feature_count * sizeof(uint16_t);
    for (int i = 0; i < 2; i++) { /* not zeroed: that would touch hundreds of megabytes first */
        stream->chunks[i].values = vgg_realloc(NULL, stream->chunk_rows, row_bytes);
        if (stream->chunks[i].values == NULL)
            status = CLVGG_STATUS_OUT_OF_MEMORY;
    }
    VGG_TRY(status);
    if (features->file != NULL) {
        VGG_TRY(require_all(stream));
        VGG_NEW(stream->places, stream->chunk_rows);
    } else {
        VGG_TRY(vgg_feature_compute_open(features, items, NULL, count, &stream->compute));
    }
    VGG_TRY(start_thread(stream));
    VGG_GIVE(out, stream);
cleanup:
    vgg_feature_stream_close(stream);
    return status;
}

void vgg_feature_stream_close(vgg_feature_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->has_thread) {
        pthread_mutex_lock(&stream->mutex);
        stream->stopping = true;
        pthread_cond_broadcast(&stream->changed);
        pthread_mutex_unlock(&stream->mutex);
        pthread_join(stream->thread, NULL);
    }
    vgg_feature_compute_close(stream->compute);
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->mutex);
    vgg_free(stream->chunks[0].values);
    vgg_free(stream->chunks[1].values);
    vgg_free(stream->places);
    vgg_free(stream);
}

/* ---- handing out ---- */

/* Waits for a chunk. *any is false at the end. */
static clvgg_status wait_for_chunk(vgg_feature_stream *stream, bool *any)
{
    clvgg_status status = CLVGG_STATUS_OK;
    pthread_mutex_lock(&stream->mutex);
    while (stream->filled == stream->emptied && !stream->ended)
        pthread_cond_wait(&stream->changed, &stream->mutex);
    *any = stream->filled != stream->emptied;
    if (!*any && stream->problem != CLVGG_STATUS_OK) {
        status = vgg_fail(stream->problem, "%s", stream->message);
        if (stream->damaged != VGG_FEATURE_NO_SLOT)
            stream->features->file->index.slots[stream->damaged].state = VGG_FEATURE_ABSENT;
    }
    pthread_mutex_unlock(&stream->mutex);
    return status;
}

static void give_back_chunk(vgg_feature_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->emptied++;
    stream->taken = 0;
    pthread_cond_broadcast(&stream->changed);
    pthread_mutex_unlock(&stream->mutex);
}

clvgg_status vgg_feature_stream_next(vgg_feature_stream *stream, float *values, int *count)
{
    const size_t row = stream->features->options.feature_count;
    size_t done = 0;
    *count = 0;
    while (done < stream->batch) {
        bool any = false;
        VGG_PASS(wait_for_chunk(stream, &any));
        if (!any)
            break;
        const size_t chunk = stream->emptied % 2;
        const size_t left = stream->chunks[chunk].count - stream->taken;
        const size_t rows = stream->batch - done < left ? stream->batch - done : left;
        vgg_to_f32(CLVGG_DTYPE_F16, stream->chunks[chunk].values + stream->taken * row, rows * row,
                   values + done * row);
        done += rows;
        stream->taken += rows;
        if (rows == left)
            give_back_chunk(stream);
    }
    *count = (int)done;
    return CLVGG_STATUS_OK;
}
