/* report/bench_fields.h — members of JSON objects read into structs, as tables of fields say.
 * Private to the reader of benchmarks. */
#ifndef VGG_REPORT_BENCH_FIELDS_H
#define VGG_REPORT_BENCH_FIELDS_H

#include "base/json_parse.h"
#include "report/bench_file.h"

typedef enum vgg_field_kind {
    VGG_FIELD_TEXT,    /* char * */
    VGG_FIELD_FLAG,    /* bool */
    VGG_FIELD_ANSWER,  /* vgg_bench_answer */
    VGG_FIELD_NUMBER,  /* double, 0 or more */
    VGG_FIELD_SIGNED,  /* double */
    VGG_FIELD_TWO,     /* double[2], each 0 or more, or null */
    VGG_FIELD_SAMPLES, /* vgg_bench_samples */
    VGG_FIELD_PAIRS    /* vgg_bench_pairs */
} vgg_field_kind;

typedef struct vgg_field {
    const char *name; /* "peak.fma_gflops" is the member of a member */
    vgg_field_kind kind;
    size_t offset; /* in the struct */
    enum { VGG_FIELD_MAY_LACK, VGG_FIELD_MAY_BE_NULL, VGG_FIELD_MUST } need;
} vgg_field;

/* What the fields own. */
void vgg_fields_free(const vgg_field *fields, size_t count, void *from);

#ifdef CLVGG_HAVE_CJSON
/* Fills the fields of a zeroed struct; what it holds on failure is freed by vgg_fields_free().
 * Numbers that
 * aren't there are NAN. Errors: BAD_FILE with the member's name, OUT_OF_MEMORY. */
clvgg_status vgg_fields_read(const cJSON *object, const vgg_field *fields, size_t count, void *to);

/* Fills a zeroed file, which the caller frees also on failure. Errors: those of
 * vgg_bench_files_add(), without the path. */
clvgg_status vgg_bench_file_parse(const cJSON *root, const char *path, vgg_bench_file *file);
#endif

#endif
