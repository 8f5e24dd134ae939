/* weights/onnx/weights_onnx_external.c — values that lie in a file beside the model.
 *
 * The model names the file by a path, which a stranger wrote: it must be relative and lead to a
 * file inside of the model's folder, links followed.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#define _XOPEN_SOURCE 700 /* realpath() */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/onnx/weights_onnx.h"

/* Only names that lead down: not absolute, no part is "..". */
static bool leads_down(const char *location)
{
    if (location[0] == '\0' || location[0] == '/')
        return false;
    for (const char *part = location; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        const size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return false;
    }
    return true;
}

/* Says whether a file lies in a folder, or below; both are real paths. */
static bool is_inside(const char *file, const char *folder)
{
    const size_t length = strlen(folder);
    if (strcmp(folder, "/") == 0)
        return true;
    return strncmp(file, folder, length) == 0 && file[length] == '/';
}

static clvgg_status open_inside(const vgg_onnx *onnx, const char *tensor, const char *location,
                                vgg_file **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *model = onnx->weights->path, *slash = strrchr(model, '/');
    const size_t length = slash != NULL ? (size_t)(slash - model) + 1 : 0;
    char *path = NULL, *folder = NULL, *real_folder = NULL, *real_path = NULL;
    VGG_NEW(path, length + strlen(location) + 1);
    memcpy(path, model, length);
    memcpy(path + length, location, strlen(location));
    VGG_NEW(folder, length + 2);
    memcpy(folder, length > 0 ? model : ".", length > 0 ? length : 1);
    real_folder = realpath(folder, NULL);
    real_path = realpath(path, NULL);
    VGG_REQUIRE(real_folder != NULL && real_path != NULL, CLVGG_STATUS_NOT_FOUND,
                "tensor '%.200s': its values lie in \"%.300s\" beside the model: %s", tensor,
                location, strerror(errno));
    VGG_REQUIRE(is_inside(real_path, real_folder), CLVGG_STATUS_BAD_FILE,
                "tensor '%.200s': its values lie in \"%.300s\", a link out of the model's folder",
                tensor, location);
    VGG_TRY(vgg_weights_open_part(onnx->weights, real_path, out));
cleanup:
    free(real_folder);
    free(real_path);
    vgg_free(folder);
    vgg_free(path);
    return status;
}

static clvgg_status find_file(vgg_onnx *onnx, const char *tensor, const char *location,
                              const vgg_file **out)
{
    for (size_t i = 0; i < onnx->external_count; i++) {
        *out = onnx->external[i].file;
        if (strcmp(onnx->external[i].location, location) == 0)
            return CLVGG_STATUS_OK;
    }
    VGG_CHECK(leads_down(location), CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': its values lie in \"%.300s\", which isn't a path inside of the "
              "model's folder",
              tensor, location);
    VGG_CHECK(onnx->external_count < VGG_ONNX_MOST_EXTERNAL, CLVGG_STATUS_UNSUPPORTED,
              "its values lie in more than %d files", VGG_ONNX_MOST_EXTERNAL);
    vgg_onnx_external *next = &onnx->external[onnx->external_count];
    VGG_PASS(open_inside(onnx, tensor, location, &next->file));
    next->location = location;
    onnx->external_count++;
    *out = next->file;
    return CLVGG_STATUS_OK;
}

static bool read_number(const char *text, uint64_t *value)
{
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

clvgg_status vgg_onnx_external_find(vgg_onnx *onnx, const VggOnnx__Tensor *t, uint64_t bytes,
                                    vgg_onnx_tensor *out)
{
    const char *location = "";
    uint64_t offset = 0, length = bytes;
    bool numbers = true;
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = vgg_onnx_text(t->external_data[i]->key);
        const char *value = vgg_onnx_text(t->external_data[i]->value);
        if (strcmp(key, "location") == 0)
            location = value;
        else if (strcmp(key, "offset") == 0)
            numbers = read_number(value, &offset) && numbers;
        else if (strcmp(key, "length") == 0)
            numbers = read_number(value, &length) && numbers;
    }
    VGG_CHECK(numbers, CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': offset or length of its external values is no number", out->name);
    VGG_CHECK(length == bytes, CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': has %" PRIu64 " bytes outside, its shape asks for %" PRIu64,
              out->name, length, bytes);
    VGG_PASS(find_file(onnx, out->name, location, &out->file));
    const uint64_t size = vgg_file_size(out->file);
    VGG_CHECK(offset <= size && bytes <= size - offset, CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': its values are %" PRIu64 " bytes at %" PRIu64
              " of \"%.300s\", which has %" PRIu64,
              out->name, bytes, offset, location, size);
    out->offset = offset;
    out->skeleton = NULL;
    return CLVGG_STATUS_OK;
}

#else
typedef int vgg_onnx_external_is_absent; /* C wants something in every file */
#endif
