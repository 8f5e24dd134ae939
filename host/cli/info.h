/* cli/info.h — what `clvgg info` gathered, and its two ways of printing it. */
#ifndef VGG_CLI_INFO_H
#define VGG_CLI_INFO_H

#include "clvgg/session.h"
#include "report/json.h"
#include "report/style.h"

typedef struct vgg_info {
    clvgg_model *model;
    const char *labels_path; /* label file in use, NULL: the model's own */
    clvgg_device *device;    /* NULL: no plan */
    clvgg_session *session;
    int batch; /* that the plan is for */
} vgg_info;

void vgg_info_print_text(const vgg_info *info, const vgg_style *style, vgg_text *text);
void vgg_info_print_json(const vgg_info *info, vgg_text *text);

#endif
