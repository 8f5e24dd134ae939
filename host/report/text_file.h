/* report/text_file.h — a text as a file that appears under its name whole, or not at all. */
#ifndef VGG_REPORT_TEXT_FILE_H
#define VGG_REPORT_TEXT_FILE_H

#include "base/text.h"

typedef struct vgg_writer vgg_text_file;

/* Begins the file, so that whether it can be written shows before the work for it. Errors: IO with
 * the file and why, OUT_OF_MEMORY. */
clvgg_status vgg_text_file_open(const char *path, vgg_text_file **out);
/* Writes the text and puts the file under its name. `what` is the text, for a message. */
clvgg_status vgg_text_file_finish(vgg_text_file *file, const vgg_text *text, const char *what);
/* Frees; what wasn't finished is removed. Accepts NULL. */
void vgg_text_file_free(vgg_text_file *file);

/* All of it at once. */
clvgg_status vgg_text_save(const vgg_text *text, const char *path, const char *what);

#endif
