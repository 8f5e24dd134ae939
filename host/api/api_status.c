/* api/api_status.c — implements clvgg/status.h. */
#include "base/status.h"

#define STRING(x) #x
#define VERSION_TEXT(major, minor, patch) STRING(major) "." STRING(minor) "." STRING(patch)

const char *clvgg_status_name(clvgg_status status)
{
    return vgg_status_name(status);
}

const char *clvgg_status_message(void)
{
    return vgg_message();
}

const char *clvgg_version(void)
{
    return VERSION_TEXT(CLVGG_VERSION_MAJOR, CLVGG_VERSION_MINOR, CLVGG_VERSION_PATCH);
}
