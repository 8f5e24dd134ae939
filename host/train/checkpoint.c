/* train/checkpoint.c — writing, checking and reading checkpoints. */
#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "tensor/shape.h"
#include "train/checkpoint_state.h"

enum { NAME = 64, MOST_TENSORS = VGG_HEAD_MOST_LAYERS * 6 + 1, HASH_BYTES = 1 << 20 };
#define KEY_SETTINGS "clvgg.checkpoint.settings"
#define KEY_STATE "clvgg.checkpoint.state"
#define HASH_TENSOR "sha256"

struct vgg_checkpoint {
    vgg_weights *weights;
};

/* Description of one tensor of a file: a part of a parameter; the last is the hash. */
typedef struct tensor_part {
    int layer;
    bool bias;
    vgg_head_part part;
    char name[NAME];
} tensor_part;

static void name_part(const char *layer, bool bias, vgg_head_part part, char name[NAME])
{
    static const char *const suffixes[] = {"", ".moment1", ".moment2"};
    snprintf(name, NAME, "%s.%s%s", layer, bias ? "bias" : "weight", suffixes[part]);
}

static clvgg_shape part_shape(const vgg_head_layer *layer, bool bias)
{
    return bias ? (clvgg_shape){1, {layer->outputs}}
                : (clvgg_shape){2, {layer->outputs, layer->inputs}};
}

/* All parts in the order they have in a file; returns their number. */
static int list_parts(const vgg_checkpoint_layers *layers, tensor_part *parts)
{
    int count = 0;
    for (int i = 0; i < layers->layer_count; i++)
        for (int p = 0; p < layers->parts; p++)
            for (int bias = 0; bias < 2; bias++) {
                parts[count] = (tensor_part){.layer = i, .bias = bias, .part = (vgg_head_part)p};
                name_part(layers->layers[i].name, bias, (vgg_head_part)p, parts[count].name);
                count++;
            }
    return count;
}

/* ---- writing ---- */

typedef struct write_state {
    const vgg_checkpoint_layers *layers;
    const tensor_part *parts;
    int part_count;
    vgg_sha256 hash; /* of the metadata and all values so far */
} write_state;

static clvgg_status write_hash(write_state *write, uint64_t first, uint64_t count, float *values)
{
    unsigned char digest[VGG_SHA256_BYTES];
    VGG_CHECK(first == 0 && count == VGG_SHA256_BYTES, CLVGG_STATUS_IO,
              "a checkpoint's hash is written at once");
    vgg_sha256_end(&write->hash, digest);
    for (int i = 0; i < VGG_SHA256_BYTES; i++)
        values[i] = digest[i];
    return CLVGG_STATUS_OK;
}

/* Called in the file's order. */
static clvgg_status give_values(void *user, size_t tensor, uint64_t first, uint64_t count,
                                void *data)
{
    write_state *write = user;
    if (tensor == (size_t)write->part_count)
        return write_hash(write, first, count, data);
    const tensor_part *part = &write->parts[tensor];
    VGG_PASS(vgg_head_read(write->layers->head, part->layer, part->bias, part->part, first, count,
                           data));
    vgg_sha256_add(&write->hash, data, (size_t)count * sizeof(float));
    return CLVGG_STATUS_OK;
}

static vgg_sha256 begin_hash(const char *settings, const char *state)
{
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_sha256_add(&hash, settings, strlen(settings) + 1);
    vgg_sha256_add(&hash, state, strlen(state) + 1);
    return hash;
}

