/* base/pocl_folder.c — follows PoCL's own rule (POCL_CACHE_DIR, XDG_CACHE_HOME, HOME, /tmp) and
 * asks the file system. */
#include "base/pocl_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

/* Says whether the folder can be made or written to, by its nearest existing parent. Cuts `path`
 * meanwhile. */
static bool can_be_made(char *path)
{
    struct stat info;
    while (stat(path, &info) != 0) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT || slash == NULL)
            return false;
        slash[slash == path] = '\0';
    }
    return S_ISDIR(info.st_mode) && access(path, W_OK | X_OK) == 0;
}

bool vgg_pocl_folder(const vgg_pocl_environment *environment, vgg_text *path)
{
    vgg_text copy = {0};
    if (is_set(environment->pocl_cache_dir))
        vgg_text_puts(&copy, environment->pocl_cache_dir);
    else if (is_set(environment->xdg_cache_home))
        vgg_text_printf(&copy, "%s/pocl/kcache", environment->xdg_cache_home);
    else if (is_set(environment->home))
        vgg_text_printf(&copy, "%s/.cache/pocl/kcache", environment->home);
    else
        vgg_text_puts(&copy, "/tmp/pocl/kcache");
    vgg_text_join(path, &copy);
    const bool good = !copy.failed && can_be_made(copy.bytes);
    vgg_text_free(&copy);
    return good;
}
