/* report/bench_check.h — a result that somebody handed on, held against what can't be otherwise:
 * its schema, its digest, and arithmetic. No device is asked.
 *
 * bench_check.c reads and calls the others: bench_check_times.c recomputes figures from samples,
 * bench_check_network.c holds layers against the network, bench_check_rates.c times against the
 * roof, bench_check_origin.c build, weights and class.
 */
#ifndef VGG_REPORT_BENCH_CHECK_H
#define VGG_REPORT_BENCH_CHECK_H

#include "clvgg/runtime.h"
#include "report/findings.h"

/* Zero-initialise. */
typedef struct vgg_bench_check {
    vgg_findings refused; /* what contradicts the schema, the digest or itself */
    vgg_text checked;     /* what was held against what, a line each */
    vgg_text unknown;     /* what can't be shown, a line each */
} vgg_bench_check;

typedef struct vgg_bench_build {
    clvgg_runtime *runtime;
    const char *commit; /* of this program; NULL: unknown */
} vgg_bench_build;

/* Checks a file that may be anything; what it finds wrong is no error. Errors, with the path:
 * NOT_FOUND, IO, BAD_FILE (no JSON, or too large), UNSUPPORTED (built without cJSON),
 * OUT_OF_MEMORY. */
clvgg_status vgg_bench_check_file(const vgg_bench_build *build, const char *path,
                                  vgg_bench_check *check);
/* The same of a file's bytes, [length] and a NUL. */
clvgg_status vgg_bench_check_text(const vgg_bench_build *build, const char *bytes, size_t length,
                                  vgg_bench_check *check);
/* Gives "closed" or "open", what a result is whatever it says; its schema isn't checked. */
clvgg_status vgg_bench_class_of(const vgg_bench_build *build, const char *bytes, size_t length,
                                const char **class);
void vgg_bench_check_free(vgg_bench_check *check);

/* The digest of a file whose bytes before the digest's line are these: 64 hexadecimal digits. */
enum { VGG_BENCH_DIGEST = 65 };
void vgg_bench_digest(const char *bytes, size_t length, char digest[VGG_BENCH_DIGEST]);

#endif
