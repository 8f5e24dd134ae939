/* report/picture.h — what can be said about a picture before there is anything to draw. */
#ifndef VGG_REPORT_PICTURE_H
#define VGG_REPORT_PICTURE_H

#include "base/status.h"

/* Checks that a picture can be written under this name. Errors: UNSUPPORTED (built without Cairo),
 * INVALID_ARGUMENT (neither .png, .svg nor .pdf). */
clvgg_status vgg_picture_check(const char *path);

#endif
