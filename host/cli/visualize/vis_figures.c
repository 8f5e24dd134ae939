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
    const char *figure = path + out;
    const char *sheet = cli_vis_sheet_path(vis, figure);
    if (sheet == NULL) /* why has been said */
        return vgg_fail(CLVGG_STATUS_IO, "%s: its pictures can't be written for the page", figure);
    vgg_text *page = &vis->page;
    vgg_text_append(page, figure, strlen(figure) + 1);
    vgg_text_append(page, sheet + out, strlen(sheet + out) + 1);
    const clvgg_status status = grid != NULL
                                    ? vgg_page_grid(vis->run.runtime, sheet, grid, page)
                                    : vgg_page_panels(vis->run.runtime, sheet, panels, page);
    vgg_text_append(page, "", 1);
    vis->page_count++;
    return status;
}

clvgg_status cli_vis_grid(cli_vis *vis, const char *path, const vgg_grid *grid)
{
    const clvgg_status status = vgg_figure_grid(path, grid);
    return status == CLVGG_STATUS_OK && vis->for_page ? keep(vis, path, grid, NULL) : status;
}

clvgg_status cli_vis_panels(cli_vis *vis, const char *path, const vgg_panels *panels)
{
    const clvgg_status status = vgg_figure_panels(path, panels);
    return status == CLVGG_STATUS_OK && vis->for_page ? keep(vis, path, NULL, panels) : status;
}
