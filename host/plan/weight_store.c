/* plan/weight_store.c — a list of entries a device. The device's lock guards the list; each entry
 * has a lock of its own, held while it is read, so that only those who need it wait. The device may
 * be packing it still when others find it: it carries an event for that.
 */
#include "plan/weight_store.h"

#include <assert.h>

#include "base/alloc.h"
#include "plan/weight_file.h"

typedef struct store_key {
    uint64_t source;
    int node, parameter; /* its position in the layer's list */
    vgg_pack pack;
} store_key;

typedef struct store_entry {
    vgg_packed_weights weights; /* first, so that a user's pointer is the entry's */
    struct store_entry *next;
    store_key key;
    int uses;              /* guarded by the device's lock */
    pthread_mutex_t lock;  /* held while reading; guards what follows and weights.written */
    bool ready;            /* all of it is read, and on its way */
    bool keep;             /* in its file, where it isn't there yet */
    vgg_weight_file *file; /* or NULL */
} store_entry;

/* The `user` of a vgg_tensor_input that reads one parameter from a source. */
typedef struct parameter {
    const vgg_parameter_source *source;
    int node, position;
} parameter;

static clvgg_status read_parameter(void *user, uint64_t first, uint64_t count, void *data)
{
    const parameter *p = user;
    return p->source->read(p->source->user, p->node, p->position, first, count, data);
}

static clvgg_status read_turned(void *user, uint64_t first, uint64_t count, void *data)
{
    const parameter *p = user;
    return p->source->read_turned(p->source->user, p->node, first, count, data);
}

static int key_of(const vgg_parameter_source *source, int node)
{
    return source->key != NULL ? source->key(source->user, node) : node;
}

static bool same_key(const store_key *a, const store_key *b)
{
    return a->source == b->source && a->node == b->node && a->parameter == b->parameter &&
           vgg_pack_equal(&a->pack, &b->pack);
}

/* Nothing is left: whoever uses packed weights retains the device. */
static void end_store(void *first)
{
    (void)first;
    assert(first == NULL);
}

/* The list's first entry. */
static const vgg_kept_kind store_kind = {end_store};

/* The entry of a key with one more use, made when there is none. */
static clvgg_status acquire(clvgg_device *device, const store_key *key, store_entry **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    store_entry *entry = NULL;
    pthread_mutex_lock(&device->lock);
    void **first = vgg_device_kept(device, &store_kind);
    for (entry = *first; entry != NULL; entry = entry->next)
        if (same_key(&entry->key, key))
            break;
    if (entry == NULL) {
        VGG_NEW(entry, 1);
        if (pthread_mutex_init(&entry->lock, NULL) != 0) {
            vgg_free(entry);
            entry = NULL;
            status = vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a lock");
            goto cleanup;
        }
        entry->key = *key;
        entry->next = *first;
        *first = entry;
    }
    entry->uses++;
cleanup:
    pthread_mutex_unlock(&device->lock);
    *out = entry;
    return status;
}

void vgg_weight_store_release(clvgg_device *device, const vgg_packed_weights *weights)
{
    if (weights == NULL)
        return;
    pthread_mutex_lock(&device->lock);
    void **first = vgg_device_kept(device, &store_kind);
    store_entry *entry = *first, *before = NULL;
    for (; entry != NULL && &entry->weights != weights; entry = entry->next)
        before = entry;
    if (entry != NULL && --entry->uses == 0) {
        if (before != NULL)
            before->next = entry->next;
        else
            *first = entry->next;
    } else {
        entry = NULL;
    }
    pthread_mutex_unlock(&device->lock);
    if (entry != NULL) {
        if (entry->keep)
            vgg_weight_file_save(entry->file, device, &entry->weights);
        vgg_weight_file_free(entry->file);
        vgg_packed_weights_free(&entry->weights);
        pthread_mutex_destroy(&entry->lock);
        vgg_free(entry);
    }
}

