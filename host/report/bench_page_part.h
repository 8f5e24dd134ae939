/* report/bench_page_part.h — what the sections of report/bench_page.h share. Private to
 * bench_page*.c.
 *
 * A run is what one file holds for one device; its number is its place among all. Elements of a run
 * have the attribute data-run with that number, elements of a batch data-batch: the script hides
 * them by these.
 */
#ifndef VGG_REPORT_BENCH_PAGE_PART_H
#define VGG_REPORT_BENCH_PAGE_PART_H

#include "report/bench_name.h"
#include "report/bench_page.h"
#include "report/format.h"
#include "report/html.h"

typedef struct vgg_bench_page {
    const vgg_bench_file *runs;
    size_t run_count;
    vgg_text *html;
    vgg_text *labels;                    /* [run_count] what tells a run from the others */
    vgg_text common;                     /* what all runs share */
    size_t *devices;                     /* [run_count] the first run of the same device */
    int batches[VGG_BENCH_PAGE_BATCHES]; /* of all runs, ascending */
    size_t batch_count;
    const char *layers[VGG_BENCH_PAGE_LAYERS]; /* of all runs, in order of appearance */
    size_t layer_count;
} vgg_bench_page;

/* Colours, and shapes of marks: a run has the colour of its number, and the next shape when they
 * are through. */
enum { VGG_BENCH_COLOURS = 8 };
unsigned vgg_bench_colour(size_t run);
unsigned vgg_bench_shape(size_t run);
/* Appends the run's mark and key. */
void vgg_bench_put_mark(vgg_text *html, size_t run);

/* Fills labels and common. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_bench_page_name(vgg_bench_page *page);
/* The device, or where a program has none the processor; "" where neither is known. */
const char *vgg_bench_device(const vgg_bench_file *run);

/* A number, 0 or unknown too, with so many digits behind the point; a dash where it is unknown. */
void vgg_bench_put_number(vgg_text *html, double value, int digits);
/* A cell of it; `attributes` is markup. */
void vgg_bench_put_cell(vgg_text *html, const char *attributes, double value, int digits);
/* A table that may be wider than its place, up to its head; `label` says what is in it. With
 * `folded` it is opened by a click. The end closes what the begin opened. */
void vgg_bench_begin_table(vgg_text *html, const char *label, bool folded);
void vgg_bench_end_table(vgg_text *html, bool folded);
/* A section up to what is in it; `note` is markup. It ends with </section>. */
void vgg_bench_begin_section(vgg_text *html, const char *id, const char *title, const char *note);
/* What a section has for one batch, up to what is in it; ends with </div>. */
void vgg_bench_begin_batch(vgg_text *html, int batch);

/* The sections. Errors: those of vgg_bench_page_put(). */
clvgg_status vgg_bench_page_times(const vgg_bench_page *page);
clvgg_status vgg_bench_page_roofline(const vgg_bench_page *page);
clvgg_status vgg_bench_page_layers(const vgg_bench_page *page);
clvgg_status vgg_bench_page_kernels(const vgg_bench_page *page);
clvgg_status vgg_bench_page_runs(const vgg_bench_page *page);
/* OK while the page is within its limit. */
clvgg_status vgg_bench_page_fits(const vgg_bench_page *page);

#endif
