/* tune/tuning.c — results of tuning: their keys, finding them for a plan, keeping them. */
#include "tune/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ocl/program_binary.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

static const char kind[] = "tuning";

static vgg_tuning_device device_of(const clvgg_device *device, const vgg_traits *traits)
{
    vgg_tuning_device result = {.type = device->info.type,
                                .vector_width = traits->vector_width,
                                .compute_units = traits->compute_units,
                                .amx = traits->amx};
    vgg_device_words(&device->info, result.words, sizeof result.words);
    snprintf(result.vendor, sizeof result.vendor, "%s", device->info.vendor);
    return result;
}

/* ---- problems in words ---- */

static void append(char *text, const char *format, ...) VGG_PRINTF(2, 3);
static void append(char *text, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, VGG_TUNING_PROBLEM - length, format, arguments);
    va_end(arguments);
}

static void append_pair(char *text, const char *what, const int64_t pair[2])
{
    append(text, " %s %lldx%lld", what, (long long)pair[0], (long long)pair[1]);
}

static void append_pad(char *text, const int64_t pad[4])
{
    append(text, " pad %lld,%lld,%lld,%lld", (long long)pad[0], (long long)pad[1],
           (long long)pad[2], (long long)pad[3]);
}

static void append_pool(char *text, const vgg_pool_attributes *pool)
{
    append_pair(text, "pool", pool->kernel);
    append_pair(text, "stride", pool->stride);
    append_pad(text, pool->pad);
    if (pool->adaptive[0] != 0)
        append_pair(text, "adaptive", pool->adaptive);
    append(text, "%s%s", pool->ceil_mode ? " ceil" : "", pool->switches ? " switches" : "");
}

void vgg_tuning_describe(const vgg_problem *problem, const vgg_node *pool,
                         char text[VGG_TUNING_PROBLEM])
{
    const vgg_conv_attributes conv = vgg_problem_conv(problem);
    const clvgg_shape in = vgg_shape_as_image(&problem->input);
    const bool image = problem->input.rank == 3;
    snprintf(text, VGG_TUNING_PROBLEM, "%s %lld", vgg_layer_type_name(problem->node->type),
             (long long)in.dims[0]);
    if (image)
        append(text, "x%lldx%lld", (long long)in.dims[1], (long long)in.dims[2]);
    append(text, " to %lld", (long long)conv.out_channels);
    if (image) {
        append_pair(text, "kernel", conv.kernel);
        append_pair(text, "stride", conv.stride);
        append_pair(text, "dilation", conv.dilation);
        append_pad(text, conv.pad);
        append(text, " groups %lld", (long long)conv.groups);
    }
    append(text, "%s%s", conv.bias ? " bias" : "", problem->relu ? " relu" : "");
    if (pool != NULL)
        append_pool(text, &pool->attributes.pool);
    append(text, ", %s", vgg_storage_name(problem->storage));
}

void vgg_tuning_note_kernels(vgg_tuning *tuning, const vgg_op *op)
{
    int count = 0;
    memset(tuning->kernels, 0, sizeof tuning->kernels);
    for (int p = 0; p < op->program_count; p++) {
        const vgg_kernel_source *source = vgg_kernel_source_find(op->programs[p].file);
        int at = 0;
        while (at < count && tuning->kernels[at] != source)
            at++;
        if (at == count)
            tuning->kernels[count++] = source;
    }
}

/* ---- keys ---- */

typedef struct tuning_key {
    char options[96], stamp[32];
    vgg_cache_key key;
} tuning_key;

/* Points into its arguments and *made. The kernels are no part of it: which they are depends on the
 * result, and one of kernels that have changed is replaced by the next. */
static void make_key(const vgg_tuning_device *device, const char *problem, int batch,
                     tuning_key *made)
{
    snprintf(made->options, sizeof made->options, "batch %d, %d compute units, vectors of %d%s",
             batch, device->compute_units, device->vector_width, device->amx ? ", AMX" : "");
    snprintf(made->stamp, sizeof made->stamp, "schema %d", VGG_TUNING_SCHEMA);
    made->key = (vgg_cache_key){kind, device->words, problem, made->options, made->stamp};
}

/* ---- finding ---- */

clvgg_status vgg_tuning_open(const clvgg_device *device, const vgg_traits *traits, vgg_cache *cache,
                             vgg_tuning_source *source)
{
    size_t left = 0;
    *source = (vgg_tuning_source){.cache = cache, .device = device_of(device, traits)};
    const clvgg_status status =
        vgg_tuning_read_all(vgg_tuned_defaults, vgg_tuned_defaults_length, &source->shipped,
                            &source->shipped_count, &left);
    return status == CLVGG_STATUS_UNSUPPORTED ? CLVGG_STATUS_OK : status;
}

void vgg_tuning_close(vgg_tuning_source *source)
{
    vgg_free(source->shipped);
    *source = (vgg_tuning_source){0};
}

bool vgg_tuning_find_own(const vgg_tuning_source *source, const char *problem, int batch,
                         vgg_tuning *tuning)
{
    tuning_key key;
    void *value = NULL;
    size_t bytes = 0;
    make_key(&source->device, problem, batch, &key);
    if (!vgg_cache_get(source->cache, &key.key, &value, &bytes))
        return false;
    const bool readable = vgg_tuning_read(value, bytes, tuning) == CLVGG_STATUS_OK;
    vgg_free(value);
    return readable;
}

static bool is_near(int a, int b)
{
    return a <= 2 * b && b <= 2 * a;
}

/* Distance of a shipped result from the device and batch asked for; −1: of no use, since the winner
 * on one vendor's caches and units may lose on another's, where the variants' ranks are as good a
 * guess. */
