/* report/bench_check_inside.h — what the parts of bench_check.c share. */
#ifndef VGG_REPORT_BENCH_CHECK_INSIDE_H
#define VGG_REPORT_BENCH_CHECK_INSIDE_H

#include "report/bench_check.h"

#ifdef CLVGG_HAVE_CJSON
#include "base/json_parse.h"
#include "clvgg/model.h"

/* Figures have nine digits. */
#define VGG_BENCH_DIGITS 1e-7
/* Of measured rates: no layer is faster than the roof by more. */
#define VGG_BENCH_MARGIN 1.1
/* The seed of the published weights. */
enum { VGG_BENCH_SEED = 1 };

/* A file that is as the schema wants it. */
typedef struct vgg_bench_document {
    const vgg_bench_build *build;
    vgg_bench_check *check;
    const cJSON *root;
    bool own;             /* clvgg's, by --submit */
    clvgg_model *network; /* what was run, where that is known; else NULL */
    size_t output;        /* index of the last layer of it that was computed */
} vgg_bench_document;

/* An object of it, and where it is: "results[0].layers[2]", "" for the whole. */
typedef struct vgg_bench_part {
    vgg_bench_check *check;
    const cJSON *object;
    char path[96];
} vgg_bench_part;

/* A member's number, NAN where it isn't one; its text, or NULL. */
double vgg_bench_number(const cJSON *object, const char *name);
const char *vgg_bench_string(const cJSON *object, const char *name);
const cJSON *vgg_bench_member(const cJSON *object, const char *name);
bool vgg_bench_is_true(const cJSON *object, const char *name);

vgg_bench_part vgg_bench_part_of(const vgg_bench_document *document, const char *name);
vgg_bench_part vgg_bench_part_at(const vgg_bench_document *document, const vgg_bench_part *above,
                                 const char *name, const cJSON *item, int index);
/* Adds a finding against a member of the part. */
void vgg_bench_refuse(const vgg_bench_part *part, const char *name, const char *actual,
                      const char *expected, ...) VGG_PRINTF(4, 5);
void vgg_bench_refuse_number(const vgg_bench_part *part, const char *name, double actual,
                             const char *expected, ...) VGG_PRINTF(4, 5);
/* Holds a member against the value that it must have, NAN: null; `why` says whence. */
void vgg_bench_expect(const vgg_bench_part *part, const char *name, double expected,
                      const char *why);
/* A line of what was checked, or can't be. */
void vgg_bench_note(vgg_text *lines, const char *format, ...) VGG_PRINTF(2, 3);

/* The parts. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_bench_check_times(const vgg_bench_document *document);
void vgg_bench_check_network(const vgg_bench_document *document);
void vgg_bench_check_rates(const vgg_bench_document *document);
void vgg_bench_check_origin(const vgg_bench_document *document);
/* What keeps a result out of the closed class, in words; NULL: nothing. */
const char *vgg_bench_what_opens(const vgg_bench_document *document);
#endif

#endif
