/* weights/torch/pickle_scalars.c — a pickle's instructions that push a plain value, whose bytes
 * follow them: numbers, texts, None.
 */
#include <string.h>

#include "weights/torch/pickle_internal.h"

typedef vgg_pickle_machine machine_t;

/* A float64, big-endian. */
static clvgg_status push_fraction(machine_t *machine)
{
    unsigned char bytes[8];
    uint64_t bits = 0;
    vgg_pickled *value;
    VGG_PASS(vgg_pickle_bytes(machine, bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++)
        bits = bits << 8 | bytes[i];
    VGG_PASS(vgg_pickle_make(machine, VGG_PICKLED_FRACTION, &value));
    memcpy(&value->fraction, &bits, sizeof bits);
    return vgg_pickle_push(machine, value);
}

/* Bytes of the source, with a NUL behind them. */
static clvgg_status push_text(machine_t *machine, vgg_pickled_kind kind, uint64_t bytes)
{
    vgg_pickled *value;
    void *text;
    if (bytes > VGG_PICKLE_LONGEST_TEXT) {
        VGG_PASS(vgg_pickle_skip(machine, bytes));
        return vgg_pickle_push_new(machine, VGG_PICKLED_OTHER, 0);
    }
    VGG_CHECK(bytes <= machine->source->end - machine->source->offset, CLVGG_STATUS_BAD_FILE,
              "the pickle ends too early");
    VGG_PASS(vgg_pickle_make(machine, kind, &value));
    VGG_PASS(vgg_pickle_allocate(machine->heap, (size_t)bytes + 1, &text));
    VGG_PASS(vgg_pickle_bytes(machine, text, (size_t)bytes));
    value->text = text;
    value->count = (uint32_t)bytes;
    return vgg_pickle_push(machine, value);
}

/* A text or bytes, their number in front. */
static clvgg_status push_counted(machine_t *machine, size_t length_bytes)
{
    uint64_t bytes;
    VGG_PASS(vgg_pickle_number(machine, length_bytes, &bytes));
    return push_text(machine, VGG_PICKLED_TEXT, bytes);
}

/* An integer without a sign. */
static clvgg_status push_unsigned(machine_t *machine, size_t bytes)
{
    uint64_t value;
    VGG_PASS(vgg_pickle_number(machine, bytes, &value));
    return vgg_pickle_push_new(machine, VGG_PICKLED_INTEGER, (int64_t)value);
}

/* The same in two's complement; no bytes are 0. */
static clvgg_status push_signed(machine_t *machine, size_t bytes)
{
    uint64_t value;
    VGG_PASS(vgg_pickle_number(machine, bytes, &value));
    if (bytes > 0 && bytes < 8 && value >> (8 * bytes - 1) != 0)
        value |= UINT64_MAX << (8 * bytes);
    return vgg_pickle_push_new(machine, VGG_PICKLED_INTEGER, (int64_t)value);
}

/* An integer of any size, the number of its bytes in front. */
static clvgg_status push_long(machine_t *machine, size_t length_bytes)
{
    uint64_t bytes;
    VGG_PASS(vgg_pickle_number(machine, length_bytes, &bytes));
    return bytes > 8 ? push_text(machine, VGG_PICKLED_OTHER, bytes)
                     : push_signed(machine, (size_t)bytes);
}

clvgg_status vgg_pickle_scalar(machine_t *machine, unsigned op)
{
    switch (op) {
    case 'N':
        return vgg_pickle_push_new(machine, VGG_PICKLED_NONE, 0);
    case 0x88:
    case 0x89:
        return vgg_pickle_push_new(machine, VGG_PICKLED_BOOL, op == 0x88);
    case 'K':
        return push_unsigned(machine, 1);
    case 'M':
        return push_unsigned(machine, 2);
    case 'J':
        return push_signed(machine, 4);
    case 'G':
        return push_fraction(machine);
    case 0x8A:
        return push_long(machine, 1);
    case 0x8B:
        return push_long(machine, 4);
    case 'U':
    case 'C':
    case 0x8C:
        return push_counted(machine, 1);
    case 0x8D:
    case 0x8E:
    case 0x96:
        return push_counted(machine, 8);
    default: /* T, X, B */
        return push_counted(machine, 4);
    }
}
