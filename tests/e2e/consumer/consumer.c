/* consumer.c — a stranger's program: checks that header and library belong together, makes a
 * runtime and says so. Includes interop.h, so that OpenCL's headers must come with the package. */
#include <clvgg/interop.h>
#include <clvgg/runtime.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", CLVGG_VERSION_MAJOR, CLVGG_VERSION_MINOR,
             CLVGG_VERSION_PATCH);
    clvgg_runtime *runtime = NULL;
    if (strcmp(clvgg_version(), expected) != 0 ||
        clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK) {
        fprintf(stderr, "header %s, library %s: %s\n", expected, clvgg_version(),
                clvgg_status_message());
        return 1;
    }
    clvgg_runtime_free(runtime);
    printf("clvgg %s\n", clvgg_version());
    return 0;
}
