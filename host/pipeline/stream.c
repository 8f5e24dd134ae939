/* pipeline/stream.c — the ring between decoding threads and the caller.
 *
 * Item i goes through slot i modulo slot_count. `taken` and `delivered` count items; workers run at
 * most slot_count items ahead. A worker's failure travels in its slot, as status and message.
 */
#include "pipeline/stream.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "image/image.h"
#include "pipeline/budget.h"
#include "pipeline/paths.h"

#define DEFAULT_MEMORY_LIMIT_BYTES ((uint64_t)256 << 20)

/* What a failed item says; kept until the call of next() after the one that delivered it. */
typedef struct message {
    struct message *next;
    char text[];
} message;

typedef struct slot {
    bool done;
    clvgg_status status;
    int warning_count;
    message *message; /* NULL when OK, or when memory lacked for it */
    float *data;      /* [3][height][width], in the ring */
} slot;

struct clvgg_image_stream {
    const vgg_scope *scope;
    vgg_path_list paths;
    clvgg_preprocess preprocess;
    size_t max_batch;
    size_t row_count; /* floats of one prepared image */
    float *ring;      /* [slot_count][row_count] */
    slot *slots;
    size_t slot_count;
    vgg_budget budget; /* of files and pictures in work */
    message *delivered_messages;
    pthread_mutex_t mutex; /* guards what follows, and `done` of every slot */
    pthread_cond_t slot_freed, slot_done;
    size_t taken, delivered;
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
};

/* The file's content, once the budget covers it, its decoding and its preparation: *held bytes of
 * the budget are the caller's to give back, on failure too. */
static clvgg_status read_within_budget(clvgg_image_stream *stream, const char *path,
                                       uint8_t **out_bytes, size_t *out_size, uint64_t *held)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_file *file = NULL;
    uint8_t *bytes = NULL;
    VGG_TRY(vgg_file_open(path, &file));
    uint64_t size = vgg_file_size(file);
    VGG_REQUIRE(size <= VGG_IMAGE_FILE_BYTES_MAX, CLVGG_STATUS_BAD_FILE,
                "%s: %llu bytes, too large for an image file", path, (unsigned long long)size);
    uint64_t needed = size;
    for (;;) {
        vgg_budget_take(&stream->budget, needed);
        *held = needed;
        VGG_NEW(bytes, (size_t)size);
        VGG_TRY(vgg_file_read(file, 0, bytes, (size_t)size));
        vgg_image_cost cost;
        VGG_TRY(vgg_image_measure(bytes, (size_t)size, path, &cost));
        uint64_t prepare_bytes =
            (uint64_t)cost.longest_side * (uint64_t)stream->preprocess.width * 3;
        needed = size + cost.decode_bytes + prepare_bytes;
        if (needed <= *held)
            break;
        if (vgg_budget_grow(&stream->budget, *held, needed - *held)) {
            *held = needed;
            break;
        }
        /* Holding on while waiting could block everyone: let go, and come back for the whole. */
        vgg_free(bytes);
        bytes = NULL;
        vgg_budget_give_back(&stream->budget, *held);
        *held = 0;
    }
    *out_bytes = bytes;
    *out_size = (size_t)size;
    bytes = NULL;
cleanup:
    vgg_free(bytes);
    vgg_file_close(file);
    return status;
}

static clvgg_status load(clvgg_image_stream *stream, size_t index, slot *target)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *path = vgg_path_list_at(&stream->paths, index);
    clvgg_image *image = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    uint64_t held = 0;
    if (stream->paths.entries[index].problem != 0)
        return vgg_path_list_fail(&stream->paths, index);
    VGG_TRY(read_within_budget(stream, path, &bytes, &size, &held));
    VGG_TRY(vgg_image_decode(bytes, size, path, &image));
    vgg_free(bytes);
    bytes = NULL;
    VGG_TRY(vgg_image_prepare(image, &stream->preprocess, target->data));
    target->warning_count = image->warning_count;
cleanup:
    vgg_image_free(image);
    vgg_free(bytes);
    vgg_budget_give_back(&stream->budget, held);
    return status;
}

static message *keep_message(const char *text)
{
    size_t length = strlen(text);
    message *kept = vgg_calloc(sizeof *kept + length + 1, 1);
    if (kept != NULL)
        memcpy(kept->text, text, length);
    return kept;
}

static void *work(void *argument)
{
    clvgg_image_stream *stream = argument;
    const vgg_scope *previous = vgg_scope_enter(stream->scope);
    pthread_mutex_lock(&stream->mutex);
    for (;;) {
        while (!stream->stopping && stream->taken < stream->paths.count &&
               stream->taken >= stream->delivered + stream->slot_count)
            pthread_cond_wait(&stream->slot_freed, &stream->mutex);
        if (stream->stopping || stream->taken == stream->paths.count)
            break;
        size_t index = stream->taken++;
        pthread_mutex_unlock(&stream->mutex);

        slot *target = &stream->slots[index % stream->slot_count];
        target->warning_count = 0;
        target->status = load(stream, index, target);
        target->message = target->status == CLVGG_STATUS_OK ? NULL : keep_message(vgg_message());

        pthread_mutex_lock(&stream->mutex);
        target->done = true;
        pthread_cond_signal(&stream->slot_done);
    }
    pthread_mutex_unlock(&stream->mutex);
    vgg_scope_leave(previous);
    return NULL;
}

