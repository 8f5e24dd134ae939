/* report/vis_pixels.c — colour maps, contrast, and the photograph behind an input. */
#include "report/vis_pixels.h"

#include <math.h>
#include <string.h>

enum { ANCHORS = 33 };

/* Evenly spaced, straight lines between: within 4 of 255 of the maps they were taken from. */
static const uint8_t viridis[ANCHORS][3] = {
    {68, 1, 84},    {71, 13, 96},   {72, 24, 106},  {72, 35, 116},  {71, 45, 123},  {69, 55, 129},
    {66, 64, 134},  {62, 73, 137},  {59, 82, 139},  {55, 91, 141},  {51, 99, 141},  {47, 107, 142},
    {44, 114, 142}, {41, 122, 142}, {38, 130, 142}, {35, 137, 142}, {33, 145, 140}, {31, 152, 139},
    {31, 160, 136}, {34, 167, 133}, {40, 174, 128}, {50, 182, 122}, {63, 188, 115}, {78, 195, 107},
    {94, 201, 98},  {112, 207, 87}, {132, 212, 75}, {152, 216, 62}, {173, 220, 48}, {194, 223, 35},
    {216, 226, 25}, {236, 229, 27}, {253, 231, 37}};
/* Moreland, Diverging Color Maps for Scientific Visualization (2009). */
static const uint8_t coolwarm[ANCHORS][3] = {
    {59, 76, 192},   {68, 90, 204},   {78, 104, 216},  {88, 117, 225},  {98, 130, 234},
    {108, 143, 241}, {119, 154, 247}, {130, 166, 251}, {141, 176, 254}, {152, 185, 255},
    {163, 194, 254}, {174, 201, 252}, {185, 208, 249}, {195, 213, 244}, {204, 217, 237},
    {213, 219, 229}, {221, 220, 220}, {229, 216, 209}, {236, 211, 197}, {241, 204, 184},
    {245, 196, 172}, {247, 186, 159}, {247, 176, 147}, {246, 165, 134}, {244, 152, 122},
    {240, 139, 110}, {235, 125, 98},  {228, 110, 86},  {221, 95, 75},   {212, 78, 65},
    {202, 59, 55},   {190, 36, 46},   {180, 4, 38}};
static const uint8_t distinct[][3] = {{230, 159, 0},   {86, 180, 233}, {0, 158, 115},
                                      {240, 228, 66},  {0, 114, 178},  {213, 94, 0},
                                      {204, 121, 167}, {120, 120, 120}};
enum { DISTINCT = sizeof distinct / sizeof *distinct };

static void interpolate(const uint8_t anchors[ANCHORS][3], double place, uint8_t rgb[3])
{
    const double at = place * (ANCHORS - 1);
    const size_t below = at < ANCHORS - 2 ? (size_t)at : ANCHORS - 2;
    const double share = at - (double)below;
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(anchors[below][c] * (1 - share) + anchors[below + 1][c] * share + 0.5);
}

void vgg_colour(vgg_colours colours, double low, double high, double value, uint8_t rgb[3])
{
    double place = (value - low) / (high - low);
    place = place > 0 ? (place < 1 ? place : 1) : 0; /* NaN: 0 */
    switch (colours) {
    case VGG_COLOURS_SEQUENTIAL:
        interpolate(viridis, place, rgb);
        break;
    case VGG_COLOURS_DIVERGING:
        interpolate(coolwarm, place, rgb);
        break;
    case VGG_COLOURS_GREY:
        memset(rgb, (int)(255 * place + 0.5), 3);
        break;
    case VGG_COLOURS_CLASSES:
        memcpy(rgb, distinct[value > 0 && value < 1e9 ? (size_t)value % DISTINCT : 0], 3);
        break;
    }
}

void vgg_pixels_colour(const float *values, size_t count, vgg_colours colours, double low,
                       double high, uint8_t *rgb)
{
    for (size_t i = 0; i < count; i++)
        vgg_colour(colours, low, high, (double)values[i], rgb + 3 * i);
}

/* The size that at most 1 % of the values exceed, a little rounded up; 0 when all are 0. */
static double common_size(const float *values, size_t count)
{
    enum { BINS = 2048 };
    size_t bins[BINS] = {0}, above = 0;
    double greatest = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            greatest = fmax(greatest, fabs((double)values[i]));
    if (greatest == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            bins[(size_t)(fabs((double)values[i]) / greatest * (BINS - 1))]++;
    size_t bin = BINS;
    while (bin > 1 && above + bins[bin - 1] <= count / 100)
        above += bins[--bin];
    return greatest * (double)bin / (BINS - 1);
}

/* Planes in the network's order, or its only one three times, to RGB pixels: value × scale +
 * offset. */
static void put_planes(const float *values, int height, int width,
                       const clvgg_preprocess *preprocess, const double scale[3],
                       const double offset[3], uint8_t *rgb)
{
    const size_t pixels = (size_t)height * (size_t)width;
    for (size_t i = 0; i < 3; i++) {
        const size_t c = preprocess->channels == 1 ? 0 : i;
        const float *plane = values + c * pixels;
        uint8_t *out = rgb + (preprocess->order == CLVGG_BGR ? 2 - i : i);
        for (size_t at = 0; at < pixels; at++) {
            const double value = (double)plane[at] * scale[c] + offset[c];
            out[3 * at] = (uint8_t)(value > 0 ? (value < 255 ? value + 0.5 : 255) : 0);
        }
    }
}

static size_t count_values(int height, int width, const clvgg_preprocess *preprocess)
{
    return (size_t)preprocess->channels * (size_t)height * (size_t)width;
}

void vgg_pixels_signed(const float *values, int height, int width,
                       const clvgg_preprocess *preprocess, uint8_t *rgb)
{
    const double size = common_size(values, count_values(height, width, preprocess));
    const double scale = size > 0 ? 127.5 / size : 0;
    put_planes(values, height, width, preprocess, (double[]){scale, scale, scale},
               (double[]){127.5, 127.5, 127.5}, rgb);
}

void vgg_pixels_stretched(const float *values, int height, int width,
                          const clvgg_preprocess *preprocess, uint8_t *rgb)
{
    double least = INFINITY, greatest = -INFINITY;
    for (size_t i = 0; i < count_values(height, width, preprocess); i++)
        if (isfinite(values[i])) {
            least = fmin(least, (double)values[i]);
            greatest = fmax(greatest, (double)values[i]);
        }
    const double scale = greatest > least ? 255 / (greatest - least) : 0;
    const double offset = scale > 0 ? -least * scale : 127.5;
    put_planes(values, height, width, preprocess, (double[]){scale, scale, scale},
               (double[]){offset, offset, offset}, rgb);
}

void vgg_pixels_photograph(const float *values, int height, int width,
                           const clvgg_preprocess *preprocess, uint8_t *rgb)
{
    double scale[3], offset[3];
    for (int c = 0; c < preprocess->channels; c++) {
        scale[c] = (double)preprocess->std[c] / (double)preprocess->scale;
        offset[c] = (double)preprocess->mean[c] / (double)preprocess->scale;
    }
    put_planes(values, height, width, preprocess, scale, offset, rgb);
}

void vgg_pixels_crop(const vgg_pixels *from, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                     uint8_t *rgb)
{
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++, rgb += 3) {
            if (y >= 0 && y < from->height && x >= 0 && x < from->width)
                memcpy(rgb, from->rgb + 3 * (y * from->width + x), 3);
            else
                memset(rgb, 128, 3);
        }
}
