/* image/view.c — draws views and prepares them: rectangle, mirror, colours (view.h). */
#include "image/view.h"

#include <math.h>

#include "base/random.h"
#include "image/prepare.h"

#define AREA_LEAST 0.35
#define COLOR_MOST 0.2f
/* Sides are to each other as 3:4 to 4:3, evenly on a logarithmic scale. */
#define RATIO_MOST (4.0 / 3.0)

/* Places of the draws: each transformation has its own. */
enum { DRAW_FLIP = 0, DRAW_COLOR = 1, DRAW_CROP = 4, CROP_ATTEMPTS = 10 };

/* Uniform in [0, 1), the `place`-th of a view. */
static double draw(uint64_t view, uint64_t place)
{
    return vgg_random_unit(vgg_random_bits(view + place));
}

static float draw_factor(uint64_t view, uint64_t place)
{
    return 1.0f + COLOR_MOST * (float)(2.0 * draw(view, place) - 1.0);
}

static void set_crop(vgg_view *view, int left, int top, int width, int height, int picture_width,
                     int picture_height)
{
    view->crop = true;
    view->left = (double)left / picture_width;
    view->top = (double)top / picture_height;
    view->width = (double)width / picture_width;
    view->height = (double)height / picture_height;
}

static void draw_crop(uint64_t key, int picture_width, int picture_height, vgg_view *view)
{
    const double picture = (double)picture_width * picture_height;
    for (uint64_t i = 0; i < CROP_ATTEMPTS; i++) {
        const uint64_t place = DRAW_CROP + 4 * i;
        const double area = picture * (AREA_LEAST + (1.0 - AREA_LEAST) * draw(key, place));
        const double ratio = exp(log(RATIO_MOST) * (2.0 * draw(key, place + 1) - 1.0));
        const double width = round(sqrt(area * ratio)), height = round(sqrt(area / ratio));
        if (width < 1 || width > picture_width || height < 1 || height > picture_height)
            continue;
        const int left = (int)(draw(key, place + 2) * (picture_width - width + 1));
        const int top = (int)(draw(key, place + 3) * (picture_height - height + 1));
        set_crop(view, left, top, (int)width, (int)height, picture_width, picture_height);
        return;
    }
    int width = picture_width, height = picture_height;
    if (width > height * RATIO_MOST)
        width = (int)lround(height * RATIO_MOST);
    else if (height > width * RATIO_MOST)
        height = (int)lround(width * RATIO_MOST);
    set_crop(view, (picture_width - width) / 2, (picture_height - height) / 2, width, height,
             picture_width, picture_height);
}

vgg_view vgg_view_draw(unsigned augment, uint64_t seed, const uint8_t digest[32], uint32_t view,
                       int picture_width, int picture_height)
{
    vgg_view drawn = {0};
    uint64_t content = 0;
    if (view == 0)
        return drawn;
    for (int i = 0; i < 8; i++)
        content = content << 8 | digest[i];
    const uint64_t key = vgg_random_bits(vgg_random_bits(vgg_random_bits(seed) ^ content) ^ view);
    if (augment & VGG_VIEW_CROP)
        draw_crop(key, picture_width, picture_height, &drawn);
    if (augment & VGG_VIEW_FLIP)
        drawn.flip = draw(key, DRAW_FLIP) < 0.5;
    if (augment & VGG_VIEW_COLOR) {
        drawn.color = true;
        drawn.brightness = draw_factor(key, DRAW_COLOR);
        drawn.contrast = draw_factor(key, DRAW_COLOR + 1);
        drawn.saturation = draw_factor(key, DRAW_COLOR + 2);
    }
    return drawn;
}

/* The pixel at `share` of `size`. */
static int to_pixel(double share, int size)
{
    const double pixel = round(share * size);
    return pixel > 0 ? pixel < size ? (int)pixel : size : 0;
}

/* The rectangle is at least a pixel, whatever the shares. */
static vgg_image_part cut(const clvgg_image *image, const vgg_view *view)
{
    vgg_image_part part = {image->pixels, image->width, image->height, (size_t)image->width * 3};
    if (!view->crop)
        return part;
    int left = to_pixel(view->left, image->width), top = to_pixel(view->top, image->height);
    left -= left == image->width;
    top -= top == image->height;
    part.width = to_pixel(view->left + view->width, image->width) - left;
    part.height = to_pixel(view->top + view->height, image->height) - top;
    part.width += part.width < 1 ? 1 - part.width : 0;
    part.height += part.height < 1 ? 1 - part.height : 0;
    part.pixels += (size_t)top * part.row_bytes + (size_t)left * 3;
    return part;
}

static float clamp(float value)
{
    return value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value;
}

/* Luma by torchvision's rgb_to_grayscale(). */
static float grey(float red, float green, float blue)
{
    return 0.2989f * red + 0.587f * green + 0.114f * blue;
}

/* Planes of 0...255, `count` pixels each: red, green, blue; or one, which has no saturation. */
static void adjust(const vgg_view *view, float *const planes[3], int channels, size_t count)
{
    const float *red = planes[0], *green = planes[1], *blue = planes[2];
    double sum = 0;
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < count; i++)
            planes[c][i] = clamp(planes[c][i] * view->brightness);
    for (size_t i = 0; i < count; i++)
        sum += (double)(channels == 1 ? red[i] : grey(red[i], green[i], blue[i]));
    const float level = (1.0f - view->contrast) * (float)(sum / (double)count);
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < count; i++)
            planes[c][i] = clamp(view->contrast * planes[c][i] + level);
    for (size_t i = 0; i < count && channels == 3; i++) {
        const float part = (1.0f - view->saturation) * grey(red[i], green[i], blue[i]);
        for (int c = 0; c < 3; c++)
            planes[c][i] = clamp(view->saturation * planes[c][i] + part);
    }
}

clvgg_status vgg_image_prepare_view(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                    const vgg_view *view, float *data)
{
    const clvgg_preprocess *p = preprocess;
    const vgg_image_part part = cut(image, view);
    const clvgg_resize_mode mode = view->crop ? CLVGG_RESIZE_SQUASH : p->mode;
    const size_t plane = (size_t)p->height * (size_t)p->width;
    float values[3][256];
    vgg_image_fill_values(p, values);
    if (!view->color)
        return vgg_image_render(&part, p, mode, view->flip, values, data);
    for (int byte = 0; byte < 256; byte++)
        values[0][byte] = values[1][byte] = values[2][byte] = (float)byte;
    clvgg_status status = vgg_image_render(&part, p, mode, view->flip, values, data);
    if (status != CLVGG_STATUS_OK)
        return status;
    float *planes[3] = {data};
    for (size_t c = 0; c < (size_t)p->channels; c++)
        planes[p->channels == 3 && p->order == CLVGG_BGR ? 2 - c : c] = data + c * plane;
    adjust(view, planes, p->channels, plane);
    for (size_t c = 0; c < (size_t)p->channels; c++)
        for (size_t i = 0; i < plane; i++)
            data[c * plane + i] = (data[c * plane + i] * p->scale - p->mean[c]) / p->std[c];
    return status;
}
