/* weights/keras/keras_shapes.c — the network of a file that holds weights alone: a VGG, told by its
 * kernels' shapes.
 *
 * The order is that of Keras's list of layers in an .h5, else of the numbers in groups' names. Each
 * kernel must take what the one before gives; 8, 10, 13 or 16 convolutions of 3×3 are VGG-11, 13,
 * 16 or 19. What a file doesn't say is what Keras's own VGG has: a ReLU behind each layer, softmax
 * at the end.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>
#include <string.h>

#include "graph/vgg_family.h"

typedef struct shaped {
    keras_group *convolutions[VGG_FAMILY_MAX_CONVOLUTIONS + 1];
    keras_group *norms[VGG_FAMILY_MAX_CONVOLUTIONS + 1];
    keras_group *dense[8];
    int convolution_count, norm_count, dense_count;
} shaped;

/* The variable with more than one dimension. */
static const clvgg_shape *kernel_of(const keras_group *group)
{
    for (int i = 0; i < group->count; i++)
        if (group->variables[i] != NULL && group->variables[i]->shape.rank > 1)
            return &group->variables[i]->shape;
    return NULL;
}

static bool is_norm(const keras_group *group)
{
    int vectors = 0;
    for (int i = 0; i < group->count; i++)
        vectors += group->variables[i] != NULL && group->variables[i]->shape.rank == 1;
    return group->count == 4 && vectors == 4;
}

/* Takes a group as the next convolution or dense layer where it fits behind the last one. */
static bool take_kernel(shaped *found, keras_group *group, const clvgg_shape *kernel)
{
    const int count = found->convolution_count;
    if (kernel->rank == 4 && kernel->dims[0] == 3 && kernel->dims[1] == 3) {
        const clvgg_shape *before = count > 0 ? kernel_of(found->convolutions[count - 1]) : NULL;
        if (count > VGG_FAMILY_MAX_CONVOLUTIONS ||
            (before != NULL && before->dims[3] != kernel->dims[2]))
            return false;
        found->convolutions[found->convolution_count++] = group;
        return true;
    }
    if (kernel->rank != 2 || found->dense_count >= 8)
        return false;
    const clvgg_shape *before =
        found->dense_count > 0 ? kernel_of(found->dense[found->dense_count - 1]) : NULL;
    if (before != NULL && before->dims[1] != kernel->dims[0])
        return false;
    found->dense[found->dense_count++] = group;
    return true;
}

static clvgg_status sort_out(vgg_keras *keras, shaped *found)
{
    vgg_keras_sort(keras);
    for (size_t i = 0; i < keras->group_count; i++) {
        keras_group *group = &keras->groups[i];
        const clvgg_shape *kernel = kernel_of(group);
        if (is_norm(group) && found->norm_count <= VGG_FAMILY_MAX_CONVOLUTIONS) {
            found->norms[found->norm_count++] = group;
            group->taken = true;
        } else if (kernel != NULL) {
            group->taken = take_kernel(found, group, kernel);
            VGG_CHECK(group->taken || kernel->rank != 2, CLVGG_STATUS_UNSUPPORTED,
                      "the file holds weights alone, and the order of its dense layers can't be "
                      "told: \"%s\" doesn't fit behind the one before. Save the whole model, by "
                      "model.save('NAME.keras')",
                      group->path);
        }
    }
    return CLVGG_STATUS_OK;
}

