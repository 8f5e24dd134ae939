/* tests/support/files.h — a folder of its own for a test program, and whole files. */
#ifndef TEST_SUPPORT_FILES_H
#define TEST_SUPPORT_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* cmocka group fixtures: make the folder, remove it with all it holds. */
int temp_folder_setup(void **state);
int temp_folder_teardown(void **state);
/* "<folder>/name"; the text stays valid for the next seven calls. */
const char *temp_path(const char *name);
/* Number of files in the folder, hidden ones included. */
size_t temp_file_count(void);

/* Permissions; aborts when there is no such file. Links aren't followed. */
unsigned file_mode(const char *path);
bool file_exists(const char *path);

/* Both abort when the file can't be written or read; the content has a NUL behind it. */
void file_write(const char *path, const void *data, size_t bytes);
/* Writes a file and makes the folders that lie between. */
void file_write_deep(const char *path, const void *data, size_t bytes);
/* A file, a link, or a folder with all it holds. */
void remove_tree(const char *path);
char *file_read(const char *path, size_t *bytes);

#endif
