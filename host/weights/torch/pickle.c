/* weights/torch/pickle.c — runs a pickle: its instructions for containers, names, calls, stack and
 * memo, and the table of all. */
#include "weights/torch/pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/torch/pickle_internal.h"

typedef vgg_pickle_machine machine_t;

/* ---- containers ---- */

static clvgg_status empty(machine_t *machine, unsigned op)
{
    return vgg_pickle_push_new(machine, op == '}' ? VGG_PICKLED_DICT : VGG_PICKLED_SEQUENCE, 0);
}

/* A container of the last `count` values. */
static clvgg_status push_filled(machine_t *machine, vgg_pickled_kind kind, size_t count)
{
    vgg_pickled *value;
    VGG_CHECK(kind != VGG_PICKLED_DICT || count % 2 == 0, CLVGG_STATUS_BAD_FILE,
              "the pickle makes a dictionary of an odd number of values");
    VGG_PASS(vgg_pickle_make(machine, kind, &value));
    VGG_PASS(vgg_pickle_gather(machine, value, count));
    return vgg_pickle_push(machine, value);
}

static clvgg_status short_tuple(machine_t *machine, unsigned op)
{
    const size_t count = op - 0x84;
    VGG_CHECK(machine->count - vgg_pickle_floor(machine) >= count, CLVGG_STATUS_BAD_FILE,
              "the pickle takes more values than it has made");
    return push_filled(machine, VGG_PICKLED_SEQUENCE, count);
}

static clvgg_status filled(machine_t *machine, unsigned op)
{
    size_t count;
    VGG_PASS(vgg_pickle_take_mark(machine, &count));
    return push_filled(machine, op == 'd' ? VGG_PICKLED_DICT : VGG_PICKLED_SEQUENCE, count);
}

/* Puts the last `count` values into the container below them. An object keeps what is set by key;
 * what is appended to one is of no use here. */
static clvgg_status put(machine_t *machine, size_t count, bool by_key)
{
    VGG_CHECK(machine->count - vgg_pickle_floor(machine) > count && (!by_key || count % 2 == 0),
              CLVGG_STATUS_BAD_FILE, "the pickle fills a container that it hasn't made");
    vgg_pickled *value = machine->stack[machine->count - count - 1];
    if (by_key ? value->kind == VGG_PICKLED_DICT || value->kind == VGG_PICKLED_OBJECT
               : value->kind == VGG_PICKLED_SEQUENCE)
        return vgg_pickle_gather(machine, value, count);
    VGG_CHECK(value->kind == VGG_PICKLED_OBJECT, CLVGG_STATUS_BAD_FILE,
              "the pickle puts items into what isn't a container");
    machine->count -= count;
    return CLVGG_STATUS_OK;
}

static clvgg_status put_some(machine_t *machine, unsigned op)
{
    size_t count;
    VGG_PASS(vgg_pickle_take_mark(machine, &count));
    return put(machine, count, op == 'u');
}

static clvgg_status put_one(machine_t *machine, unsigned op)
{
    return put(machine, op == 's' ? 2 : 1, op == 's');
}

/* ---- names and calls ---- */

static clvgg_status push_name(machine_t *machine, const char *module, const char *name)
{
    vgg_pickled *value;
    const size_t bytes = strlen(module) + strlen(name) + 2;
    void *joined;
    for (const char *at = module; *at != '\0' || at == module; at++)
        VGG_CHECK(*at > ' ' && *at <= '~', CLVGG_STATUS_BAD_FILE,
                  "the pickle names a module that can't be one");
    for (const char *at = name; *at != '\0' || at == name; at++)
        VGG_CHECK(*at > ' ' && *at <= '~', CLVGG_STATUS_BAD_FILE,
                  "the pickle names something in %s that can't be there", module);
    VGG_PASS(vgg_pickle_make(machine, VGG_PICKLED_GLOBAL, &value));
    VGG_PASS(vgg_pickle_allocate(machine->heap, bytes, &joined));
    snprintf(joined, bytes, "%s.%s", module, name);
    value->text = joined;
    value->count = (uint32_t)bytes - 1;
    return vgg_pickle_push(machine, value);
}

