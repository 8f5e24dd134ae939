/* cli/visualize/vis_figures.c — figures drawn as files and, for `visualize all`, once
 * more for its page. */
#include <string.h>

#include "cli/visualize/visualize.h"
#include "report/page_figure.h"

/* Remembers a figure for the page: its file, its sheet and what is to be read, as one record. */
static clvgg_status keep(cli_vis *vis, const char *path, const vgg_grid *grid,
                         const vgg_panels *panels)
{
    const size_t out = strlen(vis->arguments->out) + 1;
    const char *figure = path + out, *sheet = NULL;
    vgg_text *page = &vis->page;
    VGG_PASS(cli_vis_sheet_path(vis, figure, &sheet));
    vgg_text_append(page, figure, strlen(figure) + 1);
    vgg_text_append(page, sheet + out, strlen(sheet + out) + 1);
    const clvgg_status status = grid != NULL
                                    ? vgg_page_grid(vis->context.runtime, sheet, grid, page)
                                    : vgg_page_panels(vis->context.runtime, sheet, panels, page);
    vgg_text_append(page, "", 1);
    vis->page_count++;
    return status;
}

clvgg_status cli_vis_grid(cli_vis *vis, const char *path, const vgg_grid *grid)
{
    VGG_PASS(vgg_figure_grid(path, grid));
    if (vis->for_page)
        VGG_PASS(keep(vis, path, grid, NULL));
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_panels(cli_vis *vis, const char *path, const vgg_panels *panels)
{
    VGG_PASS(vgg_figure_panels(path, panels));
    if (vis->for_page)
        VGG_PASS(keep(vis, path, NULL, panels));
    return CLVGG_STATUS_OK;
}
