/* model/bind_scheme.c — naming schemes. Another scheme is a row of `schemes`. */
#include <stdio.h>
#include <string.h>

#include "model/bind_inside.h"

enum { HEADS = 2 };

struct vgg_name_scheme {
    const char *first;           /* a tensor that every file of this scheme has */
    const char *marker;          /* another, which tells it from the schemes below it */
    const char *convolution;     /* what the names of convolutions begin with */
    const char *norm;            /* and of what normalises them */
    bool numbered;               /* both count all layers, "features.5"; else "conv2_1", "bn2_1" */
    const char *heads[HEADS][3]; /* fc6, fc7, fc8; NULL: no further head */
    vgg_convention convention;
    const char *origin;
};

/* A head that begins with dropout counts it. */
#define TORCHVISION_HEADS                                                                          \
    {                                                                                              \
        {"classifier.0", "classifier.3", "classifier.6"},                                          \
        {                                                                                          \
            "classifier.1", "classifier.4", "classifier.6"                                         \
        }                                                                                          \
    }

static const vgg_name_scheme schemes[] = {
    {.first = "conv1_1.weight",
     .marker = "conv1_1.weight",
     .convolution = "conv",
     .norm = "bn",
     .heads = {{"fc6", "fc7", "fc8"}},
     .convention = VGG_CONVENTION_CAFFE,
     .origin = "assumed: Caffe's, from tensor names"},
    {.first = "features.0.weight",
     .marker = "pre_logits.fc1.weight",
     .convolution = "features.",
     .norm = "features.",
     .numbered = true,
     .heads = {{"pre_logits.fc1", "pre_logits.fc2", "head.fc"}},
     .convention = VGG_CONVENTION_TORCHVISION,
     .origin = "torchvision's, from timm's tensor names"},
    {.first = "features.0.weight",
     .marker = "features.0.weight",
     .convolution = "features.",
     .norm = "features.",
     .numbered = true,
     .heads = TORCHVISION_HEADS,
     .convention = VGG_CONVENTION_TORCHVISION,
     .origin = "torchvision's, from tensor names"},
    /* DataParallel around the features alone. */
    {.first = "features.module.0.weight",
     .marker = "features.module.0.weight",
     .convolution = "features.module.",
     .norm = "features.module.",
     .numbered = true,
     .heads = TORCHVISION_HEADS,
     .convention = VGG_CONVENTION_TORCHVISION,
     .origin = "torchvision's, from tensor names"},
};

static const char *const architectures[] = {"vgg11", "vgg13", "vgg16", "vgg19"};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Says whether the file has a tensor, of whatever type. */
static bool has(const vgg_binding *binding, const vgg_weights *weights, const char *base,
                const char *suffix)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s%s", binding->prefix, base, suffix);
    return vgg_weights_find(weights, name) != NULL ||
           vgg_weights_foreign_dtype(weights, name) != NULL;
}

/* A numbered scheme counts a ReLU behind each convolution, what normalises it, and a pooling behind
 * each block. */
void vgg_scheme_name(const vgg_binding *binding, bool norm, int ordinal, char name[32])
{
    const vgg_name_scheme *scheme = binding->scheme;
    const int *blocks = vgg_architecture_blocks(binding->architecture);
    const char *first = norm ? scheme->norm : scheme->convolution;
    int block = 0, position = ordinal;
    while (position >= blocks[block])
        position -= blocks[block++];
    if (scheme->numbered)
        snprintf(name, 32, "%s%d", first, (binding->batch_norm ? 3 : 2) * ordinal + block + norm);
    else
        snprintf(name, 32, "%s%d_%d", first, block + 1, position + 1);
}

/* Convolutions of binding->architecture that the file has. */
static int count_present(const vgg_binding *binding, const vgg_weights *weights)
{
    int present = 0;
    for (int i = 0; i < vgg_family_convolutions(binding->architecture); i++) {
        char name[32];
        vgg_scheme_name(binding, false, i, name);
        present += has(binding, weights, name, ".weight");
    }
    return present;
}

