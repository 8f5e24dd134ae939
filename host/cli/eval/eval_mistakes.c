/* cli/eval/eval_mistakes.c — the most confident mistakes as a contact sheet. */
#include <math.h>
#include <stdio.h>

#include "cli/eval/eval.h"
#include "report/thumbnail.h"

/* The whole photograph, as large as a cell allows, as 8-bit RGB; to be freed. */
static clvgg_status make_thumbnail(const cli_run *run, const char *path, uint8_t **out, int *width,
                                   int *height)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image *image = NULL;
    uint8_t *rgb = NULL;
    VGG_TRY(clvgg_image_read(run->context.runtime, path, &image));
    const double across = clvgg_image_width(image), down = clvgg_image_height(image);
    const double scale = fmin(VGG_CONTACT_WIDTH / across, VGG_CONTACT_HEIGHT / down);
    *width = (int)fmax(1, floor(across * scale + 0.001));
    *height = (int)fmax(1, floor(down * scale + 0.001));
    VGG_MEMORY_NEW(rgb, 3 * (size_t)*width * (size_t)*height, "a small picture");
    VGG_TRY(vgg_thumbnail_pixels(image, *width, *height, rgb));
    VGG_GIVE(out, rgb);
cleanup:
    vgg_memory_free(rgb);
    clvgg_image_free(image);
    return status;
}

clvgg_status cli_eval_draw_mistakes(cli_eval *eval)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_run *run = &eval->run;
    vgg_contact_cell cells[VGG_CONTACT_MOST_CELLS];
    uint8_t *thumbnails[VGG_CONTACT_MOST_CELLS];
    size_t count = 0;
    char title[160];
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    clvgg_evaluation_summarize(eval->evaluation, &summary);
    uint64_t wrong = summary.images;
    for (size_t i = 0; i < run->ranked_count; i++)
        wrong -= clvgg_evaluation_confusion(eval->evaluation, i, i);
    for (size_t i = 0; i < eval->mistake_count; i++) {
        const cli_mistake *mistake = &eval->mistakes[i];
        vgg_contact_cell cell = {.file = eval->paths[mistake->item],
                                 .truth = cli_run_name(run, cli_eval_truth(eval, mistake->item)),
                                 .predicted = cli_run_name(run, mistake->predicted),
                                 .probability = (double)mistake->probability};
        status =
            make_thumbnail(run, cell.file, &thumbnails[count], &cell.width, &cell.height);
        if (status == CLVGG_STATUS_OUT_OF_MEMORY)
            goto cleanup;
        if (status == CLVGG_STATUS_OK) { /* else it can't be read any more */
            cell.rgb = thumbnails[count];
            cells[count++] = cell;
        }
    }
    snprintf(title, sizeof title, "%llu of %llu %s taken for another class%s",
             (unsigned long long)wrong, (unsigned long long)summary.images,
             vgg_plural(summary.images, "image", "images"),
             count > 0 ? ", the most confident first" : "");
    VGG_TRY(vgg_contact_sheet_write(eval->arguments->mistakes, title, cells, count));
cleanup:
    for (size_t i = 0; i < count; i++)
        vgg_memory_free(thumbnails[i]);
    return status;
}