static int distance(const vgg_tuning *entry, const vgg_tuning_device *device, int batch)
{
    const vgg_tuning_device *measured = &entry->device;
    if (measured->type != device->type || strcmp(measured->vendor, device->vendor) != 0 ||
        measured->vector_width != device->vector_width || measured->amx != device->amx ||
        !is_near(measured->compute_units, device->compute_units) || !is_near(entry->batch, batch))
        return -1;
    return (entry->batch != batch ? 2 : 0) +
           (measured->compute_units != device->compute_units ? 1 : 0);
}

static bool find_shipped(const vgg_tuning_source *source, const char *problem, int batch,
                         vgg_tuning *tuning)
{
    int nearest = -1;
    for (size_t i = 0; i < source->shipped_count; i++) {
        const int far = distance(&source->shipped[i], &source->device, batch);
        if (far < 0 || (nearest >= 0 && far >= nearest) ||
            strcmp(source->shipped[i].problem, problem) != 0)
            continue;
        nearest = far;
        *tuning = source->shipped[i];
    }
    return nearest >= 0;
}

bool vgg_tuning_find(const vgg_tuning_source *source, const char *problem, int batch,
                     vgg_tuning *tuning)
{
    return vgg_tuning_find_own(source, problem, batch, tuning) ||
           find_shipped(source, problem, batch, tuning);
}

/* ---- keeping ---- */

clvgg_status vgg_tuning_keep(vgg_cache *cache, const vgg_tuning *entries, size_t count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    tuning_key *keys = NULL;
    vgg_text *texts = NULL;
    vgg_cache_entry *values = NULL;
    VGG_NEW(keys, count);
    VGG_NEW(texts, count);
    VGG_NEW(values, count);
    for (size_t i = 0; i < count; i++) {
        make_key(&entries[i].device, entries[i].problem, entries[i].batch, &keys[i]);
        vgg_tuning_write(&entries[i], &texts[i]);
        VGG_REQUIRE(!texts[i].failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for tuning results");
        values[i] = (vgg_cache_entry){keys[i].key, texts[i].bytes, texts[i].length};
    }
    vgg_cache_put(cache, values, count);
    if (count > 0) {
        const vgg_tuning *last = &entries[count - 1];
        const vgg_tuning_source check = {.cache = cache, .device = last->device};
        vgg_tuning found;
        const bool kept = vgg_tuning_find_own(&check, last->problem, last->batch, &found);
        if (!kept)
            VGG_TRY(vgg_cache_status(cache));
        VGG_REQUIRE(kept, CLVGG_STATUS_IO,
                    "the cache keeps no tuning results: its file can't be written, or memory is "
                    "short");
    }
cleanup:
    for (size_t i = 0; i < count && texts != NULL; i++)
        vgg_text_free(&texts[i]);
    vgg_free(texts);
    vgg_free(values);
    vgg_free(keys);
    return status;
}

/* ---- listing ---- */

/* Keys of the tuning results, copied: a visitor must not ask the cache. */
typedef struct key_list {
    char *(*parts)[5];
    size_t count, capacity;
    bool failed;
} key_list;

static void note_key(void *user, const vgg_cache_record *record)
{
    key_list *list = user;
    const vgg_cache_key *key = &record->key;
    const char *from[5] = {key->kind, key->device, key->name, key->options, key->stamp};
    if (list->failed || strcmp(key->kind, kind) != 0)
        return;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        void *grown = vgg_realloc(list->parts, capacity, sizeof *list->parts);
        list->failed = grown == NULL;
        if (list->failed)
            return;
        list->parts = grown;
        list->capacity = capacity;
    }
    memset(list->parts[list->count], 0, sizeof *list->parts);
    for (int i = 0; i < 5; i++) {
        list->parts[list->count][i] = vgg_strdup(from[i]);
        list->failed = list->failed || list->parts[list->count][i] == NULL;
    }
    list->count++;
}

/* Orders results by device, problem and batch, so that exports of the same results are the same
 * bytes. */
static int compare(const void *a, const void *b)
{
    const vgg_tuning *x = a, *y = b;
    const int device = strcmp(x->device.words, y->device.words);
    const int problem = strcmp(x->problem, y->problem);
    return device != 0 ? device : problem != 0 ? problem : x->batch - y->batch;
}

clvgg_status vgg_tuning_list(vgg_cache *cache, vgg_tuning **entries, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    key_list list = {0};
    vgg_tuning *found = NULL;
    *entries = NULL;
    *count = 0;
    VGG_TRY(vgg_cache_visit(cache, note_key, &list));
    VGG_REQUIRE(!list.failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory to list tuning results");
    VGG_NEW(found, list.count);
    for (size_t i = 0; i < list.count; i++) {
        char *const *parts = list.parts[i];
        const vgg_cache_key key = {parts[0], parts[1], parts[2], parts[3], parts[4]};
        void *value = NULL;
        size_t bytes = 0;
        tuning_key current;
        if (!vgg_cache_get(cache, &key, &value, &bytes))
            continue;
        if (vgg_tuning_read(value, bytes, &found[*count]) == CLVGG_STATUS_OK) {
            const vgg_tuning *entry = &found[*count];
            make_key(&entry->device, entry->problem, entry->batch, &current);
            *count += strcmp(current.stamp, key.stamp) == 0;
        }
        vgg_free(value);
    }
    qsort(found, *count, sizeof *found, compare);
    VGG_GIVE(entries, found);
cleanup:
    for (size_t i = 0; i < list.count; i++)
        for (int p = 0; p < 5; p++)
            vgg_free(list.parts[i][p]);
    vgg_free(list.parts);
    vgg_free(found);
    return status;
}
