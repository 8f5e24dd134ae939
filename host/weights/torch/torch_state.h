/* weights/torch/torch_state.h — what the search for a checkpoint's weights is made of; of torch_*.c
 * alone.
 */
#ifndef VGG_WEIGHTS_TORCH_STATE_H
#define VGG_WEIGHTS_TORCH_STATE_H

#include "weights/torch/torch.h"

enum { VGG_TORCH_DEEPEST = 32 }; /* nesting */

/* ---- torch_dict.c ---- */

/* A walk over what a dictionary holds by keys that are texts. */
typedef struct vgg_torch_pairs {
    const vgg_pickled *listed; /* pairs that an OrderedDict was made of, as Python 2 has it */
    const vgg_pickled *keyed;
    size_t at;
} vgg_torch_pairs;

bool vgg_torch_is_dict(const vgg_pickled *value);
/* The start of the walk; what isn't a dictionary has no pairs. */
vgg_torch_pairs vgg_torch_pairs_of(const vgg_pickled *value);
/* False: there is no other pair. */
bool vgg_torch_next_pair(vgg_torch_pairs *walk, const char **key, const vgg_pickled **value);
/* The value of a key, of several the last; NULL: there is none. */
const vgg_pickled *vgg_torch_find(const vgg_pickled *dict, const char *wanted);
/* What an object restores: a dictionary of its attributes, alone or before another for slots. */
const vgg_pickled *vgg_torch_attributes(const vgg_pickled *value);
/* A module of TorchScript; any module. */
bool vgg_torch_is_script(const vgg_pickled *value);
bool vgg_torch_is_module(const vgg_pickled *value);
/* Counts a step of a walk, which a small file can make as long as it likes. Error: BAD_FILE. */
clvgg_status vgg_torch_count_step(vgg_torch_reader *reader, int depth);

/* ---- torch_module.c ---- */

/* Adds the tensors of a dictionary, named PREFIX.KEY, and what stands there in their place: an
 * object that only running the file's code would make one of. */
clvgg_status vgg_torch_add_tensors(vgg_torch_reader *reader, const vgg_pickled *dict,
                                   const char *prefix);
/* Adds those of a module and of the modules in it. */
clvgg_status vgg_torch_add_module(vgg_torch_reader *reader, const vgg_pickled *module,
                                  const char *prefix, int depth);

#endif
