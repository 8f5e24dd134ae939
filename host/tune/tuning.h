/* tune/tuning.h — results of tuning: what was measured to be best for a chain of layers on a
 * device, how that is written, and where a plan finds it.
 *
 * A result is a JSON object, the same in the cache (kind "tuning"), in an exported file and in the
 * defaults that are shipped (tuned_defaults.json). It names a variant and values from its tuning
 * space; whatever else it holds is refused when it is read, so nothing but integers that were
 * checked reaches build options. It also names the kernel files that its programs are made from, by
 * hash: when one of them has changed, it is no result any more. tuning.c finds and keeps,
 * tuning_json.c reads and writes.
 */
#ifndef VGG_TUNE_TUNING_H
#define VGG_TUNE_TUNING_H

#include "base/text.h"
#include "cache/cache.h"
#include "ocl/program.h"
#include "ops/op.h"

enum { VGG_TUNING_SCHEMA = 2, VGG_TUNING_PROBLEM = 384, VGG_TUNING_DEVICE = 640 };

/* The device that a result was measured on. */
typedef struct vgg_tuning_device {
    char words[VGG_TUNING_DEVICE]; /* device and driver: a cached result is found by them */
    clvgg_device_type type;        /* these are what a shipped one is chosen by */
    char vendor[128];
    int vector_width, compute_units;
    bool amx; /* kernels could use AMX tiles */
} vgg_tuning_device;

typedef struct vgg_tuning {
    vgg_tuning_device device;
    char problem[VGG_TUNING_PROBLEM]; /* as vgg_tuning_describe() */
    int batch;
    const vgg_variant *variant;
    vgg_choice choice;
    const vgg_kernel_source *kernels[VGG_OP_MAX_PROGRAMS]; /* NULL after the last */
    double ms, default_ms;                                 /* for a batch; of what runs untuned */
} vgg_tuning;

/* "conv2d 64x224x224 to 64 kernel 3x3 …, f32": layers, attributes, shapes, storage; not the batch.
 * `pool` is a max pooling behind the chain that a variant may take along, or NULL. */
void vgg_tuning_describe(const vgg_problem *problem, const vgg_node *pool,
                         char text[VGG_TUNING_PROBLEM]);
/* Notes which kernel files the op's programs are made from. */
void vgg_tuning_note_kernels(vgg_tuning *tuning, const vgg_op *op);
/* Appends the result as a JSON object. */
void vgg_tuning_write(const vgg_tuning *tuning, vgg_text *text);
/* Reads one that may be anything. Errors: BAD_FILE with the reason, UNSUPPORTED (of other kernels
 * than this library's, or built without cJSON), OUT_OF_MEMORY. */
clvgg_status vgg_tuning_read(const char *json, size_t length, vgg_tuning *tuning);
/* A whole file of them: {"schema": 2, "entries": […]}. Results of other kernels than this library's
 * are left out and counted in *left; for an entry that isn't right in itself the whole file is
 * refused, and the reason names it. *entries is freed by vgg_free(). */
void vgg_tuning_write_all(const vgg_tuning *entries, size_t count, vgg_text *text);
clvgg_status vgg_tuning_read_all(const char *json, size_t length, vgg_tuning **entries,
                                 size_t *count, size_t *left);

/* Looks up what is known for the chains of one plan; a NULL cache leaves what is shipped. */
typedef struct vgg_tuning_source {
    vgg_cache *cache;
    vgg_tuning_device device;
    vgg_tuning *shipped; /* of tuned_defaults.json */
    size_t shipped_count;
} vgg_tuning_source;

clvgg_status vgg_tuning_open(const clvgg_device *device, const vgg_traits *traits, vgg_cache *cache,
                             vgg_tuning_source *source);
void vgg_tuning_close(vgg_tuning_source *source);
/* The device's own result from the cache, or else the nearest that is shipped. An entry that can't
 * be read any more, or is of other kernels, is none. */
bool vgg_tuning_find(const vgg_tuning_source *source, const char *problem, int batch,
                     vgg_tuning *tuning);
/* The cache's alone. */
bool vgg_tuning_find_own(const vgg_tuning_source *source, const char *problem, int batch,
                         vgg_tuning *tuning);
/* Keeps results in the cache, in one transaction. Errors: OUT_OF_MEMORY, IO (it keeps nothing). */
clvgg_status vgg_tuning_keep(vgg_cache *cache, const vgg_tuning *entries, size_t count);
/* All of the cache that this library can use; *entries is freed by vgg_free(). */
clvgg_status vgg_tuning_list(vgg_cache *cache, vgg_tuning **entries, size_t *count);

/* Generated at build time: tuned_defaults.json. */
extern const char *const vgg_tuned_defaults;
extern const size_t vgg_tuned_defaults_length;

#endif
