/* tensor/int8_row.c — see int8_row.h. */
#include "tensor/int8_row.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Four units in the last place above 16 bits still count as them: the product with 1/127 may be as
 * far off. */
static float round_up(float value)
{
    enum { DROPPED = 0xFF, SLACK = 4 };
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits + DROPPED - SLACK) & ~(uint32_t)DROPPED;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

float vgg_int8_row_scale(const float *row, size_t count)
{
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabsf(row[i]) > largest ? fabsf(row[i]) : largest;
    const float scale = round_up(largest * (1.0f / 127));
    return scale > 0x1p-100f ? scale : 0x1p-100f;
}

float vgg_int8_row_round(float *row, size_t count)
{
    const float scale = vgg_int8_row_scale(row, count), inverse = 1.0f / scale;
    for (size_t i = 0; i < count; i++) {
        const float q = rintf(row[i] * inverse);
        row[i] = scale * (q < -127 ? -127 : q > 127 ? 127 : q);
    }
    return scale;
}