clvgg_status vgg_checkpoint_write(const char *path, const char *settings,
                                  const vgg_train_state *state, const vgg_checkpoint_layers *layers)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text state_text = {0};
    tensor_part parts[MOST_TENSORS];
    vgg_tensor_entry tensors[MOST_TENSORS];
    const int count = list_parts(layers, parts);
    vgg_train_state_write(state, &state_text);
    VGG_REQUIRE(!state_text.failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a description");
    for (int i = 0; i < count; i++)
        tensors[i] =
            (vgg_tensor_entry){.name = parts[i].name,
                               .dtype = CLVGG_DTYPE_F32,
                               .shape = part_shape(&layers->layers[parts[i].layer], parts[i].bias)};
    tensors[count] = (vgg_tensor_entry){
        .name = HASH_TENSOR, .dtype = CLVGG_DTYPE_F32, .shape = {1, {VGG_SHA256_BYTES}}};
    const vgg_metadata_entry metadata[] = {{KEY_SETTINGS, settings}, {KEY_STATE, state_text.bytes}};
    write_state write = {layers, parts, count, begin_hash(settings, state_text.bytes)};
    VGG_TRY(vgg_weights_write(path, tensors, (size_t)count + 1, metadata, 2, give_values, &write));
cleanup:
    vgg_text_free(&state_text);
    return status;
}

/* ---- reading ---- */

static clvgg_status hash_tensor(const vgg_weights *weights, const vgg_tensor_entry *entry,
                                float *piece, vgg_sha256 *hash)
{
    const uint64_t most = HASH_BYTES / sizeof(float);
    VGG_CHECK(entry->dtype == CLVGG_DTYPE_F32, CLVGG_STATUS_BAD_FILE,
              "tensor '%s' isn't float32, as a checkpoint's are", entry->name);
    for (uint64_t first = 0; first < entry->count; first += most) {
        const uint64_t some = entry->count - first < most ? entry->count - first : most;
        VGG_PASS(vgg_weights_read(weights, entry, first, some, piece));
        vgg_sha256_add(hash, piece, (size_t)some * sizeof(float));
    }
    return CLVGG_STATUS_OK;
}

/* The last tensor is the hash of everything before it. */
static clvgg_status check_hash(const vgg_weights *weights, const char *settings, const char *state)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *piece = NULL, stored[VGG_SHA256_BYTES];
    unsigned char digest[VGG_SHA256_BYTES];
    const size_t count = vgg_weights_count(weights);
    const vgg_tensor_entry *last = vgg_weights_find(weights, HASH_TENSOR);
    VGG_REQUIRE(last != NULL && last->dtype == CLVGG_DTYPE_F32 && last->count == VGG_SHA256_BYTES,
                CLVGG_STATUS_BAD_FILE, "it has no hash of its content");
    vgg_sha256 hash = begin_hash(settings, state);
    VGG_NEW(piece, HASH_BYTES / sizeof(float));
    for (size_t i = 0; i < count; i++)
        if (vgg_weights_entry(weights, i) != last)
            VGG_TRY(hash_tensor(weights, vgg_weights_entry(weights, i), piece, &hash));
    vgg_sha256_end(&hash, digest);
    VGG_TRY(vgg_weights_read(weights, last, 0, VGG_SHA256_BYTES, stored));
    for (int i = 0; i < VGG_SHA256_BYTES; i++)
        VGG_REQUIRE(stored[i] == (float)digest[i], CLVGG_STATUS_BAD_FILE,
                    "its content isn't what was written: it is damaged");
cleanup:
    vgg_free(piece);
    return status;
}

clvgg_status vgg_checkpoint_open(const char *path, vgg_checkpoint **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_checkpoint *checkpoint = NULL;
    *out = NULL;
    VGG_NEW(checkpoint, 1);
    status = vgg_weights_open(path, &checkpoint->weights);
    if (status != CLVGG_STATUS_OK) { /* names the file itself */
        vgg_free(checkpoint);
        return status;
    }
    const char *settings = vgg_checkpoint_settings(checkpoint);
    const char *state = vgg_weights_metadata(checkpoint->weights, KEY_STATE);
    VGG_REQUIRE(settings != NULL && state != NULL, CLVGG_STATUS_BAD_FILE,
                "it is no checkpoint of clvgg's");
    VGG_TRY(check_hash(checkpoint->weights, settings, state));
    VGG_GIVE(out, checkpoint);
cleanup:
    vgg_checkpoint_close(checkpoint);
    return vgg_prefixed(status, "%s", path);
}

