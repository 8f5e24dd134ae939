/* ocl/query.c — strings from drivers: any length, trimmed, printable. */
#include "ocl/query.h"

#include <string.h>

#include "base/alloc.h"

void vgg_clean_text(char *text, size_t capacity, const char *raw)
{
    static const char blanks[] = " \t\r\n";
    raw += strspn(raw, blanks);
    size_t length = strlen(raw);
    while (length > 0 && strchr(blanks, raw[length - 1]) != NULL)
        length--;
    if (length >= capacity)
        length = capacity - 1;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)raw[i];
        text[i] = c < 0x20 || c == 0x7F ? '?' : raw[i];
    }
    text[length] = '\0';
}

clvgg_status vgg_query_platform_name(cl_platform_id platform, char *name, size_t capacity)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *raw = NULL;
    size_t bytes = 0;
    VGG_CL(clGetPlatformInfo(platform, CL_PLATFORM_NAME, 0, NULL, &bytes));
    VGG_NEW(raw, bytes + 1);
    VGG_CL(clGetPlatformInfo(platform, CL_PLATFORM_NAME, bytes, raw, NULL));
    vgg_clean_text(name, capacity, raw);
cleanup:
    vgg_free(raw);
    return status;
}

clvgg_status vgg_query_raw_text(cl_device_id id, cl_device_info what, char **raw)
{
    clvgg_status status = CLVGG_STATUS_OK;
    size_t bytes = 0;
    *raw = NULL;
    VGG_CL(clGetDeviceInfo(id, what, 0, NULL, &bytes));
    VGG_NEW(*raw, bytes + 1);
    VGG_CL(clGetDeviceInfo(id, what, bytes, *raw, NULL));
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_free(*raw);
        *raw = NULL;
    }
    return status;
}

clvgg_status vgg_query_text(cl_device_id id, cl_device_info what, char *text, size_t capacity)
{
    char *raw = NULL;
    clvgg_status status = vgg_query_raw_text(id, what, &raw);
    if (status == CLVGG_STATUS_OK)
        vgg_clean_text(text, capacity, raw);
    vgg_free(raw);
    return status;
}
