/* report/draw.c — Cairo's surfaces on top of files that appear whole. */
#include "report/draw.h"
#include "report/vis_figure.h"

#ifdef CLVGG_HAVE_CAIRO

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "report/format.h"
#include "report/memory.h"

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

clvgg_status vgg_picture_check(const char *path)
{
    return ends_in(path, ".png") || ends_in(path, ".svg") || ends_in(path, ".pdf")
               ? CLVGG_STATUS_OK
               : vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                          "%s: a picture's name ends in .png, .svg or .pdf", path);
}

static cairo_status_t append(void *closure, const unsigned char *data, unsigned length)
{
    vgg_picture *picture = closure;
    if (picture->status == CLVGG_STATUS_OK)
        picture->status = vgg_writer_append(picture->file, data, length);
    return picture->status == CLVGG_STATUS_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

/* The first failure of all: what append() and the texts met, or else Cairo's. */
static clvgg_status status_of(const vgg_picture *picture, cairo_status_t code)
{
    if (picture->status != CLVGG_STATUS_OK || code == CAIRO_STATUS_SUCCESS)
        return picture->status;
    if (code == CAIRO_STATUS_PNG_ERROR && errno == ENOMEM) /* all that libpng's message tells */
        code = CAIRO_STATUS_NO_MEMORY;
    if (code == CAIRO_STATUS_NO_MEMORY)
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for drawing a picture");
    return vgg_fail(CLVGG_STATUS_IO, "drawing a picture: %s", cairo_status_to_string(code));
}

clvgg_status vgg_picture_open(vgg_picture *picture, const char *path, double width, double height,
                              double scale)
{
    *picture = (vgg_picture){.is_vector = !ends_in(path, ".png")};
    VGG_PASS(vgg_picture_check(path));
    VGG_PASS(vgg_memory_for(vgg_writer_open(path, &picture->file), path));
    if (ends_in(path, ".svg")) {
        picture->surface = cairo_svg_surface_create_for_stream(append, picture, width, height);
        cairo_svg_surface_set_document_unit(picture->surface, CAIRO_SVG_UNIT_PX);
        scale = 1;
    } else if (picture->is_vector) {
        picture->surface = cairo_pdf_surface_create_for_stream(append, picture, width, height);
        scale = 1;
    } else {
        picture->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale),
                                                      (int)ceil(height * scale));
    }
    picture->cairo = cairo_create(picture->surface);
    cairo_scale(picture->cairo, scale, scale);
    cairo_set_source_rgb(picture->cairo, 1, 1, 1);
    cairo_paint(picture->cairo);
    const clvgg_status status = status_of(picture, cairo_status(picture->cairo));
    if (status != CLVGG_STATUS_OK)
        vgg_picture_free(picture);
    return status;
}

static clvgg_status write_file(vgg_picture *picture)
{
    cairo_status_t code = cairo_status(picture->cairo);
    VGG_PASS(status_of(picture, code));
    if (picture->is_vector) {
        cairo_surface_finish(picture->surface);
        code = cairo_surface_status(picture->surface);
    } else {
        errno = 0;
        code = cairo_surface_write_to_png_stream(picture->surface, append, picture);
    }
    VGG_PASS(status_of(picture, code));
    return vgg_memory_for(vgg_writer_commit(picture->file), "putting a picture in its folder");
}

clvgg_status vgg_picture_write(vgg_picture *picture)
{
    const clvgg_status status = write_file(picture);
    vgg_picture_free(picture);
    return status;
}

void vgg_picture_free(vgg_picture *picture)
{
    if (picture->cairo != NULL) {
        cairo_destroy(picture->cairo);
        cairo_surface_destroy(picture->surface); /* appends the end of an SVG or PDF */
    }
    vgg_writer_free(picture->file);
    *picture = (vgg_picture){0};
}

