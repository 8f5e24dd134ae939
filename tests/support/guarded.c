/* support/guarded.c — words that must survive, around what a kernel may touch. */
#include "support/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD = 67 }; /* words before and after; odd, so that nothing is aligned by chance */
static const uint32_t untouched = 0x7FC0BEEF; /* a NaN with a mark */

vgg_buffer guarded(test_device *d, const void *data, size_t words)
{
    const size_t total = words + 2 * GUARD;
    uint32_t *content = malloc(total * sizeof *content);
    for (size_t i = 0; i < total; i++)
        content[i] = untouched;
    if (data != NULL)
        memcpy(content + GUARD, data, words * sizeof *content);
    cl_int error = CL_SUCCESS;
    cl_mem memory = clCreateBuffer(d->device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                   total * sizeof *content, content, &error);
    assert_int_equal(error, CL_SUCCESS);
    free(content);
    return (vgg_buffer){memory, GUARD};
}

void read_guarded(test_device *d, vgg_buffer buffer, void *data, size_t words)
{
    const size_t total = words + 2 * GUARD;
    uint32_t *content = malloc(total * sizeof *content);
    assert_int_equal(clEnqueueReadBuffer(d->queue, buffer.memory, CL_TRUE, 0,
                                         total * sizeof *content, content, 0, NULL, NULL),
                     CL_SUCCESS);
    for (size_t i = 0; i < GUARD; i++) {
        assert_int_equal(content[i], untouched);
        assert_int_equal(content[GUARD + words + i], untouched);
    }
    memcpy(data, content + GUARD, words * sizeof *content);
    free(content);
}
