/* weights/torch/pickle_input.c — the bytes of a pickle, through a window. */
#include <string.h>

#include "weights/torch/pickle_internal.h"

static clvgg_status fill_window(vgg_pickle_machine *machine)
{
    const vgg_pickle_source *source = machine->source;
    const uint64_t left = source->end - source->offset;
    const size_t bytes = left < sizeof machine->window ? (size_t)left : sizeof machine->window;
    VGG_CHECK(bytes > 0, CLVGG_STATUS_BAD_FILE, "the pickle ends too early");
    machine->window_bytes = 0;
    VGG_PASS(source->read(source->source, source->offset, machine->window, bytes));
    machine->window_at = source->offset;
    machine->window_bytes = bytes;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_bytes(vgg_pickle_machine *machine, void *data, size_t bytes)
{
    vgg_pickle_source *source = machine->source;
    unsigned char *to = data;
    VGG_CHECK(bytes <= source->end - source->offset, CLVGG_STATUS_BAD_FILE,
              "the pickle ends too early");
    while (bytes > 0) {
        if (source->offset - machine->window_at >= machine->window_bytes)
            VGG_PASS(fill_window(machine));
        const size_t from = (size_t)(source->offset - machine->window_at);
        const size_t there = machine->window_bytes - from, some = bytes < there ? bytes : there;
        memcpy(to, machine->window + from, some);
        source->offset += some;
        to += some;
        bytes -= some;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_number(vgg_pickle_machine *machine, size_t bytes, uint64_t *value)
{
    unsigned char digits[8];
    *value = 0;
    VGG_PASS(vgg_pickle_bytes(machine, digits, bytes));
    for (size_t i = bytes; i-- > 0;)
        *value = *value << 8 | digits[i];
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_skip(vgg_pickle_machine *machine, uint64_t bytes)
{
    vgg_pickle_source *source = machine->source;
    VGG_CHECK(bytes <= source->end - source->offset, CLVGG_STATUS_BAD_FILE,
              "the pickle ends too early");
    source->offset += bytes;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_line(vgg_pickle_machine *machine, char *line)
{
    for (size_t i = 0; i <= VGG_PICKLE_LONGEST_NAME; i++) {
        VGG_PASS(vgg_pickle_bytes(machine, line + i, 1));
        if (line[i] == '\n') {
            line[i] = '\0';
            return CLVGG_STATUS_OK;
        }
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "a name in the pickle has more than %d bytes",
                    VGG_PICKLE_LONGEST_NAME);
}
