/* report/html.h — pieces of HTML pages: whatever comes from files and drivers is escaped here.
 *
 * Appends go on after a failure of memory and are noticed at the end, as base/text.h has it.
 */
#ifndef VGG_REPORT_HTML_H
#define VGG_REPORT_HTML_H

#include "base/text.h"

/* Text for HTML, in an element or a quoted attribute. */
void vgg_text_html(vgg_text *text, const char *string);
/* JSON that may stand inside <script>: what could end it is written as \uNNNN. */
void vgg_text_script(vgg_text *text, const char *json);
/* <tag attributes>words</tag>; `attributes` is markup ("" for none), `words` is escaped. */
void vgg_html_element(vgg_text *text, const char *tag, const char *attributes, const char *words);
/* A document from its doctype to the end of its head: title, and style sheets ending with NULL. */
void vgg_html_begin(vgg_text *text, const char *title, const char *const *styles);

#endif
