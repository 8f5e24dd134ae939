/* support/guarded.h — device memory between guards: kernels that read them get NaNs, and marks in
 * them must stay as they are. Begins at an odd offset. */
#ifndef TEST_SUPPORT_GUARDED_H
#define TEST_SUPPORT_GUARDED_H

#include "ocl/args.h"
#include "support/device.h"

/* A buffer of `words` between guards, holding `data` or, when NULL, the mark. Its memory is the
 * caller's to release. */
vgg_buffer guarded(test_device *device, const void *data, size_t words);
/* Reads the words between the guards, which must be as they were. */
void read_guarded(test_device *device, vgg_buffer buffer, void *data, size_t words);

#endif
