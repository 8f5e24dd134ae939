/* ocl/program_binary.h — programs as the driver's binaries, to and from the runtime's cache. */
#ifndef VGG_OCL_PROGRAM_BINARY_H
#define VGG_OCL_PROGRAM_BINARY_H

#include "cache/cache.h"
#include "ocl/device.h"

/* The parts of a program's cache key beside its file and its options. */
typedef struct vgg_program_identity {
    char device[640]; /* device and driver in words */
    char stamp[96];   /* clvgg's version and the source's hash */
} vgg_program_identity;

/* Device and driver in words: what a cached value is for. */
void vgg_device_words(const clvgg_device_info *info, char *words, size_t capacity);
/* Clvgg's version and the hash of `count` texts, as in an identity. */
void vgg_program_source_stamp(const char *const *texts, const size_t *lengths, int count,
                              char stamp[96]);
/* The program is made from `count` texts. */
void vgg_program_identify(const clvgg_device *device, const char *const *texts,
                          const size_t *lengths, int count, vgg_program_identity *identity);
/* Points to its arguments; `options` are those of clBuildProgram. */
vgg_cache_key vgg_program_key(const char *file, const char *options,
                              const vgg_program_identity *identity);
/* A built program from the cache; NULL when there is none that the driver takes. */
cl_program vgg_program_from_cache(clvgg_device *device, const vgg_cache_key *key);
/* The binary for this device, freed by vgg_free(). Errors: OPENCL, OUT_OF_MEMORY, NOT_FOUND (the
 * driver gives none). */
clvgg_status vgg_program_binary(const clvgg_device *device, cl_program program,
                                unsigned char **binary, size_t *bytes);

#endif
