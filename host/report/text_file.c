/* report/text_file.c — texts on top of base's writer. */
#include "report/text_file.h"

#include "base/file.h"
#include "report/memory.h"

clvgg_status vgg_text_file_open(const char *path, vgg_text_file **out)
{
    return vgg_memory_for(vgg_writer_open(path, out), path);
}

clvgg_status vgg_text_file_finish(vgg_text_file *file, const vgg_text *text, const char *what)
{
    VGG_PASS(vgg_text_check(text, what));
    VGG_PASS(vgg_writer_append(file, text->bytes, text->length));
    return vgg_memory_for(vgg_writer_commit(file), what);
}

void vgg_text_file_free(vgg_text_file *file)
{
    vgg_writer_free(file);
}

clvgg_status vgg_text_save(const vgg_text *text, const char *path, const char *what)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text_file *file = NULL;
    VGG_TRY(vgg_text_check(text, what)); /* before anything is at the path */
    VGG_TRY(vgg_text_file_open(path, &file));
    VGG_TRY(vgg_text_file_finish(file, text, what));
cleanup:
    vgg_text_file_free(file);
    return status;
}
