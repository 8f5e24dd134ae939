/* weights/protobuf_skeleton.c — walks a protobuf file; see protobuf_skeleton.h. */
#include "weights/protobuf_skeleton.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

enum { WINDOW_BYTES = 65536, LENGTH_BYTES = 5 };
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

typedef struct walker {
    const vgg_file *file;
    vgg_protobuf_skeleton *out;
    unsigned char *window; /* bytes of the file from window_start on */
    uint64_t window_start;
    size_t window_bytes;
    uint64_t at; /* in the file */
    size_t messages;
    int depth;
} walker;

/* A field as its key states it; its payload is [start, end). */
typedef struct field {
    uint64_t key_at, start, end;
    uint32_t number;
    unsigned wire;
} field;

static clvgg_status fail_at(const walker *w, uint64_t at, const char *what)
{
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: byte %" PRIu64 ": %s", vgg_file_path(w->file), at,
                    what);
}

/* ---- reading ---- */

static clvgg_status next_byte(walker *w, uint64_t end, unsigned char *byte)
{
    if (w->at >= end)
        return fail_at(w, w->at, "a number goes on beyond the end of its message");
    if (w->at < w->window_start || w->at - w->window_start >= w->window_bytes) {
        const uint64_t left = vgg_file_size(w->file) - w->at;
        w->window_bytes = 0;
        const size_t some = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
        VGG_PASS(vgg_file_read(w->file, w->at, w->window, some));
        w->window_start = w->at;
        w->window_bytes = some;
    }
    *byte = w->window[w->at++ - w->window_start];
    return CLVGG_STATUS_OK;
}

static clvgg_status read_varint(walker *w, uint64_t end, uint64_t *value)
{
    const uint64_t start = w->at;
    unsigned char byte = 0x80;
    *value = 0;
    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        VGG_PASS(next_byte(w, end, &byte));
        if (shift == 63 && byte > 1)
            return fail_at(w, start, "a number has more than 64 bits");
        *value |= (uint64_t)(byte & 0x7F) << shift;
    }
    return CLVGG_STATUS_OK;
}

/* Reads a key and finds where its payload ends. */
static clvgg_status read_field(walker *w, uint64_t end, field *f)
{
    uint64_t key, value;
    f->key_at = w->at;
    VGG_PASS(read_varint(w, end, &key));
    f->number = (uint32_t)(key >> 3);
    f->wire = (unsigned)(key & 7);
    if (key >> 32 != 0 || f->number == 0)
        return fail_at(w, f->key_at, "isn't a field's number");
    uint64_t bytes = f->wire == WIRE_FIXED64 ? 8 : 4;
    f->start = w->at;
    if (f->wire == WIRE_VARINT) {
        VGG_PASS(read_varint(w, end, &value));
        bytes = w->at - f->start;
    } else if (f->wire == WIRE_LENGTH) {
        VGG_PASS(read_varint(w, end, &bytes));
        f->start = w->at;
    } else if (f->wire != WIRE_FIXED64 && f->wire != WIRE_FIXED32) {
        return fail_at(w, f->key_at, "a field of a kind that protobuf files don't have any more");
    }
    VGG_CHECK(bytes <= end - f->start, CLVGG_STATUS_BAD_FILE,
              "%s: byte %" PRIu64 ": field %" PRIu32 " claims %" PRIu64
              " bytes, its message has %" PRIu64 " left",
              vgg_file_path(w->file), f->key_at, f->number, bytes, end - f->start);
    f->end = f->start + bytes;
    return CLVGG_STATUS_OK;
}

/* ---- writing ---- */

static clvgg_status reserve(walker *w, uint64_t bytes)
{
    vgg_protobuf_skeleton *out = w->out;
    VGG_CHECK(bytes <= VGG_PROTOBUF_LARGEST_SKELETON - out->length, CLVGG_STATUS_BAD_FILE,
              "%s: holds more than %d MiB beside its weights", vgg_file_path(w->file),
              VGG_PROTOBUF_LARGEST_SKELETON >> 20);
    size_t capacity = out->capacity > 0 ? out->capacity : 4096;
    while (capacity - out->length < bytes)
        capacity *= 2;
    if (capacity == out->capacity)
        return CLVGG_STATUS_OK;
    unsigned char *grown = vgg_realloc(out->bytes, capacity, 1);
    VGG_PASS(VGG_MADE(grown));
    out->bytes = grown;
    out->capacity = capacity;
    return CLVGG_STATUS_OK;
}

static clvgg_status put_varint(walker *w, uint64_t value)
{
    VGG_PASS(reserve(w, 10));
    for (; value >= 0x80; value >>= 7)
        w->out->bytes[w->out->length++] = (unsigned char)(value | 0x80);
    w->out->bytes[w->out->length++] = (unsigned char)value;
    return CLVGG_STATUS_OK;
}

static clvgg_status put_key(walker *w, uint32_t number, unsigned wire)
{
    return put_varint(w, (uint64_t)number << 3 | wire);
}

/* Bytes of the file, which mostly are in the window already: a file may have millions of fields. */
static clvgg_status copy_out(const walker *w, uint64_t start, size_t bytes, unsigned char *to)
{
    const uint64_t window_end = w->window_start + w->window_bytes;
    if (start < w->window_start || start > window_end || bytes > window_end - start)
        return vgg_file_read(w->file, start, to, bytes);
    if (bytes > 0)
        memcpy(to, w->window + (start - w->window_start), bytes);
    return CLVGG_STATUS_OK;
}

