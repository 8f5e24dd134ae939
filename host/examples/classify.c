/* classify.c — the shortest use of clvgg: what is in a photograph, on the default device.
 *
 *     classify MODEL IMAGE
 */
#include <stdio.h>

#include <clvgg/session.h>

int main(int argc, char **argv)
{
    clvgg_runtime *runtime = NULL;
    size_t class_index;
    float probability;
    if (argc != 3) {
        fprintf(stderr, "usage: classify MODEL IMAGE\n");
        return 2;
    }
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK ||
        clvgg_classify_file(runtime, argv[1], argv[2], &class_index, &probability)) {
        fprintf(stderr, "%s\n", clvgg_status_message());
        clvgg_runtime_free(runtime);
        return 1;
    }
    printf("class %zu, probability %.4f\n", class_index, (double)probability);
    clvgg_runtime_free(runtime);
    return 0;
}
