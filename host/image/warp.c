/* image/warp.c — resize, then look up where each pixel of the window comes from (warp.h). */
#include "image/warp.h"

#include <math.h>

#include "base/alloc.h"
#include "image/grey.h"
#include "image/resample.h"

/* One axis: the picture, `scale` times as large as it is prepared, and the part of it that is kept.
 * Places are distances from the picture's first edge, so that pixel i lies at i + 1/2. */
typedef struct axis {
    int64_t resized, first;
    int count;
    double centre; /* of the window */
    double step;   /* from one pixel of the window to the next: 1 but for rounding `resized` */
} axis;

/* The pixels that a window with these half-diagonals can reach, cubic taps included. */
static axis choose_axis(const vgg_image_span *span, int window, double scale, double reach)
{
    axis a = {.resized = llround((double)span->resized * scale)};
    a.resized = a.resized < 1 ? 1 : a.resized;
    const double ratio = (double)a.resized / (double)span->resized;
    a.centre = ((double)(span->first - span->pad) + window / 2.0) * ratio;
    a.step = ratio / scale;
    double begin = floor(a.centre - reach * a.step) - 3, end = ceil(a.centre + reach * a.step) + 3;
    begin = fmin(fmax(begin, 0), (double)(a.resized - 1));
    end = fmin(fmax(end, begin + 1), (double)a.resized);
    a.first = (int64_t)begin;
    a.count = (int)(end - begin);
    return a;
}

/* RGB [down->count][across->count][3], to be freed. */
static clvgg_status resample(const vgg_image_part *image, const axis *across, const axis *down,
                             uint8_t **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_image_span columns = {across->resized, across->first, across->count, 0};
    const vgg_image_span rows = {down->resized, down->first, down->count, 0};
    const size_t row_bytes = (size_t)across->count * 3;
    vgg_resampler resampler = {0};
    uint8_t *pixels = NULL;
    VGG_TRY(vgg_resampler_init(&resampler, image, &columns, &rows));
    VGG_NEW(pixels, (size_t)down->count * row_bytes);
    for (int y = 0; y < down->count; y++)
        vgg_resampler_row(&resampler, y, pixels + (size_t)y * row_bytes);
    VGG_GIVE(out, pixels);
cleanup:
    vgg_resampler_free(&resampler);
    vgg_free(pixels);
    return status;
}

/* Weights of the four pixels around a place between the second and the third. */
static void cubic_weights(double t, double weights[4])
{
    const double u = 1 - t;
    weights[0] = -0.5 * t * u * u;
    weights[1] = 1 + t * t * (1.5 * t - 2.5);
    weights[2] = 1 + u * u * (1.5 * u - 2.5);
    weights[3] = -0.5 * u * t * t;
}

typedef struct canvas {
    const uint8_t *pixels; /* of the axes' parts */
    axis across, down;
    bool edge;
    double beyond[3]; /* the colour beyond the picture unless edge, RGB */
} canvas;

/* Index into an axis' part, or -1 beyond the picture. */
static int locate(const axis *a, double place, bool edge)
{
    if (!edge && (place < 0 || place >= (double)a->resized))
        return -1;
    const double index = place - (double)a->first;
    return (int)fmin(fmax(index, 0), a->count - 1);
}

static void look_up(const canvas *from, double x, double y, double rgb[3])
{
    double across[4], down[4];
    const double left = floor(x - 0.5), top = floor(y - 0.5);
    cubic_weights(x - 0.5 - left, across);
    cubic_weights(y - 0.5 - top, down);
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int i = 0; i < 4; i++) {
        const int row = locate(&from->down, top - 1 + i, from->edge);
        for (int k = 0; k < 4; k++) {
            const int column = locate(&from->across, left - 1 + k, from->edge);
            const double weight = down[i] * across[k];
            if (weight == 0) /* most of a shift by whole pixels */
                continue;
            const uint8_t *pixel = from->pixels;
            if (row >= 0 && column >= 0)
                pixel += 3 * ((size_t)row * (size_t)from->across.count + (size_t)column);
            for (int c = 0; c < 3; c++)
                rgb[c] += weight * (row < 0 || column < 0 ? from->beyond[c] : (double)pixel[c]);
        }
    }
    for (int c = 0; c < 3; c++)
        rgb[c] = fmin(fmax(rgb[c], 0), 255);
}

