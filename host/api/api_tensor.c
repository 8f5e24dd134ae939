/* api/api_tensor.c — implements clvgg/tensor.h. */
#include "clvgg/tensor.h"

#include <string.h>

#include "api/scope.h"
#include "tensor/npy.h"

clvgg_status clvgg_npy_open(clvgg_runtime *runtime, const char *path, clvgg_npy_reader **out,
                            clvgg_shape *shape)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, path, shape);
    memset(shape, 0, sizeof *shape);
    const vgg_scope *previous = vgg_scope_enter(&runtime->scope);
    clvgg_status status = vgg_npy_open(path, out);
    if (status == CLVGG_STATUS_OK)
        *shape = (*out)->shape;
    vgg_scope_leave(previous);
    return status;
}

clvgg_status clvgg_npy_read(clvgg_npy_reader *reader, int64_t first, int64_t count, float *data)
{
    VGG_API_REQUIRE(reader != NULL);
    VGG_API_REQUIRE(data != NULL || count == 0);
    VGG_API_RETURN(reader->scope, vgg_npy_read(reader, first, count, data));
}

void clvgg_npy_close(clvgg_npy_reader *reader)
{
    vgg_npy_close(reader);
}

clvgg_status clvgg_npy_create(clvgg_runtime *runtime, const char *path, const clvgg_shape *row,
                              clvgg_npy_writer **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, path, row);
    VGG_API_RETURN(&runtime->scope, vgg_npy_create(path, row, out));
}

clvgg_status clvgg_npy_append(clvgg_npy_writer *writer, int64_t count, const float *data)
{
    VGG_API_REQUIRE(writer != NULL);
    VGG_API_REQUIRE(data != NULL || count == 0);
    VGG_API_RETURN(writer->scope, vgg_npy_append(writer, count, data));
}

clvgg_status clvgg_npy_commit(clvgg_npy_writer *writer)
{
    VGG_API_REQUIRE(writer != NULL);
    VGG_API_RETURN(writer->scope, vgg_npy_commit(writer));
}

void clvgg_npy_writer_free(clvgg_npy_writer *writer)
{
    vgg_npy_writer_free(writer);
}
