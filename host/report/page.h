/* report/page.h — stylesheets and scripts of the pages, from page/, embedded at build time. */
#ifndef VGG_REPORT_PAGE_H
#define VGG_REPORT_PAGE_H

/* Those of `visualize all`; the style is `report`'s too. */
extern const char *const vgg_page_css, *const vgg_page_js;
/* What `report` has beside it. */
extern const char *const vgg_bench_css, *const vgg_bench_js;

#endif