clvgg_status vgg_weight_store_wait(const vgg_packed_weights *weights)
{
    store_entry *entry = (store_entry *)weights;
    pthread_mutex_lock(&entry->lock);
    const clvgg_status status = vgg_packed_weights_wait(&entry->weights);
    pthread_mutex_unlock(&entry->lock);
    return status;
}

void vgg_weight_store_keep(const vgg_packed_weights *weights)
{
    store_entry *entry = (store_entry *)weights;
    pthread_mutex_lock(&entry->lock);
    entry->keep = true;
    pthread_mutex_unlock(&entry->lock);
}

/* Fills an entry's buffers, from its file where there is one. */
static clvgg_status fill(clvgg_device *device, vgg_uploader *uploader, const parameter *from,
                         const vgg_tensor_input *input, uint64_t inner, store_entry *entry)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_pack *pack = &entry->key.pack;
    VGG_TRY(vgg_packed_weights_allocate(device, pack, &entry->weights));
    entry->file = vgg_weight_file_find(device, from->source, from->node, pack, input, inner);
    if (vgg_weight_file_load(entry->file, device, &entry->weights)) {
        vgg_weight_file_free(entry->file); /* which needn't be written */
        entry->file = NULL;
    } else {
        VGG_TRY(vgg_upload_into(uploader, pack, input, inner, &entry->weights));
    }
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_packed_weights_free(&entry->weights);
        vgg_weight_file_free(entry->file);
        entry->file = NULL;
    }
    return status;
}

/* Finds or fills an entry; a bias has no uploader. `input` NULL: a bias of zeros. `inner` 0:
 * `input` gives values in order. */
static clvgg_status find_or_fill(clvgg_device *device, vgg_uploader *uploader,
                                 const parameter *from, const store_key *key,
                                 const vgg_tensor_input *input, uint64_t inner,
                                 const vgg_packed_weights **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_pack *pack = &key->pack;
    store_entry *entry = NULL;
    *out = NULL;
    VGG_PASS(acquire(device, key, &entry));
    pthread_mutex_lock(&entry->lock);
    if (!entry->ready) {
        status =
            key->parameter == VGG_BIAS
                ? vgg_packed_bias_create(device, pack->rows,
                                         (pack->rows + pack->panel - 1) / pack->panel * pack->panel,
                                         input, &entry->weights)
                : fill(device, uploader, from, input, inner, entry);
        entry->ready = status == CLVGG_STATUS_OK;
    }
    pthread_mutex_unlock(&entry->lock);
    if (status == CLVGG_STATUS_OK)
        *out = &entry->weights;
    else
        vgg_weight_store_release(device, &entry->weights);
    return status;
}

clvgg_status vgg_weight_store_weights(clvgg_device *device, vgg_uploader *uploader,
                                      const vgg_parameter_source *source, int node,
                                      const vgg_pack *pack, const vgg_packed_weights **out)
{
    const store_key key = {source->id, key_of(source, node), VGG_WEIGHT, *pack};
    parameter from = {source, node, VGG_WEIGHT};
    const uint64_t inner = vgg_upload_takes_turned(pack) && source->inner != NULL
                               ? source->inner(source->user, node)
                               : 0;
    const vgg_tensor_input input = {&from, source->dtype(source->user, node, VGG_WEIGHT),
                                    inner != 0 ? read_turned : read_parameter};
    return find_or_fill(device, uploader, &from, &key, &input, inner, out);
}

clvgg_status vgg_weight_store_bias(clvgg_device *device, const vgg_parameter_source *source,
                                   int node, bool has_bias, const vgg_pack *pack,
                                   const vgg_packed_weights **out)
{
    const store_key key = {
        source->id, key_of(source, node), VGG_BIAS, {.rows = pack->rows, .panel = pack->panel}};
    parameter from = {source, node, VGG_BIAS};
    vgg_tensor_input input = {.user = &from, .read = read_parameter};
    if (has_bias)
        input.dtype = source->dtype(source->user, node, VGG_BIAS);
    return find_or_fill(device, NULL, &from, &key, has_bias ? &input : NULL, 0, out);
}
