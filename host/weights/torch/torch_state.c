/* weights/torch/torch_state.c — finds the state dictionary, or module, in what a checkpoint holds.
 *
 * People save a state dictionary, a whole module, or a dictionary of their own around either. The
 * rule: the first of the usual keys whose value holds tensors, and in it again; else the dictionary
 * itself, if it has tensors; else the one value of it that holds some.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weights/torch/torch.h"

enum { DEEPEST = 32, LARGEST_STEPS = 1 << 20, LONGEST_NAME = 1024 };

/* Keys under which weights are saved; averaged ones where there are no others. */
static const char *const usual_keys[] = {
    "state_dict",     "model_state_dict", "model",          "net",     "network",
    "module",         "model_state",      "net_state_dict", "weights", "params",
    "ema_state_dict", "state_dict_ema",   "model_ema",      "ema"};
enum { USUAL_KEYS = sizeof usual_keys / sizeof *usual_keys, FIRST_AVERAGE = USUAL_KEYS - 4 };

/* ---- dictionaries and modules ---- */

/* A walk over what a dictionary holds by keys that are texts. */
typedef struct pairs {
    const vgg_pickled *listed; /* pairs that an OrderedDict was made of, as Python 2 has it */
    const vgg_pickled *keyed;
    size_t at;
} pairs;

static bool is_dict_class(const char *called)
{
    return strcmp(called, "collections.OrderedDict") == 0 || strcmp(called, "builtins.dict") == 0 ||
           strcmp(called, "__builtin__.dict") == 0;
}

static bool is_dict(const vgg_pickled *value)
{
    return value != NULL && (value->kind == VGG_PICKLED_DICT ||
                             (value->kind == VGG_PICKLED_OBJECT &&
                              (value->count > 0 || is_dict_class(vgg_torch_called(value)))));
}

static pairs pairs_of(const vgg_pickled *value)
{
    pairs walk = {.keyed = is_dict(value) ? value : NULL};
    if (walk.keyed != NULL && is_dict_class(vgg_torch_called(value)))
        walk.listed = vgg_pickled_item(value->arguments, 0);
    if (walk.listed != NULL && walk.listed->kind != VGG_PICKLED_SEQUENCE)
        walk.listed = NULL;
    return walk;
}

static bool next_pair(pairs *walk, const char **key, const vgg_pickled **value)
{
    while (walk->keyed != NULL) {
        const size_t listed = walk->listed != NULL ? walk->listed->count : 0, at = walk->at++;
        if (at < listed) {
            *key = vgg_pickled_text(vgg_pickled_item(walk->listed->items[at], 0));
            *value = vgg_pickled_item(walk->listed->items[at], 1);
        } else if (at - listed < walk->keyed->count / 2) {
            *key = vgg_pickled_text(walk->keyed->items[2 * (at - listed)]);
            *value = walk->keyed->items[2 * (at - listed) + 1];
        } else {
            return false;
        }
        if (*key != NULL && *value != NULL)
            return true;
    }
    return false;
}

static const vgg_pickled *find(const vgg_pickled *dict, const char *wanted)
{
    const char *key;
    const vgg_pickled *value, *found = NULL;
    for (pairs walk = pairs_of(dict); next_pair(&walk, &key, &value);)
        if (strcmp(key, wanted) == 0)
            found = value;
    return found;
}

/* What an object restores: a dictionary of its attributes, alone or before another for slots. */
static const vgg_pickled *attributes(const vgg_pickled *value)
{
    const vgg_pickled *state =
        value != NULL && value->kind == VGG_PICKLED_OBJECT ? value->state : NULL;
    return state != NULL && state->kind == VGG_PICKLED_SEQUENCE ? vgg_pickled_item(state, 0)
                                                                : state;
}

static bool is_script(const vgg_pickled *value)
{
    return strncmp(vgg_torch_called(value), "__torch__.", 10) == 0 && is_dict(attributes(value));
}

static bool is_module(const vgg_pickled *value)
{
    const vgg_pickled *own = attributes(value);
    return is_script(value) ||
           (own != NULL && is_dict(find(own, "_modules")) && is_dict(find(own, "_parameters")));
}

/* Counts a step of a walk, which a small file can make as long as it likes. */
static clvgg_status count_step(vgg_torch_reader *reader, int depth)
{
    VGG_CHECK(depth <= DEEPEST, CLVGG_STATUS_BAD_FILE, "what is pickled is nested deeper than %d",
              DEEPEST);
    VGG_CHECK(reader->steps++ < LARGEST_STEPS, CLVGG_STATUS_BAD_FILE,
              "what is pickled takes more than %d steps to walk", LARGEST_STEPS);
    return CLVGG_STATUS_OK;
}

/* ---- adding tensors ---- */

static clvgg_status join(char name[LONGEST_NAME], const char *prefix, const char *key)
{
    const int length = snprintf(name, LONGEST_NAME, "%s%s%s", prefix, prefix[0] ? "." : "", key);
    VGG_CHECK(length < LONGEST_NAME, CLVGG_STATUS_BAD_FILE,
              "a tensor's name has more than %d bytes", LONGEST_NAME - 1);
    VGG_CHECK(vgg_text_is_utf8(name), CLVGG_STATUS_BAD_FILE, "a tensor's name isn't UTF-8");
    return CLVGG_STATUS_OK;
}

