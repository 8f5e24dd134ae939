/* support/changed_kernels.h — the program's kernels in the scratch folder, with a mistake. */
#ifndef TEST_SUPPORT_CHANGED_KERNELS_H
#define TEST_SUPPORT_CHANGED_KERNELS_H

/* Writes all kernel sources; in the one named `file`, `wrong` takes the place of what `right`
 * begins with, which must be there once at least. Returns "CLVGG_KERNEL_DIR=…" of the folder; valid
 * until the next call. */
const char *changed_kernels_write(const char *file, const char *right, const char *wrong);

#endif
