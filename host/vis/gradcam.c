/* vis/gradcam.c — see gradcam.h. */
#include "vis/gradcam.h"

#include <math.h>

void vgg_gradcam_combine(const float *gradients, const float *values, size_t channels,
                         size_t positions, float *weights, float *map)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < positions; p++)
            sum += (double)gradients[c * positions + p];
        weights[c] = (float)(sum / (double)positions);
    }
    for (size_t p = 0; p < positions; p++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += (double)weights[c] * (double)values[c * positions + p];
        map[p] = sum < 0 ? 0.0f : (float)sum; /* lets NaN through */
    }
}

/* Which two of `count` lie around place `at` of `length`, and how near the second is. */
static double neighbours(int at, int length, int count, int *first, int *second)
{
    const double place = fmax((at + 0.5) * count / length - 0.5, 0);
    *first = (int)place < count - 1 ? (int)place : count - 1;
    *second = *first + 1 < count ? *first + 1 : *first;
    return place - *first;
}

void vgg_gradcam_enlarge(const float *map, int rows, int columns, int height, int width,
                         float *enlarged)
{
    for (int y = 0; y < height; y++) {
        int top, bottom, left, right;
        const double down = neighbours(y, height, rows, &top, &bottom);
        for (int x = 0; x < width; x++) {
            const double across = neighbours(x, width, columns, &left, &right);
            const float *upper = map + (size_t)top * (size_t)columns,
                        *lower = map + (size_t)bottom * (size_t)columns;
            const double above = (1 - across) * (double)upper[left] + across * (double)upper[right];
            const double below = (1 - across) * (double)lower[left] + across * (double)lower[right];
            enlarged[(size_t)y * (size_t)width + (size_t)x] =
                (float)((1 - down) * above + down * below);
        }
    }
}