void vgg_picture_ink(vgg_picture *picture, vgg_ink ink)
{
    static const double colours[][3] = {{0.13, 0.13, 0.13},
                                        {0.42, 0.42, 0.42},
                                        {0.88, 0.88, 0.88},
                                        {0, 0.45, 0.70},
                                        {0.84, 0.37, 0}};
    const double *rgb = colours[ink];
    cairo_set_source_rgb(picture->cairo, rgb[0], rgb[1], rgb[2]);
}

void vgg_picture_pen(vgg_picture *picture, vgg_ink ink, double size, bool bold)
{
    vgg_picture_ink(picture, ink);
    vgg_picture_font(picture, size, bold);
}

void vgg_picture_font(vgg_picture *picture, double size, bool bold)
{
    cairo_select_font_face(picture->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(picture->cairo, size);
}

void vgg_picture_rule(vgg_picture *picture, double x1, double y1, double x2, double y2)
{
    cairo_t *cairo = picture->cairo;
    cairo_set_line_width(cairo, 1);
    cairo_move_to(cairo, round(x1) + 0.5, round(y1) + 0.5);
    cairo_line_to(cairo, round(x2) + 0.5, round(y2) + 0.5);
    cairo_stroke(cairo);
}

static double width_of(cairo_t *cairo, const char *utf8)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, utf8, &extents);
    return extents.x_advance;
}

static bool inside_code_point(const vgg_text *text, size_t at)
{
    return at > 0 && at < text->length && ((unsigned char)text->bytes[at] & 0xC0) == 0x80;
}

/* Code points go from the middle, in turns to the left and to the right, until the rest and an
 * ellipsis fit. */
static void shorten(cairo_t *cairo, double widest, const vgg_text *whole, vgg_text *text)
{
    size_t head = whole->length / 2, tail = head;
    bool fits = false;
    while (!fits && !text->failed && (head > 0 || tail < whole->length)) {
        if (head >= whole->length - tail)
            head--;
        else
            tail++;
        while (inside_code_point(whole, head))
            head--;
        while (inside_code_point(whole, tail))
            tail++;
        text->length = 0;
        vgg_text_append(text, whole->bytes, head);
        vgg_text_puts(text, "\xE2\x80\xA6");
        vgg_text_puts(text, whole->bytes + tail);
        fits = !text->failed && width_of(cairo, text->bytes) <= widest;
    }
}

double vgg_picture_text(vgg_picture *picture, double x, double y, vgg_align align, double widest,
                        const char *string)
{
    cairo_t *cairo = picture->cairo;
    vgg_text whole = {0}, shortened = {0};
    const vgg_text *text = &whole;
    if (picture->status != CLVGG_STATUS_OK) /* whose message stays */
        return 0;
    vgg_text_puts(&whole, ""); /* so that there are bytes */
    vgg_text_terminal(&whole, string);
    if (!whole.failed && width_of(cairo, whole.bytes) > widest) {
        shorten(cairo, widest, &whole, &shortened);
        text = &shortened;
    }
    double width = 0;
    if (!text->failed) {
        width = width_of(cairo, text->bytes);
        cairo_move_to(cairo, x - (double)align * width / 2, y);
        cairo_show_text(cairo, text->bytes);
    } else if (picture->status == CLVGG_STATUS_OK) {
        picture->status = vgg_text_check(text, "words in a picture");
    }
    vgg_text_free(&whole);
    vgg_text_free(&shortened);
    return width;
}

#else

clvgg_status vgg_picture_check(const char *path)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: this program is built without Cairo", path);
}

/* Without Cairo a figure is a message. */
#define DEFINE_WITHOUT(figure, type)                                                               \
    clvgg_status figure(const char *path, const type *what)                                        \
    {                                                                                              \
        (void)what;                                                                                \
        return vgg_picture_check(path);                                                            \
    }
DEFINE_WITHOUT(vgg_figure_grid, vgg_grid)
DEFINE_WITHOUT(vgg_figure_nines, vgg_nines)
DEFINE_WITHOUT(vgg_figure_panels, vgg_panels)
DEFINE_WITHOUT(vgg_figure_charts, vgg_charts)

#endif