static clvgg_status global(machine_t *machine, unsigned op)
{
    char module[VGG_PICKLE_LONGEST_NAME + 1], name[VGG_PICKLE_LONGEST_NAME + 1];
    (void)op;
    VGG_PASS(vgg_pickle_line(machine, module));
    VGG_PASS(vgg_pickle_line(machine, name));
    return push_name(machine, module, name);
}

static clvgg_status global_on_stack(machine_t *machine, unsigned op)
{
    vgg_pickled *module, *name;
    (void)op;
    VGG_PASS(vgg_pickle_pop(machine, &name));
    VGG_PASS(vgg_pickle_pop(machine, &module));
    VGG_CHECK(vgg_pickled_text(module) != NULL && module->count <= VGG_PICKLE_LONGEST_NAME &&
                  vgg_pickled_text(name) != NULL && name->count <= VGG_PICKLE_LONGEST_NAME,
              CLVGG_STATUS_BAD_FILE, "the pickle names something by what isn't a name");
    return push_name(machine, module->text, name->text);
}

static clvgg_status call(machine_t *machine, unsigned op)
{
    vgg_pickled *callable, *arguments, *keywords, *value;
    if (op == 0x92)
        VGG_PASS(vgg_pickle_pop(machine, &keywords));
    VGG_PASS(vgg_pickle_pop(machine, &arguments));
    VGG_PASS(vgg_pickle_pop(machine, &callable));
    VGG_PASS(vgg_pickle_make(machine, VGG_PICKLED_OBJECT, &value));
    value->callable = callable;
    value->arguments = arguments;
    return vgg_pickle_push(machine, value);
}

static clvgg_status build(machine_t *machine, unsigned op)
{
    vgg_pickled *state, *value;
    (void)op;
    VGG_PASS(vgg_pickle_pop(machine, &state));
    VGG_PASS(vgg_pickle_top(machine, &value));
    if (value->kind == VGG_PICKLED_OBJECT)
        value->state = state;
    return CLVGG_STATUS_OK;
}

static clvgg_status persistent(machine_t *machine, unsigned op)
{
    vgg_pickled *name, *value;
    (void)op;
    VGG_PASS(vgg_pickle_pop(machine, &name));
    VGG_PASS(vgg_pickle_make(machine, VGG_PICKLED_PERSISTENT, &value));
    value->arguments = name;
    VGG_GROW_PASS(machine->persistent, machine->persistent_count, machine->persistent_capacity, 64);
    machine->persistent[machine->persistent_count++] = value;
    return vgg_pickle_push(machine, value);
}

/* ---- stack and memo ---- */

static clvgg_status mark(machine_t *machine, unsigned op)
{
    (void)op;
    return vgg_pickle_set_mark(machine);
}

static clvgg_status pop(machine_t *machine, unsigned op)
{
    size_t count;
    vgg_pickled *value;
    if (op == '0' && machine->mark_count > 0 &&
        machine->marks[machine->mark_count - 1] == machine->count)
        return vgg_pickle_take_mark(machine, &count);
    if (op == '0')
        return vgg_pickle_pop(machine, &value);
    VGG_PASS(vgg_pickle_take_mark(machine, &count));
    machine->count -= count;
    return CLVGG_STATUS_OK;
}

static clvgg_status duplicate(machine_t *machine, unsigned op)
{
    vgg_pickled *value;
    (void)op;
    VGG_PASS(vgg_pickle_top(machine, &value));
    return vgg_pickle_push(machine, value);
}

static clvgg_status remember(machine_t *machine, unsigned op)
{
    uint64_t index = machine->memo_next;
    if (op != 0x94)
        VGG_PASS(vgg_pickle_number(machine, op == 'q' ? 1 : 4, &index));
    return vgg_pickle_remember(machine, index);
}

static clvgg_status recall(machine_t *machine, unsigned op)
{
    uint64_t index;
    VGG_PASS(vgg_pickle_number(machine, op == 'h' ? 1 : 4, &index));
    return vgg_pickle_recall(machine, index);
}

