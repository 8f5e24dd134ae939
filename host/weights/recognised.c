/* weights/recognised.c — formats that aren't read: their rows are for the message that says what a
 * file is. */
#include <string.h>

#include "weights/format.h"

static bool begins_with(const vgg_candidate *candidate, const char *magic, size_t length)
{
    return candidate->bytes >= length && memcmp(candidate->head, magic, length) == 0;
}

static bool matches_zip(const vgg_candidate *candidate)
{
    return vgg_archive_matches(candidate->head, candidate->bytes);
}

static bool matches_npy(const vgg_candidate *candidate)
{
    return begins_with(candidate, "\x93NUMPY", 6);
}

const vgg_weights_format vgg_weights_zip = {
    .name = "a zip archive that holds weights of no known format",
    .matches = matches_zip,
#ifdef CLVGG_HAVE_ZIP
    .advice = "name the weights in it instead",
#else
    .needs = "libzip",
#endif
};
const vgg_weights_format vgg_weights_npy = {
    .name = "a single NumPy array (.npy)",
    .matches = matches_npy,
    .advice = "name the folder that holds an array for each tensor, or put them in one file by "
              "numpy.savez(\"vgg.npz\", **tensors)"};
