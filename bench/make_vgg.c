/* make_vgg.c — writes a full-size VGG with random weights (vgg16: 1000 classes, 553 MB), the one
 * that `clvgg bench` times under the architecture's name. Usage: make_vgg FILE [ARCHITECTURE] */
#include <stdint.h>
#include <stdio.h>

#include <clvgg/model.h>

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: make_vgg FILE [vgg11|vgg13|vgg16|vgg19]\n");
        return 2;
    }
    uint64_t seed = 1;
    clvgg_runtime *runtime = NULL;
    clvgg_model *model = NULL;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    if (argc > 2)
        description.architecture = argv[2];
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    clvgg_status status = clvgg_runtime_create(NULL, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_build(runtime, &description, &model);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_save(model, argv[1], CLVGG_DTYPE_F32);
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "make_vgg: %s\n", clvgg_status_message());
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
    return status != CLVGG_STATUS_OK;
}
