/* verify/trust.c — see trust.h. */
#include "verify/trust.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "cache/cache.h"
#include "graph/layer.h"
#include "ocl/program_binary.h"
#include "tensor/shape.h"

/* The value of an entry: a standing's letter, then its words. */
static const char letters[] = {
    [VGG_TRUST_UNKNOWN] = '?', [VGG_TRUST_RIGHT] = 'r', [VGG_TRUST_WRONG] = 'w', [VGG_TRUST_UNBUILDABLE] = 'b'};

/* What an op is known by. */
typedef struct identity {
    char device[640], problem[512], candidate[1024], stamp[VGG_PROGRAM_STAMP];
    uint64_t hash;
} identity;

/* Known in this process. */
typedef struct known {
    struct known *next;
    uint64_t hash;
    vgg_trust trust;
} known;

static void end_known(void *first)
{
    for (known *entry = first, *next; entry != NULL; entry = next) {
        next = entry->next;
        vgg_free(entry);
    }
}

static const vgg_kept_kind known_kind = {end_known};

static void append(char *text, size_t capacity, const char *format, ...) VGG_PRINTF(3, 4);
static void append(char *text, size_t capacity, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, capacity - length, format, arguments);
    va_end(arguments);
}

static void append_shape(char *text, size_t capacity, const clvgg_shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        append(text, capacity, "%s%lld", i > 0 ? "x" : " ", (long long)shape->dims[i]);
}

static void append_layer(char *text, size_t capacity, const char *before, const vgg_node *node)
{
    char attributes[256] = "";
    vgg_node_describe(node, attributes, sizeof attributes);
    append(text, capacity, "%s%s%s%s", before, vgg_layer_type_name(node->type),
           attributes[0] != '\0' ? " " : "", attributes);
}

void vgg_trust_describe(const vgg_op *op, char *text, size_t capacity)
{
    const vgg_problem *problem = &op->problem;
    text[0] = '\0';
    if (problem->node != NULL)
        append_layer(text, capacity, "", problem->node);
    else
        append(text, capacity, "layout %d to %d", op->input_block, op->output_block);
    if (problem->relu)
        append(text, capacity, " + relu");
    if (problem->pool != NULL)
        append_layer(text, capacity, " + ", problem->pool);
    append(text, capacity, " of");
    append_shape(text, capacity, &problem->input);
    if (op->pack.panel != 0)
        append(text, capacity, " to %lld, %s", (long long)problem->output.dims[0],
               vgg_storage_name(problem->storage));
}

static clvgg_status identify(const clvgg_device *device, const vgg_op *op, identity *id)
{
    uint64_t sources = VGG_HASH_START;
    vgg_device_words(&device->info, id->device, sizeof id->device);
    vgg_trust_describe(op, id->problem, sizeof id->problem);
    snprintf(id->candidate, sizeof id->candidate, "%s, blocks of %d", op->variant->name,
             op->input_block);
    snprintf(id->stamp, sizeof id->stamp, "%s", clvgg_version());
    for (int i = 0; i < op->program_count; i++) {
        append(id->candidate, sizeof id->candidate, "; %s %s", op->programs[i].kernel_name,
               op->programs[i].options);
        VGG_PASS(vgg_program_stamp(device, op->programs[i].file, id->stamp));
        sources = vgg_hash_text(sources, id->stamp);
    }
    snprintf(id->stamp, sizeof id->stamp, "%s %016llx", clvgg_version(),
             (unsigned long long)sources);
    id->hash = vgg_hash_text(vgg_hash_text(sources, id->problem), id->candidate);
    return CLVGG_STATUS_OK;
}

static vgg_cache_key key_of(const identity *id)
{
    return (vgg_cache_key){"check", id->device, id->problem, id->candidate, id->stamp};
}

/* Puts what is known in front of the device's list. */
static clvgg_status remember(clvgg_device *device, uint64_t hash, const vgg_trust *trust)
{
    known *entry = NULL;
    VGG_NEW_PASS(entry, 1);
    *entry = (known){.hash = hash, .trust = *trust};
    pthread_mutex_lock(&device->lock);
    void **first = vgg_device_kept(device, &known_kind);
    entry->next = *first;
    *first = entry;
    pthread_mutex_unlock(&device->lock);
    return CLVGG_STATUS_OK;
}

static bool recall(clvgg_device *device, uint64_t hash, vgg_trust *trust)
{
    pthread_mutex_lock(&device->lock);
    const known *entry = *vgg_device_kept(device, &known_kind);
    while (entry != NULL && entry->hash != hash)
        entry = entry->next;
    if (entry != NULL)
        *trust = entry->trust;
    pthread_mutex_unlock(&device->lock);
    return entry != NULL;
}

/* An entry that makes no sense is none. */
static bool read_entry(const char *value, size_t bytes, vgg_trust *trust)
{
    const char *letter = bytes > 0 ? memchr(letters, value[0], sizeof letters) : NULL;
    if (letter == NULL || bytes > sizeof trust->words + 1)
        return false;
    trust->standing = (vgg_standing)(letter - letters);
    snprintf(trust->words, sizeof trust->words, "%.*s", (int)bytes - 1, value + 1);
    return true;
}

clvgg_status vgg_trust_find(clvgg_device *device, const vgg_op *op, vgg_trust *trust)
{
    identity id;
    void *value = NULL;
    size_t bytes = 0;
    *trust = (vgg_trust){0};
    VGG_PASS(identify(device, op, &id));
    if (recall(device, id.hash, trust))
        return CLVGG_STATUS_OK;
    const vgg_cache_key key = key_of(&id);
    if (!vgg_cache_get(device->runtime->cache, &key, &value, &bytes))
        return CLVGG_STATUS_OK;
    const bool sound = read_entry(value, bytes, trust);
    vgg_free(value);
    return sound ? remember(device, id.hash, trust) : CLVGG_STATUS_OK;
}

clvgg_status vgg_trust_keep(clvgg_device *device, const vgg_op *op, const vgg_trust *trust)
{
    identity id;
    char value[1 + VGG_TRUST_WORDS];
    VGG_PASS(identify(device, op, &id));
    snprintf(value, sizeof value, "%c%s", letters[trust->standing], trust->words);
    const vgg_cache_entry entry = {key_of(&id), value, strlen(value)};
    vgg_cache_put(device->runtime->cache, &entry, 1);
    return remember(device, id.hash, trust);
}
