/* ocl/query.h — strings from drivers: bounded, trimmed, printable. */
#ifndef VGG_OCL_QUERY_H
#define VGG_OCL_QUERY_H

#include "ocl/call.h"

/* Copies `raw` into text[capacity] without blanks at either end; control characters become '?'. */
void vgg_clean_text(char *text, size_t capacity, const char *raw);
/* The platform's name, cleaned. */
clvgg_status vgg_query_platform_name(cl_platform_id platform, char *name, size_t capacity);

#endif
