/* weights/torch/pickle_stack.c — what a pickle's machine works on: memory, values, stack, memo. */
#include <string.h>

#include "base/alloc.h"
#include "weights/torch/pickle_internal.h"

/* ---- memory ---- */

/* What checkpoints of real networks need is a hundredth of it. */
enum { LARGEST_HEAP_BYTES = 48 << 20, BLOCK_BYTES = 16 << 10 };

struct vgg_pickle_block {
    struct vgg_pickle_block *before;
    size_t used, capacity;
    max_align_t data[];
};

clvgg_status vgg_pickle_allocate(vgg_pickle_heap *heap, size_t bytes, void **out)
{
    struct vgg_pickle_block *block = heap->block;
    VGG_CHECK(bytes <= LARGEST_HEAP_BYTES, CLVGG_STATUS_BAD_FILE,
              "what is pickled needs more than %d MB of memory", LARGEST_HEAP_BYTES >> 20);
    bytes = (bytes + sizeof(int64_t) - 1) & ~(sizeof(int64_t) - 1);
    if (block == NULL || block->capacity - block->used < bytes) {
        const size_t capacity = bytes < BLOCK_BYTES ? BLOCK_BYTES : bytes;
        VGG_CHECK(capacity <= LARGEST_HEAP_BYTES - heap->bytes, CLVGG_STATUS_BAD_FILE,
                  "what is pickled needs more than %d MB of memory", LARGEST_HEAP_BYTES >> 20);
        block = vgg_calloc(1, sizeof *block + capacity);
        VGG_PASS(VGG_MADE(block));
        heap->bytes += capacity;
        block->capacity = capacity;
        block->before = heap->block;
        heap->block = block;
    }
    *out = (char *)block->data + block->used;
    block->used += bytes;
    return CLVGG_STATUS_OK;
}

void vgg_pickle_heap_free(vgg_pickle_heap *heap)
{
    while (heap->block != NULL) {
        struct vgg_pickle_block *block = heap->block;
        heap->block = block->before;
        vgg_free(block);
    }
    heap->bytes = 0;
}

/* ---- values and the stack ---- */

clvgg_status vgg_pickle_make(vgg_pickle_machine *machine, vgg_pickled_kind kind, vgg_pickled **out)
{
    void *value = NULL;
    VGG_PASS(vgg_pickle_allocate(machine->heap, sizeof **out, &value));
    *out = value;
    (*out)->kind = kind;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_push(vgg_pickle_machine *machine, vgg_pickled *value)
{
    VGG_CHECK(machine->count < VGG_PICKLE_LARGEST_STACK, CLVGG_STATUS_BAD_FILE,
              "the pickle's stack holds more than %d values", VGG_PICKLE_LARGEST_STACK);
    VGG_GROW_PASS(machine->stack, machine->count, machine->capacity, 256);
    machine->stack[machine->count++] = value;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_push_new(vgg_pickle_machine *machine, vgg_pickled_kind kind,
                                 int64_t integer)
{
    vgg_pickled *value;
    VGG_PASS(vgg_pickle_make(machine, kind, &value));
    value->integer = integer;
    return vgg_pickle_push(machine, value);
}

size_t vgg_pickle_floor(const vgg_pickle_machine *machine)
{
    return machine->mark_count > 0 ? machine->marks[machine->mark_count - 1] : 0;
}

clvgg_status vgg_pickle_top(vgg_pickle_machine *machine, vgg_pickled **out)
{
    VGG_CHECK(machine->count > vgg_pickle_floor(machine), CLVGG_STATUS_BAD_FILE,
              "the pickle takes more values than it has made");
    *out = machine->stack[machine->count - 1];
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_pop(vgg_pickle_machine *machine, vgg_pickled **out)
{
    VGG_PASS(vgg_pickle_top(machine, out));
    machine->count--;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_set_mark(vgg_pickle_machine *machine)
{
    VGG_CHECK(machine->mark_count < VGG_PICKLE_LARGEST_STACK, CLVGG_STATUS_BAD_FILE,
              "the pickle sets more than %d marks", VGG_PICKLE_LARGEST_STACK);
    VGG_GROW_PASS(machine->marks, machine->mark_count, machine->mark_capacity, 64);
    machine->marks[machine->mark_count++] = machine->count;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_take_mark(vgg_pickle_machine *machine, size_t *count)
{
    VGG_CHECK(machine->mark_count > 0, CLVGG_STATUS_BAD_FILE,
              "the pickle goes back to a mark that it hasn't set");
    *count = machine->count - machine->marks[--machine->mark_count];
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_gather(vgg_pickle_machine *machine, vgg_pickled *value, size_t count)
{
    const size_t needed = value->count + count;
    if (needed > value->capacity) {
        const size_t twice = 2 * (size_t)value->capacity,
                     capacity = needed > twice ? needed : twice;
        void *items = NULL;
        VGG_CHECK(capacity < UINT32_MAX, CLVGG_STATUS_BAD_FILE, "a list in the pickle is too long");
        VGG_PASS(vgg_pickle_allocate(machine->heap, capacity * sizeof(vgg_pickled *), &items));
        if (value->count > 0)
            memcpy(items, value->items, value->count * sizeof *value->items);
        value->items = items;
        value->capacity = (uint32_t)capacity;
    }
    machine->count -= count;
    if (count > 0)
        memcpy(value->items + value->count, machine->stack + machine->count,
               count * sizeof *value->items);
    value->count = (uint32_t)needed;
    return CLVGG_STATUS_OK;
}

/* ---- the memo ---- */

clvgg_status vgg_pickle_remember(vgg_pickle_machine *machine, uint64_t index)
{
    vgg_pickled *value = NULL;
    VGG_PASS(vgg_pickle_top(machine, &value));
    VGG_CHECK(index < VGG_PICKLE_LARGEST_MEMO, CLVGG_STATUS_BAD_FILE,
              "the pickle remembers more than %d values", VGG_PICKLE_LARGEST_MEMO);
    if (index >= machine->memo_count) {
        size_t more = machine->memo_count > 0 ? 2 * machine->memo_count : 256;
        while (more <= index)
            more *= 2;
        vgg_pickled **memo = vgg_realloc(machine->memo, more, sizeof *memo);
        VGG_PASS(VGG_MADE(memo));
        memset(memo + machine->memo_count, 0, (more - machine->memo_count) * sizeof *memo);
        machine->memo = memo;
        machine->memo_count = more;
    }
    machine->memo_next += machine->memo[index] == NULL;
    machine->memo[index] = value;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_recall(vgg_pickle_machine *machine, uint64_t index)
{
    VGG_CHECK(index < machine->memo_count && machine->memo[index] != NULL, CLVGG_STATUS_BAD_FILE,
              "the pickle recalls a value that it hasn't remembered");
    return vgg_pickle_push(machine, machine->memo[index]);
}
