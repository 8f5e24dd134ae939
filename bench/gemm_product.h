/* gemm_product.h — a matrix product on the host: shape, operands, and what must come of it. */
#ifndef BENCH_GEMM_PRODUCT_H
#define BENCH_GEMM_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

/* C [m][n] = A [m][k] · B [k][n]. */
typedef enum product_kind { FORWARD, WEIGHT_GRADIENT, DATA_GRADIENT, CONVOLUTION } product_kind;

typedef struct product {
    char name[48];
    product_kind kind;
    int64_t m, n, k;
    int64_t channels, side; /* of a convolution's input: 3x3, padded by 1 */
} product;

/* Operands on the host: a [m][k]; b [n][k], or a convolution's input [channels][side][side]. */
typedef struct operands {
    float *a, *b;
    double *expected;   /* [n], of r·C */
    signed char *signs; /* r, [m] */
} operands;

/* Ends the program when there is no memory. */
void *allocate(uint64_t count, size_t size);
operands make_operands(const product *p);
void free_operands(operands *o);
/* A convolution's B [k][n], a column a pixel. */
float *make_columns(const product *p, const operands *o);
/* values [rows][columns] turned. */
float *transposed(const float *values, int64_t rows, int64_t columns);
/* x [c][pixels] as [ceil(c/block)][pixels][block]. */
float *to_blocks(const float *x, int64_t c, int64_t pixels, int block);
/* ‖r·C − expected‖ / ‖expected‖; c is [ceil(m/block)][n][block], so [m][n] for block 1. */
double error_of(const product *p, const operands *o, const float *c, int block);

#endif
