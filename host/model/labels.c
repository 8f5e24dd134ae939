/* model/labels.c — class names; see labels.h. Reading them from JSON is in metadata_json.c. */
#include "model/labels.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

#define MAX_FILE_BYTES ((uint64_t)64 << 20)

void vgg_labels_free(char **labels, size_t count)
{
    for (size_t i = 0; labels != NULL && i < count; i++)
        vgg_free(labels[i]);
    vgg_free(labels);
}

clvgg_status vgg_labels_generate(size_t count, char ***out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char **labels = NULL;
    *out = NULL;
    VGG_REQUIRE(count <= VGG_MAX_CLASSES, CLVGG_STATUS_UNSUPPORTED, "%zu classes, at most %zu",
                count, VGG_MAX_CLASSES);
    VGG_NEW(labels, count);
    for (size_t i = 0; i < count; i++) {
        char label[32];
        snprintf(label, sizeof label, "class %zu", i);
        VGG_DUP(labels[i], label);
    }
    VGG_GIVE(out, labels);
cleanup:
    vgg_labels_free(labels, count);
    return status;
}

clvgg_status vgg_labels_copy(const char *const *source, size_t count, char ***out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char **labels = NULL;
    *out = NULL;
    VGG_NEW(labels, count);
    for (size_t i = 0; i < count; i++) {
        VGG_REQUIRE(source[i] != NULL && strlen(source[i]) <= VGG_MAX_LABEL_BYTES,
                    CLVGG_STATUS_INVALID_ARGUMENT, "label %zu is NULL or longer than %d bytes", i,
                    VGG_MAX_LABEL_BYTES);
        VGG_DUP(labels[i], source[i]);
    }
    VGG_GIVE(out, labels);
cleanup:
    vgg_labels_free(labels, count);
    return status;
}

/* Number of lines; a newline at the very end begins none. */
static size_t count_lines(const char *text, size_t size)
{
    size_t lines = size > 0 && text[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

clvgg_status vgg_labels_read_file(const char *path, size_t count, char ***out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    char **labels = NULL;
    size_t size = 0;
    *out = NULL;
    VGG_TRY(vgg_file_read_text(path, MAX_FILE_BYTES, &bytes, &size));
    const char *at = (const char *)bytes, *end = at + size;
    VGG_REQUIRE(memchr(at, '\0', size) == NULL, CLVGG_STATUS_BAD_FILE,
                "%s: has a NUL byte: not a text file of labels", path);
    size_t lines = count_lines(at, size);
    VGG_REQUIRE(lines == count, CLVGG_STATUS_BAD_FILE, "%s: %zu label%s, the model has %zu class%s",
                path, lines, lines == 1 ? "" : "s", count, count == 1 ? "" : "es");
    VGG_NEW(labels, count);
    for (size_t i = 0; i < count; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        size_t length = (size_t)(stop - at);
        if (length > 0 && at[length - 1] == '\r')
            length--;
        VGG_REQUIRE(length <= VGG_MAX_LABEL_BYTES, CLVGG_STATUS_BAD_FILE,
                    "%s: line %zu has %zu bytes, a label at most %d", path, i + 1, length,
                    VGG_MAX_LABEL_BYTES);
        labels[i] = vgg_strndup(at, length);
        if (labels[i] == NULL) {
            status = CLVGG_STATUS_OUT_OF_MEMORY;
            goto cleanup;
        }
        at = newline != NULL ? newline + 1 : end;
    }
    VGG_GIVE(out, labels);
cleanup:
    vgg_labels_free(labels, count);
    vgg_free(bytes);
    return status;
}

void vgg_labels_write_json(char *const *labels, size_t count, vgg_text *text)
{
    for (size_t i = 0; i < count; i++) {
        vgg_text_puts(text, i == 0 ? "[" : ", ");
        vgg_text_json_string(text, labels[i]);
    }
    vgg_text_puts(text, count == 0 ? "[]" : "]");
}
