/* gemm_product.c — operands of random values; r·C in float64, r of random signs. */
#include "gemm_product.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void *allocate(uint64_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fprintf(stderr, "gemm: out of memory\n");
        exit(1);
    }
    return memory;
}

static uint32_t next_random(uint32_t *state)
{
    return (*state = *state * 1664525u + 1013904223u) >> 8;
}

static float *random_values(uint64_t count, uint32_t seed)
{
    float *values = allocate(count, sizeof *values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)next_random(&seed) / 8388608.0f - 1.0f;
    return values;
}

/* Element [c][row][column] of a convolution's column p: the input below a tap, or padding. */
static float column_value(const product *p, const float *image, int64_t tap, int64_t pixel)
{
    const int64_t c = tap / 9, y = pixel / p->side + tap % 9 / 3 - 1,
                  x = pixel % p->side + tap % 3 - 1;
    const bool inside = y >= 0 && y < p->side && x >= 0 && x < p->side;
    return inside ? image[(c * p->side + y) * p->side + x] : 0.0f;
}

operands make_operands(const product *p)
{
    const uint64_t b_count = p->kind == CONVOLUTION ? (uint64_t)(p->channels * p->side * p->side)
                                                    : (uint64_t)(p->n * p->k);
    operands o = {.a = random_values((uint64_t)(p->m * p->k), 1),
                  .b = random_values(b_count, 2),
                  .expected = allocate((uint64_t)p->n, sizeof(double)),
                  .signs = allocate((uint64_t)p->m, 1)};
    double *row = allocate((uint64_t)p->k, sizeof *row);
    uint32_t seed = 3;
    for (int64_t i = 0; i < p->m; i++) {
        o.signs[i] = next_random(&seed) & 1 ? 1 : -1;
        for (int64_t j = 0; j < p->k; j++)
            row[j] += o.signs[i] * (double)o.a[i * p->k + j];
    }
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t j = 0; j < p->k; j++)
            o.expected[i] +=
                row[j] * (p->kind == CONVOLUTION ? column_value(p, o.b, j, i) : o.b[i * p->k + j]);
    free(row);
    return o;
}

void free_operands(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->expected);
    free(o->signs);
}

double error_of(const product *p, const operands *o, const float *c, int block)
{
    double *sums = allocate((uint64_t)p->n, sizeof *sums), off = 0, size = 0;
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++)
            sums[j] += o->signs[i] * (double)c[(i / block * p->n + j) * block + i % block];
    for (int64_t j = 0; j < p->n; j++) {
        off += (sums[j] - o->expected[j]) * (sums[j] - o->expected[j]);
        size += o->expected[j] * o->expected[j];
    }
    free(sums);
    return sqrt(off / size);
}

float *make_columns(const product *p, const operands *o)
{
    float *columns = allocate((uint64_t)(p->k * p->n), sizeof *columns);
    for (int64_t i = 0; i < p->k * p->n; i++)
        columns[i] = column_value(p, o->b, i / p->n, i % p->n);
    return columns;
}

float *transposed(const float *values, int64_t rows, int64_t columns)
{
    float *out = allocate((uint64_t)(rows * columns), sizeof *out);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            out[j * rows + i] = values[i * columns + j];
    return out;
}

float *to_blocks(const float *x, int64_t c, int64_t pixels, int block)
{
    float *out = allocate((uint64_t)((c + block - 1) / block * block * pixels), sizeof *out);
    for (int64_t i = 0; i < c * pixels; i++)
        out[(i / pixels / block * pixels + i % pixels) * block + i / pixels % block] = x[i];
    return out;
}
