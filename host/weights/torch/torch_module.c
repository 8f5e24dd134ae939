/* weights/torch/torch_module.c — the tensors of a state dictionary, or of a module and all modules
 * in it.
 */
#include <math.h>
#include <stdio.h>

#include "weights/torch/torch_state.h"

enum { LONGEST_NAME = 1024 };

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
clvgg_status vgg_torch_add_tensors(vgg_torch_reader *reader, const vgg_pickled *dict,
                                   const char *prefix)
{
    char name[LONGEST_NAME];
    const char *key;
    const vgg_pickled *value;
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(dict);
         vgg_torch_next_pair(&walk, &key, &value);) {
        vgg_torch_tensor tensor = {.odd = vgg_torch_called(value)};
        VGG_PASS(vgg_torch_count_step(reader, 0));
        const bool is_tensor = vgg_torch_is_tensor(reader, value);
        if (!is_tensor &&
            (tensor.odd[0] == '\0' || vgg_torch_is_dict(value) || vgg_torch_is_module(value)))
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
    const vgg_pickled *epsilon = vgg_torch_find(own, "eps");
    const bool normalises = vgg_torch_find(own, "running_var") != NULL ||
                            vgg_torch_find(vgg_torch_find(own, "_buffers"), "running_var") != NULL;
    VGG_CHECK(!normalises || epsilon == NULL || epsilon->kind != VGG_PICKLED_FRACTION ||
                  fabs(epsilon->fraction - 1e-5) <= 1e-9,
              CLVGG_STATUS_UNSUPPORTED,
              "batch normalisation \"%s\" has an epsilon of %g; 1e-05 is computed", name,
              epsilon->fraction);
    return CLVGG_STATUS_OK;
}

/* The tensors of a TorchScript module lie among its attributes, and so do the modules in it. */
clvgg_status vgg_torch_add_module(vgg_torch_reader *reader, const vgg_pickled *module,
                                  const char *prefix, int depth)
{
    char name[LONGEST_NAME];
    const vgg_pickled *own = vgg_torch_attributes(module), *value;
    const char *key;
    const bool script = vgg_torch_is_script(module);
    VGG_PASS(vgg_torch_count_step(reader, depth));
    VGG_PASS(check_epsilon(own, prefix));
    VGG_PASS(
        vgg_torch_add_tensors(reader, script ? own : vgg_torch_find(own, "_parameters"), prefix));
    if (!script)
        VGG_PASS(vgg_torch_add_tensors(reader, vgg_torch_find(own, "_buffers"), prefix));
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(script ? own : vgg_torch_find(own, "_modules"));
         vgg_torch_next_pair(&walk, &key, &value);) {
        VGG_PASS(vgg_torch_count_step(reader, depth));
        if (!vgg_torch_is_module(value))
            continue;
        VGG_PASS(join(name, prefix, key));
        VGG_PASS(vgg_torch_add_module(reader, value, name, depth + 1));
    }
    return CLVGG_STATUS_OK;
}