/* A scheme's layers with weights, but not those that normalise. */
static int count_convolutions(const vgg_binding *binding, const vgg_weights *weights)
{
    const size_t start = strlen(binding->prefix);
    int count = 0;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const char *name = vgg_weights_entry(weights, i)->name;
        char base[VGG_TENSOR_NAME_CAPACITY];
        if (!starts_with(name, binding->prefix) || !ends_with(name, ".weight") ||
            !starts_with(name + start, binding->scheme->convolution))
            continue;
        snprintf(base, sizeof base, "%.*s", (int)(strlen(name) - start - strlen(".weight")),
                 name + start);
        count += !has(binding, weights, base, ".running_var");
    }
    return count;
}

/* The smallest architecture that holds every convolution of the file. */
clvgg_status vgg_scheme_architecture(const vgg_weights *weights, vgg_binding *binding)
{
    const int count = count_convolutions(binding, weights);
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++) {
        char norm[32], convolution[32];
        binding->architecture = architectures[i];
        binding->batch_norm = true; /* for the name of what would normalise the first */
        vgg_scheme_name(binding, true, 0, norm);
        vgg_scheme_name(binding, false, 0, convolution);
        binding->batch_norm = has(binding, weights, norm, ".running_mean") ||
                              has(binding, weights, norm, ".running_var");
        binding->norm.affine = has(binding, weights, norm, ".weight");
        binding->bare = binding->batch_norm && !has(binding, weights, convolution, ".bias");
        if (count_present(binding, weights) == count)
            return CLVGG_STATUS_OK;
    }
    binding->architecture = NULL;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "another network: its %d convolutions '%s%s…' are not those of VGG-11, 13, 16 "
                    "or 19",
                    count, binding->prefix, binding->scheme->convolution);
}

void vgg_scheme_head(const vgg_weights *weights, vgg_binding *binding)
{
    int incomplete = -1;
    for (int h = 0; h < HEADS && binding->scheme->heads[h][0] != NULL; h++) {
        const char *const *names = binding->scheme->heads[h];
        int whole = 0;
        for (int i = 0; i < 3; i++) {
            const bool weight = has(binding, weights, names[i], ".weight");
            whole += weight;
            if (!weight && has(binding, weights, names[i], ".bias") && incomplete < 0)
                incomplete = h;
        }
        if (whole == 3) {
            binding->head = names;
            return;
        }
    }
    if (incomplete >= 0)
        binding->head = binding->scheme->heads[incomplete];
}

/* Takes what stands before a scheme's first tensor as the prefix. */
static bool fits_scheme(const vgg_weights *weights, const char *tensor,
                        const vgg_name_scheme *scheme, vgg_binding *out)
{
    if (!ends_with(tensor, scheme->first))
        return false;
    const size_t length = strlen(tensor) - strlen(scheme->first);
    if (length >= sizeof out->prefix || (length > 0 && tensor[length - 1] != '.'))
        return false;
    memcpy(out->prefix, tensor, length);
    out->prefix[length] = '\0';
    out->scheme = scheme;
    return has(out, weights, scheme->marker, "");
}

bool vgg_scheme_detect(const vgg_weights *weights, vgg_binding *out)
{
    for (size_t i = 0; i < vgg_weights_count(weights); i++)
        for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++)
            if (fits_scheme(weights, vgg_weights_entry(weights, i)->name, &schemes[s], out))
                return true;
    out->scheme = NULL;
    out->prefix[0] = '\0';
    return false;
}

clvgg_status vgg_scheme_check_types(const vgg_weights *weights)
{
    for (size_t s = 0; s < sizeof schemes / sizeof *schemes; s++)
        if (vgg_weights_foreign_dtype(weights, schemes[s].first) != NULL)
            return vgg_binding_fail_missing(weights, schemes[s].first);
    return CLVGG_STATUS_OK;
}

vgg_convention vgg_scheme_convention(const vgg_name_scheme *scheme, const char **origin)
{
    *origin = scheme->origin;
    return scheme->convention;
}
