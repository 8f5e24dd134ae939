/* report/bench_compare.h — results of benchmarks side by side: sides as columns, passes and layers
 * as rows, each cell judged against the first side's. */
#ifndef VGG_REPORT_BENCH_COMPARE_H
#define VGG_REPORT_BENCH_COMPARE_H

#include "report/bench_name.h"
#include "report/bench_verdict.h"

/* What is compared: a result, or rounds of one. */
typedef struct vgg_compare_side {
    char label[VGG_BENCH_KEY_BYTES]; /* "A", "B" … "Z", "AA" */
    const char *path;                /* of a file, or of the folder that the files are from */
    size_t operand;                  /* which of the paths given */
    const vgg_bench_file **files;
    size_t count;
    double load; /* the greatest load average that was seen, of which the machine was busy; or 0 */
    double busy; /* share by which that may have slowed it down */
} vgg_compare_side;

typedef struct vgg_compare_cell {
    enum {
        VGG_COMPARE_ABSENT, /* the side has no such batch or layer */
        VGG_COMPARE_WRONG,  /* the results were, and weren't timed */
        VGG_COMPARE_UNLIKE, /* the step is of other layers than the first side's */
        VGG_COMPARE_TIMED
    } state;
    double ms;           /* median of the rounds' medians; NAN where it isn't known */
    double low_ms;       /* of vgg_verdict_time(): what is compared */
    const char *variant; /* of a layer, or NULL */
    vgg_verdict verdict; /* against the first side; of that itself: nothing */
} vgg_compare_cell;

typedef struct vgg_compare_row {
    int batch;
    const char *layer;       /* NULL: whole passes */
    size_t index;            /* of the layer, in the file that has it first */
    vgg_compare_cell *cells; /* [side_count] */
} vgg_compare_row;

typedef struct vgg_comparison {
    vgg_compare_side *sides;
    size_t side_count;
    vgg_compare_row *rows; /* batch by batch, the passes before the layers */
    size_t row_count, row_capacity;
} vgg_comparison;

/* Appends files as sides, or as rounds of a side: those of one operand that is a folder, with
 * `in_groups` those of any, where they are of the same setting. The files must stay where they are
 * as long as the comparison. Frees by vgg_comparison_free() on failure too. Errors: OUT_OF_MEMORY,
 * UNSUPPORTED (another work than the first file's). */
clvgg_status vgg_comparison_add(vgg_comparison *comparison, const vgg_bench_file *file,
                                const char *operand_path, size_t operand, bool in_groups);
/* Makes the rows. For each side of enough rounds the chance that any of its passes that don't
 * differ from the first side's is called different is 1 % at most, and that any layer is, too;
 * single runs differ by more than their samples tell. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_comparison_judge(vgg_comparison *comparison);
void vgg_comparison_free(vgg_comparison *comparison);

#endif
