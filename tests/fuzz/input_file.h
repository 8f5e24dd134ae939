/* tests/fuzz/input_file.h — the fuzzer's input as a file, for parsers that take a path. */
#ifndef TEST_FUZZ_INPUT_FILE_H
#define TEST_FUZZ_INPUT_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Replaces the content of one unnamed file and returns a path that opens it. */
static inline const char *fuzz_input_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static FILE *stream;
    if (stream == NULL) {
        stream = tmpfile();
        if (stream == NULL)
            abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(stream));
    }
    if (ftruncate(fileno(stream), 0) != 0 || pwrite(fileno(stream), data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

#endif
