/* report/pocl_folder.c — see pocl_folder.h. */
#include "report/pocl_folder.h"

#include "base/pocl_folder.h"

clvgg_status vgg_report_pocl_folder(const char *xdg_cache_home, const char *home, bool *writable)
{
    const vgg_pocl_environment environment = {.xdg_cache_home = xdg_cache_home, .home = home};
    vgg_text path = {0};
    *writable = vgg_pocl_folder(&environment, &path);
    const clvgg_status status = vgg_text_check(&path, "the path of PoCL's folder");
    vgg_text_free(&path);
    return status;
}
