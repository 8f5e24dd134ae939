/* report/page.h — stylesheet and script of the report, from page/, embedded at build time. */
#ifndef VGG_REPORT_PAGE_H
#define VGG_REPORT_PAGE_H

extern const char *const vgg_page_css, *const vgg_page_js;

#endif
