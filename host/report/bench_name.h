/* report/bench_name.h — what results of benchmarks and their files are called, and whether names
 * are the same. */
#ifndef VGG_REPORT_BENCH_NAME_H
#define VGG_REPORT_BENCH_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum { VGG_BENCH_KEY_BYTES = 8 };
/* "A" … "Z", "AA" …: how one of several results is called. Returns `key`. */
const char *vgg_bench_key(size_t index, char key[VGG_BENCH_KEY_BYTES]);
#define VGG_BENCH_KEY(index) vgg_bench_key(index, (char[VGG_BENCH_KEY_BYTES]){0})
/* The last part of a path. */
const char *vgg_bench_file_name(const char *path);
/* Says whether texts are the same, or both are unknown, NULL. */
bool vgg_bench_same_text(const char *one, const char *other);

#endif
