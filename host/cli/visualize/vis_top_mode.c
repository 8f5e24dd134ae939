/* cli/visualize/vis_top_mode.c — in which ways the units of a layer are projected back. */
#include "cli/visualize/vis_top.h"

static const char *const names[] = {"deconv", "guided", "gradient"};
static const char *const titles[] = {"deconvolution", "guided backpropagation", "gradient"};

const char *cli_projection_name(clvgg_projection mode)
{
    return names[mode];
}

const char *cli_projection_title(clvgg_projection mode)
{
    return titles[mode];
}

size_t cli_top_modes_of(cli_top_mode asked, const clvgg_receptive_field *field,
                        clvgg_projection modes[VGG_MANIFEST_MODES])
{
    enum { MOST_STRIDE = 2 };
    const bool shallow = field->stride[0] <= MOST_STRIDE;
    modes[0] = asked >= CLI_TOP_DECONV ? (clvgg_projection)(asked - CLI_TOP_DECONV)
               : shallow               ? CLVGG_PROJECTION_DECONV
                                       : CLVGG_PROJECTION_GUIDED;
    modes[1] = shallow ? CLVGG_PROJECTION_GUIDED : CLVGG_PROJECTION_DECONV;
    return asked == CLI_TOP_BOTH ? 2 : 1;
}
