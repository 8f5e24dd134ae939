/* report/text_file.c — texts on top of base's writer. */
#include "report/text_file.h"

#include "base/file.h"
#include "report/memory.h"

struct vgg_text_file {
    vgg_writer *writer;
};

clvgg_status vgg_text_file_open(const char *path, vgg_text_file **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text_file *file = NULL;
    VGG_MEMORY_NEW(file, 1, "a file that is to be written");
    VGG_TRY(vgg_memory_for(vgg_writer_open(path, &file->writer), path));
    VGG_GIVE(out, file);
cleanup:
    vgg_text_file_free(file);
    return status;
}

clvgg_status vgg_text_file_finish(vgg_text_file *file, const vgg_text *text, const char *what)
{
    VGG_PASS(vgg_text_check(text, what));
    VGG_PASS(vgg_writer_append(file->writer, text->bytes, text->length));
    return vgg_memory_for(vgg_writer_commit(file->writer), what);
}

void vgg_text_file_free(vgg_text_file *file)
{
    if (file != NULL)
        vgg_writer_free(file->writer);
    vgg_memory_free(file);
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