static clvgg_status keep_field(walker *w, const field *f)
{
    const uint64_t bytes = f->end - f->start;
    VGG_PASS(put_key(w, f->number, f->wire));
    if (f->wire == WIRE_LENGTH)
        VGG_PASS(put_varint(w, bytes));
    VGG_PASS(reserve(w, bytes));
    VGG_PASS(copy_out(w, f->start, (size_t)bytes, w->out->bytes + w->out->length));
    w->out->length += (size_t)bytes;
    return CLVGG_STATUS_OK;
}

/* Records a payload. Numbers that each have a key continue the place of the number right before. */
static clvgg_status leave_field(walker *w, const field *f, const field *before)
{
    vgg_protobuf_skeleton *out = w->out;
    vgg_protobuf_place place = {.offset = f->start, .bytes = f->end - f->start};
    if (f->wire == WIRE_VARINT)
        return fail_at(w, f->key_at, "an array of values holds a single varint");
    if (f->wire != WIRE_LENGTH) {
        place.element = (uint32_t)place.bytes;
        place.step = (uint32_t)(f->end - f->key_at);
        if (before->number == f->number && before->wire == f->wire && before->end == f->key_at) {
            vgg_protobuf_place *last = &out->places[out->place_count - 1];
            if (last->step == place.step) {
                last->bytes += place.element;
                return CLVGG_STATUS_OK;
            }
        }
    }
    VGG_CHECK(out->place_count < VGG_PROTOBUF_MOST_PLACES, CLVGG_STATUS_BAD_FILE,
              "%s: has more than %d arrays of values", vgg_file_path(w->file),
              VGG_PROTOBUF_MOST_PLACES);
    VGG_GROW_PASS(out->places, out->place_count, out->place_capacity, 64);
    VGG_PASS(put_key(w, VGG_PROTOBUF_MARK + f->number, WIRE_VARINT));
    VGG_PASS(put_varint(w, out->place_count));
    out->places[out->place_count++] = place;
    return CLVGG_STATUS_OK;
}

/* ---- messages ---- */

static clvgg_status walk_message(walker *w, const vgg_protobuf_message *message, uint64_t end);

/* Its length is written when it is known, in as many bytes as any length may have. */
static clvgg_status enter_field(walker *w, const field *f, const vgg_protobuf_message *message)
{
    if (f->wire != WIRE_LENGTH)
        return fail_at(w, f->key_at, "a number stands where a message should");
    VGG_CHECK(++w->messages <= VGG_PROTOBUF_MOST_MESSAGES && w->depth < VGG_PROTOBUF_DEEPEST,
              CLVGG_STATUS_BAD_FILE, "%s: has more than %d messages, or deeper than %d",
              vgg_file_path(w->file), VGG_PROTOBUF_MOST_MESSAGES, VGG_PROTOBUF_DEEPEST);
    VGG_PASS(put_key(w, f->number, f->wire));
    VGG_PASS(reserve(w, LENGTH_BYTES));
    const size_t length_at = w->out->length;
    w->out->length += LENGTH_BYTES;
    w->depth++;
    VGG_PASS(walk_message(w, message, f->end));
    w->depth--;
    size_t length = w->out->length - length_at - LENGTH_BYTES;
    for (int i = 0; i < LENGTH_BYTES; i++, length >>= 7)
        w->out->bytes[length_at + (size_t)i] =
            (unsigned char)((length & 0x7F) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
    return CLVGG_STATUS_OK;
}

static clvgg_status use_field(walker *w, const vgg_protobuf_field *rule, const field *f,
                              const field *before)
{
    switch (rule->use) {
    case VGG_PROTOBUF_KEEP:
        return keep_field(w, f);
    case VGG_PROTOBUF_LEAVE:
        return leave_field(w, f, before);
    default:
        return enter_field(w, f, rule->message);
    }
}

static const vgg_protobuf_field *find_rule(const vgg_protobuf_message *message, uint32_t number,
                                           size_t *index)
{
    for (*index = 0; *index < message->field_count; ++*index)
        if (message->fields[*index].number == number)
            return &message->fields[*index];
    return NULL;
}

static clvgg_status walk_message(walker *w, const vgg_protobuf_message *message, uint64_t end)
{
    uint64_t seen = 0; /* a bit for each rule */
    field f = {0}, before = {0};
    for (; w->at < end; before = f) {
        size_t index;
        VGG_PASS(read_field(w, end, &f));
        const vgg_protobuf_field *rule = find_rule(message, f.number, &index);
        if (rule != NULL) {
            VGG_CHECK(rule->use != VGG_PROTOBUF_ONCE || (seen >> index & 1) == 0,
                      CLVGG_STATUS_BAD_FILE, "%s: byte %" PRIu64 ": %s has field %" PRIu32 " twice",
                      vgg_file_path(w->file), f.key_at, message->name, f.number);
            seen |= UINT64_C(1) << index;
            VGG_PASS(use_field(w, rule, &f, &before));
        }
        w->at = f.end;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_protobuf_skeleton_read(const vgg_file *file, const vgg_protobuf_message *root,
                                        vgg_protobuf_skeleton *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    walker w = {.file = file, .out = out};
    VGG_NEW(w.window, WINDOW_BYTES);
    VGG_TRY(reserve(&w, 1));
    VGG_TRY(walk_message(&w, root, vgg_file_size(file)));
cleanup:
    vgg_free(w.window);
    return status;
}

void vgg_protobuf_skeleton_free(vgg_protobuf_skeleton *skeleton)
{
    vgg_free(skeleton->bytes);
    vgg_free(skeleton->places);
    *skeleton = (vgg_protobuf_skeleton){0};
}
