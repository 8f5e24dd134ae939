/* pipeline/stream.c — the ring between decoding threads and the caller.
 *
 * Item i goes through slot i modulo slot_count. `taken` and `delivered` count items; workers run at
 * most slot_count items ahead. A worker takes a run: neighbours of one path, which it decodes once.
 * It never waits for slots while it holds a picture, as others may wait for the picture's memory.
 * A worker's failure travels in its slot, as status and message.
 */
#include "pipeline/stream.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "image/image.h"
#include "pipeline/budget.h"
#include "pipeline/budget_decode.h"
#include "pipeline/paths.h"

#define DEFAULT_MEMORY_LIMIT_BYTES ((uint64_t)256 << 20)

/* Message of a failed item, kept until the call of next() after the one that delivered it. */
typedef struct message {
    struct message *next;
    char text[];
} message;

typedef struct slot {
    bool done;
    clvgg_status status;
    int warning_count;
    message *message; /* NULL when OK, or when memory lacked for it */
    float *data;      /* [channels][height][width], in the ring */
} slot;

struct clvgg_image_stream {
    const vgg_scope *scope;
    vgg_stream_source source;
    vgg_path_list paths; /* what the source has, when it is paths that were given */
    vgg_text skipped;    /* in their folders, in words */
    clvgg_preprocess preprocess;
    size_t max_batch;
    size_t row_count; /* floats of one prepared image */
    float *ring;      /* [slot_count][row_count] */
    slot *slots;
    size_t slot_count;
    size_t most_run;   /* a longer one is cut, so that each worker gets its share of the ring */
    vgg_budget budget; /* of files and pictures in work */
    message *delivered_messages;
    pthread_mutex_t mutex; /* guards what follows, and `done` of every slot */
    pthread_cond_t slot_freed, slot_done;
    size_t taken, delivered;
    size_t run; /* items from `taken` on that are taken together; 0 at the end */
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
};

static clvgg_status decode(clvgg_image_stream *stream, size_t index, clvgg_image **image,
                           uint64_t *held)
{
    if (index < stream->paths.count && stream->paths.entries[index].problem != 0)
        return vgg_path_list_fail(&stream->paths, index);
    const char *path = stream->source.path(stream->source.user, index);
    return vgg_budget_decode(&stream->budget, path, &stream->preprocess, image, held);
}

static clvgg_status prepare(clvgg_image_stream *stream, size_t index, const clvgg_image *image,
                            float *data)
{
    const vgg_stream_source *source = &stream->source;
    if (source->prepare != NULL)
        return source->prepare(source->user, index, image, data);
    return vgg_image_prepare(image, &stream->preprocess, data);
}

static message *keep_message(const char *text)
{
    size_t length = strlen(text);
    message *kept = vgg_calloc(sizeof *kept + length + 1, 1);
    if (kept != NULL)
        memcpy(kept->text, text, length);
    return kept;
}

/* Items [first, end), one path: a picture that can't be decoded fails them all. */
static void load_run(clvgg_image_stream *stream, size_t first, size_t end)
{
    clvgg_image *image = NULL;
    uint64_t held = 0;
    clvgg_status status = decode(stream, first, &image, &held);
    for (size_t index = first; index < end; index++) {
        slot *target = &stream->slots[index % stream->slot_count];
        if (image != NULL)
            status = prepare(stream, index, image, target->data);
        target->status = status;
        target->warning_count = image != NULL ? image->warning_count : 0;
        target->message = status == CLVGG_STATUS_OK ? NULL : keep_message(vgg_message());
        pthread_mutex_lock(&stream->mutex);
        target->done = true;
        pthread_cond_signal(&stream->slot_done);
        pthread_mutex_unlock(&stream->mutex);
    }
    vgg_image_free(image);
    vgg_budget_give_back(&stream->budget, held);
}

/* Number of items from `first` on that have its path, at most `most`. */
static size_t run_at(const vgg_stream_source *source, size_t first, size_t most)
{
    size_t run = 0;
    const char *path = first < source->count ? source->path(source->user, first) : NULL;
    while (run < most && first + run < source->count &&
           source->path(source->user, first + run) == path)
        run++;
    return run;
}

static bool run_fits(const clvgg_image_stream *stream)
{
    return stream->taken + stream->run <= stream->delivered + stream->slot_count;
}

static void *work(void *argument)
{
    clvgg_image_stream *stream = argument;
    const vgg_scope *previous = vgg_scope_enter(stream->scope);
    pthread_mutex_lock(&stream->mutex);
    for (;;) {
        while (!stream->stopping && !run_fits(stream))
            pthread_cond_wait(&stream->slot_freed, &stream->mutex);
        if (stream->stopping || stream->run == 0)
            break;
        size_t first = stream->taken;
        stream->taken += stream->run;
        stream->run = run_at(&stream->source, stream->taken, stream->most_run);
        size_t end = stream->taken;
        if (run_fits(stream))
            pthread_cond_signal(&stream->slot_freed);
        pthread_mutex_unlock(&stream->mutex);
        load_run(stream, first, end);
        pthread_mutex_lock(&stream->mutex);
    }
    pthread_mutex_unlock(&stream->mutex);
    vgg_scope_leave(previous);
    return NULL;
}

