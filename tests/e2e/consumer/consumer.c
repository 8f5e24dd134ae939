/* consumer.c — a stranger's program: checks that header and library belong together, then
 * classifies a photograph with the installed model. Includes interop.h, so that OpenCL's headers
 * must come with the package, and uses enough that every dependency of the archive must be linked.
 * Usage: consumer MODEL PHOTOGRAPH */
#include <clvgg/interop.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    char header[32];
    snprintf(header, sizeof header, "%d.%d.%d", CLVGG_VERSION_MAJOR, CLVGG_VERSION_MINOR,
             CLVGG_VERSION_PATCH);
    if (argc != 3 || strcmp(clvgg_version(), header) != 0) {
        fprintf(stderr, "header %s, library %s\n", header, clvgg_version());
        return 2;
    }
    clvgg_runtime *runtime = NULL;
    size_t class_index = 0;
    float probability = 0;
    clvgg_status status = clvgg_runtime_create(NULL, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_classify_file(runtime, argv[1], argv[2], &class_index, &probability);
    if (status == CLVGG_STATUS_OK)
        printf("class %zu, probability %.3f\n", class_index, (double)probability);
    else
        fprintf(stderr, "%s\n", clvgg_status_message());
    clvgg_runtime_free(runtime);
    return status != CLVGG_STATUS_OK;
}
