/* image/png_write.c — 8-bit RGB to a PNG file that appears whole or not at all. */
#include "image/image.h"

#ifdef CLVGG_HAVE_PNG

#include <png.h>
#include <setjmp.h>

#include "base/alloc.h"
#include "base/file.h"

/* State that must survive a longjmp; it lives in the caller's frame. */
typedef struct png_writer {
    vgg_writer *file;
    png_structp png;
    png_infop info;
    clvgg_status status;
    jmp_buf escape;
} png_writer;

static png_voidp allocate(png_structp png, png_alloc_size_t bytes)
{
    png_writer *writer = png_get_mem_ptr(png);
    void *memory = vgg_calloc(bytes, 1);
    if (memory == NULL)
        writer->status = CLVGG_STATUS_OUT_OF_MEMORY;
    return memory;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    vgg_free(memory);
}

static void fail(png_structp png, png_const_charp text)
{
    png_writer *writer = png_get_error_ptr(png);
    if (writer->status == CLVGG_STATUS_OK)
        writer->status = vgg_fail(CLVGG_STATUS_IO, "writing a PNG: %s", text);
    longjmp(writer->escape, 1);
}

static void ignore_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

static void write_bytes(png_structp png, png_bytep data, size_t count)
{
    png_writer *writer = png_get_io_ptr(png);
    writer->status = vgg_writer_append(writer->file, data, count);
    if (writer->status != CLVGG_STATUS_OK)
        png_error(png, "append failed");
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

/* Returns normally or through `escape`; touches nothing of its own frame after a jump. */
static clvgg_status run(png_writer *writer, int width, int height, const uint8_t *rgb)
{
    if (setjmp(writer->escape))
        return writer->status;
    writer->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, writer, fail, ignore_warning,
                                            writer, allocate, release);
    writer->info = writer->png != NULL ? png_create_info_struct(writer->png) : NULL;
    if (writer->info == NULL)
        return writer->status != CLVGG_STATUS_OK
                   ? writer->status
                   : vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                              "libpng at run time is not the one built against");
    png_set_write_fn(writer->png, writer, write_bytes, flush_nothing);
    png_set_IHDR(writer->png, writer->info, (png_uint_32)width, (png_uint_32)height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer->png, writer->info);
    for (int y = 0; y < height; y++)
        png_write_row(writer->png, rgb + (size_t)y * (size_t)width * 3);
    png_write_end(writer->png, NULL);
    return writer->status;
}

clvgg_status vgg_image_write_png(const char *path, int width, int height, const uint8_t *rgb)
{
    clvgg_status status = CLVGG_STATUS_OK;
    png_writer writer = {0};
    VGG_TRY(vgg_writer_open(path, &writer.file));
    VGG_TRY(run(&writer, width, height, rgb));
    VGG_TRY(vgg_writer_commit(writer.file));
cleanup:
    png_destroy_write_struct(&writer.png, &writer.info);
    vgg_writer_free(writer.file);
    return status;
}

#else

clvgg_status vgg_image_write_png(const char *path, int width, int height, const uint8_t *rgb)
{
    (void)width, (void)height, (void)rgb;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: this build has no libpng to write it", path);
}

#endif
