/* weights/identify.h — which format's a file or folder is; of weights.c and folder.c alone. */
#ifndef VGG_WEIGHTS_IDENTIFY_H
#define VGG_WEIGHTS_IDENTIFY_H

#include "weights/format.h"

/* Opens what lies at `path`, and asks the formats: fills in file, archive and format, which is NULL
 * where it is none's. Errors: NOT_FOUND, IO, BAD_FILE (a damaged zip, a pipe). */
clvgg_status vgg_weights_identify(vgg_weights *weights);

/* A folder is kept as `folder`; where one of its files stands for it, `path` becomes that file's.
 * Errors: UNSUPPORTED (there are several), BAD_FILE (there is none). */
clvgg_status vgg_weights_enter_folder(vgg_weights *weights);

#endif
