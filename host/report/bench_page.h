/* report/bench_page.h — results of `clvgg bench`, and of other programs in its format, as one HTML
 * page that needs no network and no other file.
 *
 * The page is whole without its script, which adds choices: of results, of a batch, of a theme.
 * Every figure is a table too. Names are escaped, never markup.
 */
#ifndef VGG_REPORT_BENCH_PAGE_H
#define VGG_REPORT_BENCH_PAGE_H

#include "base/text.h"
#include "report/bench_file.h"

/* Limits of one page: what no measurement reaches, and a damaged file might. */
enum {
    VGG_BENCH_PAGE_BATCHES = 64,
    VGG_BENCH_PAGE_LAYERS = 512,
    VGG_BENCH_PAGE_RESULTS = 1000,
    VGG_BENCH_PAGE_MEGABYTES = 64
};

/* Appends the page of one file or more. Errors: UNSUPPORTED (more than the limits), OUT_OF_MEMORY.
 */
clvgg_status vgg_bench_page_put(const vgg_bench_files *files, vgg_text *html);

#endif
