/* pipeline/budget_decode.c — see budget_decode.h. */
#include "pipeline/budget_decode.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/pipe.h"

/* Bytes for the file's content, its decoding and its preparation. */
static clvgg_status measure(const uint8_t *bytes, size_t size, const char *path,
                            const clvgg_preprocess *preprocess, uint64_t *needed)
{
    vgg_image_cost cost;
    VGG_PASS(vgg_image_measure(bytes, size, path, &cost));
    *needed =
        size + cost.decode_bytes + (uint64_t)cost.longest_side * (uint64_t)preprocess->width * 3;
    if (preprocess->channels == 1) /* a copy in grey */
        *needed += cost.decode_bytes;
    return CLVGG_STATUS_OK;
}

/* The file's content, once the budget covers it, its decoding and its preparation: *held bytes of
 * the budget are the caller's to give back, on failure too. */
static clvgg_status read_within_budget(vgg_budget *budget, const char *path,
                                       const clvgg_preprocess *preprocess, uint8_t **out_bytes,
                                       size_t *out_size, uint64_t *held)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_file *file = NULL;
    uint8_t *bytes = NULL;
    VGG_TRY(vgg_file_open(path, &file));
    uint64_t size = vgg_file_size(file);
    VGG_REQUIRE(size <= VGG_IMAGE_FILE_BYTES_MAX, CLVGG_STATUS_BAD_FILE,
                "%s: %llu bytes, too large for an image file", path, (unsigned long long)size);
    uint64_t needed = size;
    for (;;) {
        vgg_budget_take(budget, needed);
        *held = needed;
        VGG_NEW(bytes, (size_t)size);
        VGG_TRY(vgg_file_read(file, 0, bytes, (size_t)size));
        VGG_TRY(measure(bytes, (size_t)size, path, preprocess, &needed));
        if (needed <= *held)
            break;
        if (vgg_budget_grow(budget, *held, needed - *held)) {
            *held = needed;
            break;
        }
        /* Holding on while waiting could block everyone: let go, and come back for the whole. */
        vgg_free(bytes);
        bytes = NULL;
        vgg_budget_give_back(budget, *held);
        *held = 0;
    }
    *out_bytes = bytes;
    *out_size = (size_t)size;
    bytes = NULL;
cleanup:
    vgg_free(bytes);
    vgg_file_close(file);
    return status;
}

/* Reads a pipe within the budget: it tells its size, and its picture's, only once it has been read.
 */
static clvgg_status read_pipe_within_budget(vgg_budget *budget, const char *path,
                                            const clvgg_preprocess *preprocess, uint8_t **bytes,
                                            size_t *size, uint64_t *held)
{
    uint64_t needed = 0;
    VGG_PASS(vgg_pipe_read_all(path, VGG_IMAGE_FILE_BYTES_MAX, bytes, size));
    VGG_PASS(measure(*bytes, *size, path, preprocess, &needed));
    vgg_budget_take(budget, needed);
    *held = needed;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_budget_decode(vgg_budget *budget, const char *path,
                               const clvgg_preprocess *preprocess, clvgg_image **image,
                               uint64_t *held)
{
    clvgg_status status = CLVGG_STATUS_OK;
    uint8_t *bytes = NULL;
    size_t size = 0;
    VGG_TRY((vgg_pipe_is_at(path) ? read_pipe_within_budget : read_within_budget)(
        budget, path, preprocess, &bytes, &size, held));
    VGG_TRY(vgg_image_decode(bytes, size, path, image));
cleanup:
    vgg_free(bytes);
    return status;
}