/* Fewer threads than wanted will do. */
static clvgg_status start_workers(clvgg_image_stream *stream, size_t wanted)
{
    VGG_NEW_PASS(stream->threads, wanted);
    int problem = 0;
    while (stream->thread_count < wanted && problem == 0) {
        problem = vgg_thread_start(&stream->threads[stream->thread_count], NULL, work, stream);
        stream->thread_count += problem == 0;
    }
    VGG_CHECK(stream->thread_count == wanted || stream->thread_count > 0,
              CLVGG_STATUS_OUT_OF_MEMORY, "can't start a decoder thread (error %d)", problem);
    return CLVGG_STATUS_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t longest_run(const vgg_stream_source *source)
{
    size_t longest = 1;
    for (size_t first = 0; first < source->count;) {
        size_t run = run_at(source, first, source->count);
        longest = run > longest ? run : longest;
        first += run;
    }
    return longest;
}

/* Slots for a batch being gathered and for two runs of each worker, as far as memory allows. */
static clvgg_status make_ring(clvgg_image_stream *stream, size_t threads, uint64_t limit_bytes)
{
    stream->row_count = vgg_preprocess_elements(&stream->preprocess);
    uint64_t row_bytes = stream->row_count * sizeof(float);
    uint64_t affordable = limit_bytes / 2 / row_bytes;
    size_t ahead = 2 * threads * longest_run(&stream->source);
    size_t wanted = smaller(stream->max_batch + ahead, stream->source.count);
    stream->slot_count = affordable < wanted ? (size_t)affordable : wanted;
    if (stream->slot_count == 0)
        stream->slot_count = 1;
    stream->most_run = stream->slot_count / (threads + 1);
    if (stream->most_run == 0)
        stream->most_run = 1;
    stream->run = run_at(&stream->source, 0, stream->most_run);
    VGG_NEW_PASS(stream->slots, stream->slot_count);
    VGG_NEW_PASS(stream->ring, stream->slot_count * stream->row_count);
    for (size_t i = 0; i < stream->slot_count; i++)
        stream->slots[i].data = stream->ring + i * stream->row_count;
    uint64_t ring_bytes = stream->slot_count * row_bytes;
    stream->budget.limit_bytes = limit_bytes > ring_bytes ? limit_bytes - ring_bytes : 0;
    return CLVGG_STATUS_OK;
}

static const char *listed_path(void *user, size_t index)
{
    return vgg_path_list_at(user, index);
}

/* A stream without a source, ring and workers. */
static clvgg_status create(const clvgg_image_stream_options *options, clvgg_image_stream **out)
{
    clvgg_image_stream *stream = NULL;
    VGG_PASS(vgg_preprocess_check(&options->preprocess));
    VGG_NEW_PASS(stream, 1);
    vgg_budget_init(&stream->budget, 0);
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->slot_freed, NULL);
    pthread_cond_init(&stream->slot_done, NULL);
    stream->scope = vgg_scope_current();
    stream->preprocess = options->preprocess;
    stream->max_batch = (size_t)options->max_batch;
    *out = stream;
    return CLVGG_STATUS_OK;
}

static clvgg_status start(clvgg_image_stream *stream, size_t threads,
                          const clvgg_image_stream_options *options)
{
    uint64_t limit_bytes = options->memory_limit_bytes;
    VGG_PASS(
        make_ring(stream, threads, limit_bytes != 0 ? limit_bytes : DEFAULT_MEMORY_LIMIT_BYTES));
    return start_workers(stream,
                         smaller(threads, smaller(stream->slot_count, stream->source.count)));
}

clvgg_status vgg_stream_open(int threads, const char *const *paths, size_t path_count,
                             const clvgg_image_stream_options *options, clvgg_image_stream **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image_stream *stream = NULL;
    *out = NULL;
    VGG_TRY(create(options, &stream));
    for (size_t i = 0; i < path_count; i++)
        VGG_TRY(vgg_path_list_add(&stream->paths, paths[i]));
    if (options->most > 0)
        vgg_path_list_thin(&stream->paths, options->most);
    vgg_path_skipped_words(&stream->paths.skipped, &stream->skipped);
    VGG_REQUIRE(!stream->skipped.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for paths");
    stream->source = (vgg_stream_source){
        .user = &stream->paths, .count = stream->paths.count, .path = listed_path};
    VGG_TRY(start(stream, (size_t)threads, options));
    VGG_GIVE(out, stream);
cleanup:
    vgg_stream_close(stream);
    return status;
}

clvgg_status vgg_stream_open_source(int threads, const vgg_stream_source *source,
                                    const clvgg_image_stream_options *options,
                                    clvgg_image_stream **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image_stream *stream = NULL;
    *out = NULL;
    VGG_TRY(create(options, &stream));
    stream->source = *source;
    VGG_TRY(start(stream, (size_t)threads, options));
    VGG_GIVE(out, stream);
cleanup:
    vgg_stream_close(stream);
    return status;
}

const char *vgg_stream_skipped(const clvgg_image_stream *stream, size_t *count)
{
    *count = stream->paths.skipped.count;
    return *count > 0 ? stream->skipped.bytes : NULL;
}

size_t vgg_stream_count(const clvgg_image_stream *stream)
{
    return stream->source.count;
}

size_t vgg_stream_max_batch(const clvgg_image_stream *stream)
{
    return stream->max_batch;
}

const clvgg_preprocess *vgg_stream_preprocess(const clvgg_image_stream *stream)
{
    return &stream->preprocess;
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

    const vgg_stream_source *from = &stream->source;
    *item = (clvgg_stream_item){.path = from->path(from->user, stream->delivered),
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
           stream->delivered < stream->source.count) {
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
    vgg_text_free(&stream->skipped);
    vgg_free(stream->threads);
    vgg_free(stream->slots);
    vgg_free(stream->ring);
    vgg_free(stream);
}