/* Adds the tensors of a dictionary, and what stands there in their place: an object that only
 * running the file's code would make one of. */
static clvgg_status add_tensors(vgg_torch_reader *reader, const vgg_pickled *dict,
                                const char *prefix)
{
    char name[LONGEST_NAME];
    const char *key;
    const vgg_pickled *value;
    for (pairs walk = pairs_of(dict); next_pair(&walk, &key, &value);) {
        vgg_torch_tensor tensor = {.odd = vgg_torch_called(value)};
        VGG_PASS(count_step(reader, 0));
        const bool is_tensor = vgg_torch_is_tensor(reader, value);
        if (!is_tensor && (tensor.odd[0] == '\0' || is_dict(value) || is_module(value)))
            continue;
        VGG_PASS(join(name, prefix, key));
        if (is_tensor)
            VGG_PASS(
                vgg_prefixed(vgg_torch_tensor_of(reader, value, &tensor), "tensor \"%s\"", name));
        VGG_PASS(vgg_torch_add(reader, name, &tensor));
    }
    return CLVGG_STATUS_OK;
}

/* Batch normalisation is computed with PyTorch's own epsilon: a module that says otherwise would
 * give other values. */
static clvgg_status check_epsilon(const vgg_pickled *own, const char *name)
{
    const vgg_pickled *epsilon = find(own, "eps");
    const bool normalises =
        find(own, "running_var") != NULL || find(find(own, "_buffers"), "running_var") != NULL;
    VGG_CHECK(!normalises || epsilon == NULL || epsilon->kind != VGG_PICKLED_FRACTION ||
                  fabs(epsilon->fraction - 1e-5) <= 1e-9,
              CLVGG_STATUS_UNSUPPORTED,
              "batch normalisation \"%s\" has an epsilon of %g; 1e-05 is computed", name,
              epsilon->fraction);
    return CLVGG_STATUS_OK;
}

/* The tensors of a TorchScript module lie among its attributes, and so do the modules in it. */
static clvgg_status add_module(vgg_torch_reader *reader, const vgg_pickled *module,
                               const char *prefix, int depth)
{
    char name[LONGEST_NAME];
    const vgg_pickled *own = attributes(module), *value;
    const char *key;
    const bool script = is_script(module);
    VGG_PASS(count_step(reader, depth));
    VGG_PASS(check_epsilon(own, prefix));
    VGG_PASS(add_tensors(reader, script ? own : find(own, "_parameters"), prefix));
    if (!script)
        VGG_PASS(add_tensors(reader, find(own, "_buffers"), prefix));
    for (pairs walk = pairs_of(script ? own : find(own, "_modules"));
         next_pair(&walk, &key, &value);) {
        VGG_PASS(count_step(reader, depth));
        if (!is_module(value))
            continue;
        VGG_PASS(join(name, prefix, key));
        VGG_PASS(add_module(reader, value, name, depth + 1));
    }
    return CLVGG_STATUS_OK;
}

/* ---- finding the dictionary ---- */

/* Says whether a value is a module, or holds a tensor at any depth. */
static clvgg_status look_for_tensors(vgg_torch_reader *reader, const vgg_pickled *value, int depth,
                                     bool *found)
{
    const char *key;
    const vgg_pickled *inner;
    *found = is_module(value);
    VGG_PASS(count_step(reader, depth));
    for (pairs walk = pairs_of(value); !*found && next_pair(&walk, &key, &inner);) {
        *found = vgg_torch_is_tensor(reader, inner);
        if (!*found)
            VGG_PASS(look_for_tensors(reader, inner, depth + 1, found));
    }
    for (size_t i = 0; !*found && value->kind == VGG_PICKLED_SEQUENCE && i < value->count; i++)
        VGG_PASS(look_for_tensors(reader, value->items[i], depth + 1, found));
    return CLVGG_STATUS_OK;
}

typedef struct search {
    vgg_torch_reader *reader;
    vgg_text path; /* the keys that were followed, quoted */
    bool averages_left_out;
} search;

static void follow(search *in, const char *key)
{
    vgg_text_puts(&in->path, in->path.length > 0 ? ", in it \"" : "\"");
    vgg_text_puts(&in->path, key);
    vgg_text_puts(&in->path, "\"");
}

/* The value of the first usual key that holds tensors; NULL: none does. */
static clvgg_status try_usual_keys(search *in, const vgg_pickled *dict, const vgg_pickled **next)
{
    *next = NULL;
    for (int i = 0; i < USUAL_KEYS; i++) {
        const vgg_pickled *value = find(dict, usual_keys[i]);
        bool holds = false;
        if (value == NULL)
            continue;
        VGG_PASS(look_for_tensors(in->reader, value, 0, &holds));
        if (holds && *next != NULL && i >= FIRST_AVERAGE) {
            vgg_weights_note(in->reader->weights,
                             "the checkpoint's averaged weights, \"%s\", were left out",
                             usual_keys[i]);
            return CLVGG_STATUS_OK;
        }
        if (holds && *next == NULL) {
            follow(in, usual_keys[i]);
            *next = value;
        }
    }
    return CLVGG_STATUS_OK;
}