static clvgg_status protocol(machine_t *machine, unsigned op)
{
    uint64_t version;
    (void)op;
    VGG_PASS(vgg_pickle_number(machine, 1, &version));
    VGG_CHECK(version <= 5, CLVGG_STATUS_UNSUPPORTED,
              "the pickle is of protocol %" PRIu64 "; those up to 5 are read", version);
    return CLVGG_STATUS_OK;
}

/* A frame only says how much could be read ahead. */
static clvgg_status frame(machine_t *machine, unsigned op)
{
    uint64_t bytes;
    (void)op;
    return vgg_pickle_number(machine, 8, &bytes);
}

static clvgg_status stop(machine_t *machine, unsigned op)
{
    (void)op;
    machine->stopped = true;
    return CLVGG_STATUS_OK;
}

typedef clvgg_status (*instruction)(machine_t *machine, unsigned op);
/* clang-format off */
static const instruction instructions[256] = {
    ['N'] = vgg_pickle_scalar,  [0x88] = vgg_pickle_scalar, [0x89] = vgg_pickle_scalar,
    ['K'] = vgg_pickle_scalar,  ['M'] = vgg_pickle_scalar,  ['J'] = vgg_pickle_scalar,
    ['G'] = vgg_pickle_scalar,  [0x8A] = vgg_pickle_scalar, [0x8B] = vgg_pickle_scalar,
    ['U'] = vgg_pickle_scalar,  ['T'] = vgg_pickle_scalar,  ['X'] = vgg_pickle_scalar,
    [0x8C] = vgg_pickle_scalar, [0x8D] = vgg_pickle_scalar, ['C'] = vgg_pickle_scalar,
    ['B'] = vgg_pickle_scalar,  [0x8E] = vgg_pickle_scalar, [0x96] = vgg_pickle_scalar,
    ['}'] = empty,        [']'] = empty,            [')'] = empty,        [0x8F] = empty,
    [0x85] = short_tuple, [0x86] = short_tuple,     [0x87] = short_tuple, ['t'] = filled,
    ['l'] = filled,       ['d'] = filled,           [0x91] = filled,      ['u'] = put_some,
    ['e'] = put_some,     [0x90] = put_some,        ['s'] = put_one,      ['a'] = put_one,
    ['c'] = global,       [0x93] = global_on_stack, ['R'] = call,         [0x81] = call,
    [0x92] = call,        ['b'] = build,            ['Q'] = persistent,   ['('] = mark,
    ['0'] = pop,          ['1'] = pop,              ['2'] = duplicate,    ['q'] = remember,
    ['r'] = remember,     [0x94] = remember,        ['h'] = recall,       ['j'] = recall,
    [0x80] = protocol,    [0x95] = frame,           ['.'] = stop,
};
/* clang-format on */

static clvgg_status run(machine_t *machine)
{
    for (int i = 0; !machine->stopped; i++) {
        const uint64_t at = machine->source->offset;
        unsigned char op;
        VGG_CHECK(i < VGG_PICKLE_LARGEST_PROGRAM, CLVGG_STATUS_BAD_FILE,
                  "the pickle has more than %d instructions", VGG_PICKLE_LARGEST_PROGRAM);
        VGG_PASS(vgg_pickle_bytes(machine, &op, 1));
        VGG_CHECK(instructions[op] != NULL, CLVGG_STATUS_BAD_FILE,
                  "byte %" PRIu64 ": 0x%02x is no instruction of a pickle that is read here", at,
                  op);
        VGG_PASS(vgg_prefixed(instructions[op](machine, op), "byte %" PRIu64, at));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_pickle_read(vgg_pickle_heap *heap, vgg_pickle_source *source, vgg_pickle *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    machine_t machine = {.heap = heap, .source = source};
    vgg_pickled *root;
    void *kept;
    VGG_TRY(run(&machine));
    VGG_TRY(vgg_pickle_pop(&machine, &root));
    const size_t bytes = machine.persistent_count * sizeof *machine.persistent;
    VGG_TRY(vgg_pickle_allocate(heap, bytes, &kept));
    if (bytes > 0)
        memcpy(kept, machine.persistent, bytes);
    *out = (vgg_pickle){root, kept, machine.persistent_count};
cleanup:
    vgg_free(machine.stack);
    vgg_free(machine.marks);
    vgg_free(machine.memo);
    vgg_free(machine.persistent);
    return status;
}
