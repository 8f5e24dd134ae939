/* report/bench_name.c — see bench_name.h. */
#include "report/bench_name.h"

#include <string.h>

const char *vgg_bench_key(size_t index, char key[VGG_BENCH_KEY_BYTES])
{
    size_t length = 1, letters = 26;
    for (; index >= letters && length + 1 < VGG_BENCH_KEY_BYTES; length++) {
        index -= letters;
        letters *= 26;
    }
    key[length] = '\0';
    for (; length > 0; index /= 26)
        key[--length] = (char)('A' + index % 26);
    return key;
}

const char *vgg_bench_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool vgg_bench_same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}
