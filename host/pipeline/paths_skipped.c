/* pipeline/paths_skipped.c — counts the files that a walk passes over, by the endings of names. */
#include <ctype.h>
#include <string.h>

#include "pipeline/paths.h"

/* The ending in lower case; none where it is long or of other characters than letters and digits,
 * which makes it fit for terminals. */
static void find_ending(const char *name, char ending[VGG_ENDING_BYTES])
{
    const char *dot = strrchr(name, '.');
    size_t length = dot != NULL ? strlen(dot) : 0;
    memset(ending, 0, VGG_ENDING_BYTES);
    if (length < 2 || length >= VGG_ENDING_BYTES)
        return;
    for (size_t i = 1; i < length; i++)
        if (!isalnum((unsigned char)dot[i]) || (unsigned char)dot[i] > 127)
            return;
    for (size_t i = 0; i < length; i++)
        ending[i] = (char)tolower((unsigned char)dot[i]);
}

void vgg_path_skip(vgg_path_skipped *skipped, const char *name)
{
    char ending[VGG_ENDING_BYTES];
    size_t i = 0;
    find_ending(name, ending);
    skipped->count++;
    while (i < skipped->ending_count && strcmp(skipped->endings[i].ending, ending) != 0)
        i++;
    if (i == VGG_ENDINGS_MOST || ending[0] == '\0')
        return;
    skipped->ending_count += i == skipped->ending_count;
    memcpy(skipped->endings[i].ending, ending, sizeof ending);
    skipped->endings[i].count++;
}

void vgg_path_skipped_words(const vgg_path_skipped *skipped, vgg_text *words)
{
    bool said[VGG_ENDINGS_MOST] = {0};
    size_t rest = skipped->count;
    for (size_t n = 0; n < skipped->ending_count; n++) {
        size_t most = VGG_ENDINGS_MOST;
        for (size_t i = 0; i < skipped->ending_count; i++)
            if (!said[i] && (most == VGG_ENDINGS_MOST ||
                             skipped->endings[i].count > skipped->endings[most].count))
                most = i;
        said[most] = true;
        rest -= skipped->endings[most].count;
        vgg_text_printf(words, "%s%zu %s", n > 0 ? ", " : "", skipped->endings[most].count,
                        skipped->endings[most].ending);
    }
    if (rest > 0)
        vgg_text_printf(words, "%s%zu other%s", skipped->ending_count > 0 ? ", " : "", rest,
                        rest == 1 ? "" : "s");
}