/* Quarter turns are exact. */
static void turn_of(double degrees, double *cosine, double *sine)
{
    static const double quarters[] = {1, 0, -1, 0};
    degrees = fmod(degrees, 360);
    degrees += degrees < 0 ? 360 : 0;
    const int quarter = (int)(degrees / 90);
    if (degrees == 90 * quarter) {
        *cosine = quarters[quarter % 4];
        *sine = quarters[(quarter + 3) % 4];
        return;
    }
    const double radians = degrees * 3.14159265358979323846 / 180;
    *cosine = cos(radians);
    *sine = sin(radians);
}

static void fill(const canvas *from, const clvgg_preprocess *p, const vgg_warp *warp, float *data)
{
    const size_t plane = (size_t)p->height * (size_t)p->width;
    double cosine, sine, rgb[3];
    turn_of(warp->turn, &cosine, &sine);
    for (int row = 0; row < p->height; row++)
        for (int column = 0; column < p->width; column++) {
            const double x = column + 0.5 - p->width / 2.0 - warp->right;
            const double y = row + 0.5 - p->height / 2.0 - warp->down;
            look_up(from, from->across.centre + (cosine * x - sine * y) * from->across.step,
                    from->down.centre + (sine * x + cosine * y) * from->down.step, rgb);
            const size_t at = (size_t)row * (size_t)p->width + (size_t)column;
            for (size_t c = 0; c < (size_t)p->channels; c++) {
                const float value = (float)rgb[p->order == CLVGG_BGR ? 2 - c : c];
                data[c * plane + at] = (value * p->scale - p->mean[c]) / p->std[c];
            }
        }
}

/* Also refuses NaN. */
static clvgg_status check(const vgg_warp *warp)
{
    VGG_CHECK(fabs(warp->down) <= VGG_WARP_SHIFT_MOST && fabs(warp->right) <= VGG_WARP_SHIFT_MOST,
              CLVGG_STATUS_INVALID_ARGUMENT, "a shift by %g and %g pixels: at most %g", warp->down,
              warp->right, VGG_WARP_SHIFT_MOST);
    VGG_CHECK(warp->scale >= VGG_WARP_SCALE_LEAST && warp->scale <= VGG_WARP_SCALE_MOST,
              CLVGG_STATUS_INVALID_ARGUMENT, "a scale of %g: it must be %g...%g", warp->scale,
              VGG_WARP_SCALE_LEAST, VGG_WARP_SCALE_MOST);
    VGG_CHECK(isfinite(warp->turn), CLVGG_STATUS_INVALID_ARGUMENT, "a turn by %g degrees",
              warp->turn);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_image_prepare_warped(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                      const vgg_warp *warp, float *data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_preprocess *p = preprocess;
    vgg_image_part whole = {image->pixels, image->width, image->height, (size_t)image->width * 3};
    vgg_image_span across, down;
    uint8_t *pixels = NULL, *grey = NULL;
    VGG_TRY(check(warp));
    if (p->channels == 1)
        VGG_TRY(vgg_image_grey(&whole, &grey, &whole));
    vgg_image_choose_spans(&whole, p, p->mode, &across, &down);
    const bool padded = across.count < p->width || down.count < p->height;
    const double reach = hypot(p->width, p->height) / 2 + hypot(warp->down, warp->right);
    canvas from = {.across = choose_axis(&across, p->width, warp->scale, reach),
                   .down = choose_axis(&down, p->height, warp->scale, reach),
                   .edge = warp->edge && !padded};
    for (int c = 0; c < 3 && !padded && p->scale != 0.0f; c++)
        from.beyond[p->order == CLVGG_BGR ? 2 - c : c] =
            (double)(p->mean[p->channels == 1 ? 0 : c] / p->scale);
    VGG_TRY(resample(&whole, &from.across, &from.down, &pixels));
    from.pixels = pixels;
    fill(&from, p, warp, data);
cleanup:
    vgg_free(grey);
    vgg_free(pixels);
    return status;
}
