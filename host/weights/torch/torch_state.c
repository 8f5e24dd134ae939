/* weights/torch/torch_state.c — finds the state dictionary, or module, in what a checkpoint holds.
 *
 * People save a state dictionary, a whole module, or a dictionary of their own around either. The
 * rule: the first of the usual keys whose value holds tensors, and in it again; else the dictionary
 * itself, if it has tensors; else the one value of it that holds some.
 */
#include <stdio.h>
#include <string.h>

#include "weights/torch/torch_state.h"

/* Keys under which weights are saved; averaged ones where there are no others. */
static const char *const usual_keys[] = {
    "state_dict",     "model_state_dict", "model",          "net",     "network",
    "module",         "model_state",      "net_state_dict", "weights", "params",
    "ema_state_dict", "state_dict_ema",   "model_ema",      "ema"};
enum { USUAL_KEYS = sizeof usual_keys / sizeof *usual_keys, FIRST_AVERAGE = USUAL_KEYS - 4 };

/* Says whether a value is a module, or holds a tensor at any depth. */
static clvgg_status look_for_tensors(vgg_torch_reader *reader, const vgg_pickled *value, int depth,
                                     bool *found)
{
    const char *key;
    const vgg_pickled *inner;
    *found = vgg_torch_is_module(value);
    VGG_PASS(vgg_torch_count_step(reader, depth));
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(value);
         !*found && vgg_torch_next_pair(&walk, &key, &inner);) {
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
        const vgg_pickled *value = vgg_torch_find(dict, usual_keys[i]);
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
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(dict); vgg_torch_next_pair(&walk, &key, &value);)
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
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(dict);
         vgg_torch_next_pair(&walk, &key, &value);) {
        const size_t used = strlen(keys);
        VGG_CHECK(vgg_torch_called(value)[0] == '\0' || vgg_torch_is_dict(value),
                  CLVGG_STATUS_UNSUPPORTED, "\"%s\" is made by %s, which isn't run", key,
                  vgg_torch_called(value));
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
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(value);
         vgg_torch_next_pair(&walk, &key, &inner);) {
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
    for (int depth = 0; depth < VGG_TORCH_DEEPEST; depth++) {
        const vgg_pickled *next = NULL;
        *out = root;
        if (vgg_torch_is_module(root))
            return CLVGG_STATUS_OK;
        VGG_PASS(try_usual_keys(in, root, &next));
        if (next == NULL && has_tensors(in, root))
            return CLVGG_STATUS_OK;
        if (next == NULL)
            VGG_PASS(try_all(in, root, &next));
        root = next;
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "what is pickled is nested deeper than %d",
                    VGG_TORCH_DEEPEST);
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
    if (vgg_torch_is_module(chosen))
        vgg_weights_note(reader->weights,
                         "the weights are a whole module's, %s; its code isn't run",
                         vgg_torch_called(chosen));
    VGG_TRY(vgg_torch_is_module(chosen) ? vgg_torch_add_module(reader, chosen, "", 0)
                                        : vgg_torch_add_tensors(reader, chosen, ""));
    VGG_REQUIRE(
        reader->weights->slot_count > 0, CLVGG_STATUS_UNSUPPORTED,
        "holds a module without parameters; if it is a frozen one, save it before freezing");
cleanup:
    vgg_text_free(&in.path);
    return status;
}
