/* support/changed_kernels.h — the program's kernels in the scratch folder, with a mistake. */
#ifndef TEST_SUPPORT_CHANGED_KERNELS_H
#define TEST_SUPPORT_CHANGED_KERNELS_H

/* Writes all kernel sources; in the one named `file`, `wrong` takes the place of the first `right`,
 * which must be there. Returns "CLVGG_KERNEL_DIR=…" of the folder; valid until the next call. */
const char *changed_kernels_write(const char *file, const char *right, const char *wrong);
/* The same, and returns the folder. */
const char *changed_kernels_folder(const char *file, const char *right, const char *wrong);

#endif
