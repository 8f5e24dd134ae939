/* weights/identify.c — see identify.h. The formats' rows are asked in order; the first that knows
 * the content has it.
 */
#include "weights/identify.h"

#define FORMAT_ADDRESS(name) &vgg_weights_##name,
static const vgg_weights_format *const formats[] = {VGG_WEIGHTS_FORMATS(FORMAT_ADDRESS)};

clvgg_status vgg_weights_identify(vgg_weights *weights)
{
    vgg_candidate candidate = {.path = weights->path};
    if (!vgg_file_is_folder(weights->path)) {
        VGG_PASS(vgg_file_open(weights->path, &weights->file));
        const uint64_t size = vgg_file_size(weights->file);
        candidate.bytes = size < sizeof candidate.head ? (size_t)size : sizeof candidate.head;
        candidate.file = weights->file;
        VGG_PASS(vgg_file_read(weights->file, 0, candidate.head, candidate.bytes));
        if (vgg_archive_matches(candidate.head, candidate.bytes))
            VGG_PASS(vgg_archive_open(weights->file, &weights->archive));
        candidate.archive = weights->archive;
    }
    for (size_t i = 0; weights->format == NULL && i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->matches(&candidate))
            weights->format = formats[i];
    return CLVGG_STATUS_OK;
}

const char *vgg_weights_format_at(size_t index, bool *reads, const char **needs)
{
    if (index >= sizeof formats / sizeof *formats)
        return NULL;
    *needs = formats[index]->needs;
    *reads = formats[index]->open != NULL;
    return formats[index]->name;
}

const char *vgg_weights_format_advice(size_t index)
{
    return formats[index]->advice;
}