void vgg_checkpoint_close(vgg_checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    vgg_weights_close(checkpoint->weights);
    vgg_free(checkpoint);
}

const char *vgg_checkpoint_settings(const vgg_checkpoint *checkpoint)
{
    return vgg_weights_metadata(checkpoint->weights, KEY_SETTINGS);
}

clvgg_status vgg_checkpoint_state(const vgg_checkpoint *checkpoint, vgg_train_state *state)
{
    return vgg_train_state_read(vgg_weights_metadata(checkpoint->weights, KEY_STATE), state);
}

clvgg_status vgg_checkpoint_read(const vgg_checkpoint *checkpoint, const vgg_head_layer *layer,
                                 bool bias, vgg_head_part part, uint64_t first, uint64_t count,
                                 float *values)
{
    char name[NAME];
    const clvgg_shape shape = part_shape(layer, bias);
    name_part(layer->name, bias, part, name);
    const vgg_tensor_entry *entry = vgg_weights_find(checkpoint->weights, name);
    VGG_CHECK(entry != NULL && vgg_shape_equal(&entry->shape, &shape), CLVGG_STATUS_BAD_FILE,
              "%s: has no tensor '%s' of this head's shape", vgg_weights_path(checkpoint->weights),
              name);
    return vgg_weights_read(checkpoint->weights, entry, first, count, values);
}

typedef struct restore_state {
    const vgg_checkpoint *checkpoint;
    const vgg_checkpoint_layers *layers;
    vgg_head_part part;
} restore_state;

static clvgg_status give_restored(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                                  float *values)
{
    const restore_state *restore = user;
    return vgg_checkpoint_read(restore->checkpoint, &restore->layers->layers[layer], bias,
                               restore->part, first, count, values);
}

clvgg_status vgg_checkpoint_restore(const vgg_checkpoint *checkpoint,
                                    const vgg_checkpoint_layers *layers)
{
    tensor_part parts[MOST_TENSORS];
    const int count = list_parts(layers, parts);
    for (int i = 0; i < count; i++) {
        restore_state restore = {checkpoint, layers, parts[i].part};
        VGG_PASS(vgg_head_write(layers->head, parts[i].layer, parts[i].bias, parts[i].part,
                                give_restored, &restore));
    }
    return CLVGG_STATUS_OK;
}

/* ---- settings ---- */

clvgg_status vgg_checkpoint_compare(const vgg_checkpoint *checkpoint, const char *settings,
                                    bool whole)
{
    const char *theirs = vgg_checkpoint_settings(checkpoint), *ours = settings;
    while (*theirs != '\0' && *ours != '\0') {
        const int their_length = (int)strcspn(theirs, "\n"), our_length = (int)strcspn(ours, "\n");
        /* The learning rate's whole course depends on the number of epochs. */
        const char *advice = strncmp(theirs, "epochs=", 7) != 0
                                 ? ""
                                 : "; a finished model is trained further by a run that begins "
                                   "with it: --model FILE --train fc6, and another --output";
        VGG_CHECK(their_length == our_length && strncmp(theirs, ours, (size_t)their_length) == 0,
                  CLVGG_STATUS_UNSUPPORTED,
                  "%s: was made with %.*s, this run has %.*s: it can't go on to the same end%s",
                  vgg_weights_path(checkpoint->weights), their_length < 200 ? their_length : 200,
                  theirs, our_length < 200 ? our_length : 200, ours, advice);
        theirs += their_length + (theirs[their_length] == '\n');
        ours += our_length + (ours[our_length] == '\n');
    }
    VGG_CHECK(!whole || *theirs == *ours, CLVGG_STATUS_UNSUPPORTED,
              "%s: was made by another version of clvgg", vgg_weights_path(checkpoint->weights));
    return CLVGG_STATUS_OK;
}