static const int *find_blocks(const shaped *found)
{
    static const char *const family[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    for (size_t i = 0; i < sizeof family / sizeof *family; i++)
        if (vgg_family_convolutions(family[i]) == found->convolution_count)
            return vgg_architecture_blocks(family[i]);
    return NULL;
}

/* Says whether a layer of a class is among those that have no variables: Keras lists them too. */
static bool lists_layer(const vgg_keras *keras, const char *word)
{
    for (size_t i = 0; i < keras->layer_count; i++)
        if (strstr(keras->layer_names[i], word) != NULL)
            return true;
    for (size_t f = 0; f < keras->file_count; f++)
        for (size_t i = 0; i < keras->files[f].hdf5->group_count; i++)
            if (strstr(keras->files[f].hdf5->groups[i].path, word) != NULL)
                return true;
    return false;
}

/* Whether batch norm comes before ReLU can be told where ReLU is a layer of its own. */
static clvgg_status check_norms(const vgg_keras *keras, const shaped *found)
{
    VGG_CHECK(found->norm_count == 0 ||
                  (found->norm_count == found->convolution_count &&
                   (lists_layer(keras, "re_lu") || lists_layer(keras, "relu") ||
                    lists_layer(keras, "activation"))),
              CLVGG_STATUS_UNSUPPORTED,
              "the file holds weights alone, and where its %d layers of batch norm stand can't be "
              "told. Save the whole model, by model.save('NAME.keras')",
              found->norm_count);
    return CLVGG_STATUS_OK;
}

/* The input's side, from what the first dense layer takes; *global: by an average or a maximum over
 * the whole map. */
static clvgg_status choose_side(const vgg_keras *keras, const shaped *found, int64_t *side,
                                bool *global)
{
    const int64_t channels = kernel_of(found->convolutions[found->convolution_count - 1])->dims[3];
    *side = 224;
    *global = false;
    if (found->dense_count == 0)
        return CLVGG_STATUS_OK;
    const int64_t features = kernel_of(found->dense[0])->dims[0];
    int64_t places = 1;
    while (places < 2048 && channels * places * places < features)
        places++;
    VGG_CHECK(channels * places * places == features, CLVGG_STATUS_SHAPE_MISMATCH,
              "its first dense layer \"%s\" takes %lld features, which no square picture gives "
              "behind %lld channels",
              found->dense[0]->path, (long long)features, (long long)channels);
    *global = places == 1 && !lists_layer(keras, "flatten");
    *side = *global ? 224 : 32 * places;
    return CLVGG_STATUS_OK;
}

/* ---- building ---- */

static clvgg_status add_convolution(keras_build *build, const shaped *found, int index)
{
    const keras_bound bound = {.group = found->convolutions[index]};
    const clvgg_shape *kernel = kernel_of(bound.group);
    const vgg_attributes same = {.conv = {.out_channels = kernel->dims[3],
                                          .kernel = {3, 3},
                                          .stride = {1, 1},
                                          .dilation = {1, 1},
                                          .pad = {1, 1, 1, 1},
                                          .groups = 1,
                                          .bias = bound.group->count > 1}};
    VGG_PASS(vgg_keras_add_bound(build, "conv", VGG_LAYER_CONV2D, &same, bound));
    if (found->norm_count > 0) {
        const vgg_attributes norm = {.batch_norm = {1e-3f, true}}; /* Keras's epsilon */
        const keras_bound of = {
            .group = found->norms[index], .has_scale = true, .has_center = true};
        VGG_PASS(vgg_keras_add_bound(build, "bn", VGG_LAYER_BATCH_NORM, &norm, of));
    }
    return vgg_keras_add(build, "relu", VGG_LAYER_RELU, NULL);
}

static clvgg_status add_blocks(keras_build *build, const shaped *found, const int *blocks)
{
    const vgg_attributes halve = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    int index = 0;
    for (int block = 0; block < VGG_FAMILY_BLOCKS; block++) {
        for (int i = 0; i < blocks[block]; i++)
            VGG_PASS(add_convolution(build, found, index++));
        VGG_PASS(vgg_keras_add(build, "pool", VGG_LAYER_MAX_POOL, &halve));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_head(keras_build *build, const shaped *found, bool global)
{
    if (global)
        VGG_PASS(vgg_keras_add_global_pool(build, "global_pool",
                                           lists_layer(build->keras, "global_max"), false));
    else
        VGG_PASS(vgg_keras_add_flatten(build, "flatten", true));
    for (int i = 0; i < found->dense_count; i++) {
        const keras_bound bound = {.group = found->dense[i]};
        const vgg_attributes dense = {
            .dense = {kernel_of(bound.group)->dims[1], bound.group->count > 1}};
        VGG_PASS(vgg_keras_add_bound(build, "fc", VGG_LAYER_DENSE, &dense, bound));
        if (i + 1 < found->dense_count)
            VGG_PASS(vgg_keras_add(build, "relu", VGG_LAYER_RELU, NULL));
    }
    return vgg_keras_add(build, "prob", VGG_LAYER_SOFTMAX, NULL);
}

static void say_what_is_left(const vgg_keras *keras)
{
    size_t count = 0;
    const keras_group *first = NULL;
    for (size_t i = 0; i < keras->group_count; i++)
        if (!keras->groups[i].taken) {
            first = count++ == 0 ? &keras->groups[i] : first;
        }
    if (first != NULL)
        vgg_weights_note(keras->weights,
                         "weights alone: the VGG in the file was taken; %zu other %s weren't, the "
                         "first is %s",
                         count, vgg_plural(count, "layer", "layers"), first->path);
}

clvgg_status vgg_keras_build_from_shapes(keras_build *build)
{
    vgg_keras *keras = build->keras;
    shaped found = {0};
    int64_t side;
    bool global;
    VGG_PASS(sort_out(keras, &found));
    const int *blocks = find_blocks(&found);
    VGG_CHECK(blocks != NULL, CLVGG_STATUS_UNSUPPORTED,
              "the file holds weights alone, and its %d convolutions of 3 x 3 that follow each "
              "other are no VGG's, which has 8, 10, 13 or 16. Save the whole model, by "
              "model.save('NAME.keras')",
              found.convolution_count);
    VGG_PASS(check_norms(keras, &found));
    VGG_PASS(choose_side(keras, &found, &side, &global));
    VGG_PASS(
        vgg_graph_create(kernel_of(found.convolutions[0])->dims[2], side, side, &build->graph));
    VGG_PASS(add_blocks(build, &found, blocks));
    say_what_is_left(keras);
    if (found.dense_count == 0)
        return CLVGG_STATUS_OK;
    vgg_weights_note(keras->weights,
                     "weights alone: activations are taken to be ReLU, softmax behind the last "
                     "layer%s",
                     global ? ", pooling over the whole map in front of the first dense one" : "");
    return add_head(build, &found, global);
}
#endif