static bool has_tensors(const search *in, const vgg_pickled *dict)
{
    const char *key;
    const vgg_pickled *value;
    for (pairs walk = pairs_of(dict); next_pair(&walk, &key, &value);)
        if (vgg_torch_is_tensor(in->reader, value))
            return true;
    return false;
}

/* States of optimisers, schedules and the like hold tensors that are no weights. */
static bool is_side_state(const char *key)
{
    return strstr(key, "optim") != NULL || strstr(key, "sched") != NULL ||
           strstr(key, "scaler") != NULL || strstr(key, "rng") != NULL;
}

/* What a dictionary without tensors has, for a message. */
static clvgg_status say_what_is_there(const vgg_pickled *dict, const char *lack)
{
    char keys[256] = "";
    const char *key;
    const vgg_pickled *value;
    for (pairs walk = pairs_of(dict); next_pair(&walk, &key, &value);) {
        const size_t used = strlen(keys);
        VGG_CHECK(vgg_torch_called(value)[0] == '\0' || is_dict(value), CLVGG_STATUS_UNSUPPORTED,
                  "\"%s\" is made by %s, which isn't run", key, vgg_torch_called(value));
        if (vgg_text_is_utf8(key) && used + strlen(key) + 8 < sizeof keys)
            snprintf(keys + used, sizeof keys - used, "%s\"%s\"", used > 0 ? ", " : "", key);
    }
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s%s%s", lack,
                    keys[0] != '\0' ? "; its keys are " : "", keys);
}

/* The only value that holds tensors, of a dictionary or a sequence. */
static clvgg_status try_all(search *in, const vgg_pickled *value, const vgg_pickled **next)
{
    const char *key, *chosen = NULL;
    const vgg_pickled *inner;
    bool holds;
    *next = NULL;
    for (pairs walk = pairs_of(value); next_pair(&walk, &key, &inner);) {
        VGG_PASS(look_for_tensors(in->reader, inner, 0, &holds));
        if (!holds || is_side_state(key))
            continue;
        VGG_CHECK(chosen == NULL, CLVGG_STATUS_UNSUPPORTED,
                  "the checkpoint holds weights as \"%s\" and as \"%s\", and doesn't say which "
                  "are the network's; save those alone, with torch.save()",
                  chosen, key);
        *next = inner;
        chosen = key;
    }
    if (chosen != NULL)
        follow(in, chosen);
    for (size_t i = 0; value->kind == VGG_PICKLED_SEQUENCE && i < value->count; i++) {
        VGG_PASS(look_for_tensors(in->reader, value->items[i], 0, &holds));
        if (holds && *next == NULL)
            *next = value->items[i];
    }
    VGG_CHECK(*next != NULL || !vgg_torch_is_tensor(in->reader, value), CLVGG_STATUS_UNSUPPORTED,
              "holds a single tensor without a name; save a state dictionary");
    return *next != NULL ? CLVGG_STATUS_OK : say_what_is_there(value, "holds no weights by name");
}

static clvgg_status choose(search *in, const vgg_pickled *root, const vgg_pickled **out)
{
    for (int depth = 0; depth < DEEPEST; depth++) {
        const vgg_pickled *next = NULL;
        *out = root;
        if (is_module(root))
            return CLVGG_STATUS_OK;
        VGG_PASS(try_usual_keys(in, root, &next));
        if (next == NULL && has_tensors(in, root))
            return CLVGG_STATUS_OK;
        if (next == NULL)
            VGG_PASS(try_all(in, root, &next));
        root = next;
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "what is pickled is nested deeper than %d", DEEPEST);
}

clvgg_status vgg_torch_add_state(vgg_torch_reader *reader, const vgg_pickled *root)
{
    clvgg_status status = CLVGG_STATUS_OK;
    search in = {.reader = reader};
    const vgg_pickled *chosen = NULL;
    VGG_TRY(choose(&in, root, &chosen));
    VGG_TRY(vgg_text_check(&in.path, "the path to the weights"));
    if (in.path.length > 0)
        vgg_weights_note(reader->weights, "the weights are the checkpoint's %s",
                         vgg_text_string(&in.path));
    if (is_module(chosen))
        vgg_weights_note(reader->weights,
                         "the weights are a whole module's, %s; its code isn't run",
                         vgg_torch_called(chosen));
    VGG_TRY(is_module(chosen) ? add_module(reader, chosen, "", 0)
                              : add_tensors(reader, chosen, ""));
    VGG_REQUIRE(
        reader->weights->slot_count > 0, CLVGG_STATUS_UNSUPPORTED,
        "holds a module without parameters; if it is a frozen one, save it before freezing");
cleanup:
    vgg_text_free(&in.path);
    return status;
}
