/* tests/support/files.c — a folder of its own for a test program, and whole files. */
#include "support/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[200];

static void die(const char *path)
{
    perror(path);
    abort();
}

/* Number of entries of the folder. */
static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *stream = opendir(path);
    if (stream == NULL)
        die(path);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

void remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        die(path);
    if (S_ISDIR(info.st_mode)) {
        DIR *stream = opendir(path);
        if (stream == NULL)
            die(path);
        for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
            char inner[1024];
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                remove_tree(inner);
        }
        closedir(stream);
    }
    if (remove(path) != 0)
        die(path);
}

int temp_folder_setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.150s/clvgg-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

int temp_folder_teardown(void **state)
{
    (void)state;
    remove_tree(folder);
    return 0;
}

const char *temp_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

size_t temp_file_count(void)
{
    return count_entries(folder);
}

unsigned file_mode(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        die(path);
    return info.st_mode & 07777;
}

bool file_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

void file_write(const char *path, const void *data, size_t bytes)
{
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || (bytes > 0 && fwrite(data, bytes, 1, stream) != 1) || fclose(stream) != 0)
        die(path);
}

char *file_read(const char *path, size_t *bytes)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
        die(path);
    long size = ftell(stream);
    char *data = calloc((size_t)size + 1, 1);
    rewind(stream);
    if (data == NULL || (size > 0 && fread(data, (size_t)size, 1, stream) != 1))
        die(path);
    fclose(stream);
    *bytes = (size_t)size;
    return data;
}

void file_write_deep(const char *path, const void *data, size_t bytes)
{
    char folders[1024];
    snprintf(folders, sizeof folders, "%s", path);
    for (char *slash = folders + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        mkdir(folders, 0777); /* file_write() says what is missing */
    }
    file_write(path, data, bytes);
}