/* Workers never run the host program's signal handlers. Fewer threads than wanted will do. */
static clvgg_status start_workers(clvgg_image_stream *stream, size_t wanted)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_NEW(stream->threads, wanted);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = 0;
    while (stream->thread_count < wanted && problem == 0) {
        problem = pthread_create(&stream->threads[stream->thread_count], NULL, work, stream);
        stream->thread_count += problem == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    VGG_REQUIRE(stream->thread_count == wanted || stream->thread_count > 0,
                CLVGG_STATUS_OUT_OF_MEMORY, "can't start a decoder thread (error %d)", problem);
cleanup:
    return status;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Slots for a batch being gathered and for what each worker has ahead, as far as memory allows. */
static clvgg_status make_ring(clvgg_image_stream *stream, size_t threads, uint64_t limit_bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_preprocess *preprocess = &stream->preprocess;
    stream->row_count = (size_t)preprocess->height * (size_t)preprocess->width * 3;
    uint64_t row_bytes = stream->row_count * sizeof(float);
    uint64_t affordable = limit_bytes / 2 / row_bytes;
    size_t wanted = smaller(stream->max_batch + 2 * threads, stream->paths.count);
    stream->slot_count = affordable < wanted ? (size_t)affordable : wanted;
    if (stream->slot_count == 0)
        stream->slot_count = 1;
    VGG_NEW(stream->slots, stream->slot_count);
    VGG_NEW(stream->ring, stream->slot_count * stream->row_count);
    for (size_t i = 0; i < stream->slot_count; i++)
        stream->slots[i].data = stream->ring + i * stream->row_count;
    uint64_t ring_bytes = stream->slot_count * row_bytes;
    stream->budget.limit_bytes = limit_bytes > ring_bytes ? limit_bytes - ring_bytes : 0;
cleanup:
    return status;
}

clvgg_status vgg_stream_open(int threads, const char *const *paths, size_t path_count,
                             const clvgg_image_stream_options *options, clvgg_image_stream **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image_stream *stream = NULL;
    uint64_t limit_bytes = options->memory_limit_bytes;
    *out = NULL;
    VGG_TRY(vgg_preprocess_check(&options->preprocess));
    VGG_NEW(stream, 1);
    vgg_budget_init(&stream->budget, 0);
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->slot_freed, NULL);
    pthread_cond_init(&stream->slot_done, NULL);
    stream->scope = vgg_scope_current();
    stream->preprocess = options->preprocess;
    stream->max_batch = (size_t)options->max_batch;
    for (size_t i = 0; i < path_count; i++)
        VGG_TRY(vgg_path_list_add(&stream->paths, paths[i]));
    VGG_TRY(make_ring(stream, (size_t)threads,
                      limit_bytes != 0 ? limit_bytes : DEFAULT_MEMORY_LIMIT_BYTES));
    VGG_TRY(start_workers(
        stream, smaller((size_t)threads, smaller(stream->slot_count, stream->paths.count))));
    *out = stream;
    stream = NULL;
cleanup:
    vgg_stream_close(stream);
    return status;
}

size_t vgg_stream_count(const clvgg_image_stream *stream)
{
    return stream->paths.count;
}

static void free_messages(message *first)
{
    while (first != NULL) {
        message *next = first->next;
        vgg_free(first);
        first = next;
    }
}

/* Takes what the next slot holds and hands the slot back to the workers. */
static void deliver(clvgg_image_stream *stream, float *row, clvgg_stream_item *item)
{
    slot *source = &stream->slots[stream->delivered % stream->slot_count];
    pthread_mutex_lock(&stream->mutex);
    while (!source->done)
        pthread_cond_wait(&stream->slot_done, &stream->mutex);
    pthread_mutex_unlock(&stream->mutex);

    *item = (clvgg_stream_item){.path = vgg_path_list_at(&stream->paths, stream->delivered),
                                .status = source->status,
                                .warning_count = source->warning_count};
    if (source->status == CLVGG_STATUS_OK) {
        memcpy(row, source->data, stream->row_count * sizeof *row);
    } else if (source->message != NULL) {
        item->message = source->message->text;
        source->message->next = stream->delivered_messages;
        stream->delivered_messages = source->message;
        source->message = NULL;
    } else {
        item->message = "out of memory";
    }

    pthread_mutex_lock(&stream->mutex);
    source->done = false;
    stream->delivered++;
    pthread_cond_signal(&stream->slot_freed);
    pthread_mutex_unlock(&stream->mutex);
}

clvgg_status vgg_stream_next(clvgg_image_stream *stream, float *data, clvgg_stream_item *items,
                             size_t max_items, size_t *item_count)
{
    size_t rows = 0, count = 0;
    free_messages(stream->delivered_messages);
    stream->delivered_messages = NULL;
    while (count < max_items && rows < stream->max_batch &&
           stream->delivered < stream->paths.count) {
        deliver(stream, data + rows * stream->row_count, &items[count]);
        rows += items[count].status == CLVGG_STATUS_OK;
        count++;
    }
    *item_count = count;
    return CLVGG_STATUS_OK;
}

void vgg_stream_close(clvgg_image_stream *stream)
{
    if (stream == NULL)
        return;
    pthread_mutex_lock(&stream->mutex);
    stream->stopping = true;
    pthread_cond_broadcast(&stream->slot_freed);
    pthread_mutex_unlock(&stream->mutex);
    for (size_t i = 0; i < stream->thread_count; i++)
        pthread_join(stream->threads[i], NULL);
    for (size_t i = 0; i < stream->slot_count && stream->slots != NULL; i++)
        free_messages(stream->slots[i].message);
    free_messages(stream->delivered_messages);
    pthread_cond_destroy(&stream->slot_freed);
    pthread_cond_destroy(&stream->slot_done);
    pthread_mutex_destroy(&stream->mutex);
    vgg_budget_free(&stream->budget);
    vgg_path_list_free(&stream->paths);
    vgg_free(stream->threads);
    vgg_free(stream->slots);
    vgg_free(stream->ring);
    vgg_free(stream);
}
