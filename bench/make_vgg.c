/* make_vgg.c — writes a full-size VGG with random weights (vgg16: 1000 classes, 553 MB).
 * Usage: make_vgg FILE [ARCHITECTURE] */
#include <stdio.h>

#include "random_vgg.h"

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: make_vgg FILE [vgg11|vgg13|vgg16|vgg19]\n");
        return 2;
    }
    const uint64_t seed = 1;
    clvgg_runtime *runtime = NULL;
    clvgg_model *model = NULL;
    clvgg_status status = clvgg_runtime_create(NULL, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = random_vgg_build(runtime, argc > 2 ? argv[2] : "vgg16", &seed, &model);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_save(model, argv[1], CLVGG_DTYPE_F32);
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "make_vgg: %s\n", clvgg_status_message());
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
    return status != CLVGG_STATUS_OK;
}
