/* cli/devices/scrub.c — takes paths, then names of users and hosts, out of a report's strings.
 * Paths come first, since a path that is shortened takes the names in it along. */
#define _DEFAULT_SOURCE /* gethostname */
#include "cli/devices/scrub.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Folders that every system has: their paths say nothing about the user. */
static const char *const public_folders[] = {
    "/bin/",  "/dev/", "/etc/", "/lib/",        "/lib32/",     "/lib64/",      "/proc/",
    "/sbin/", "/sys/", "/usr/", "/opt/amdgpu/", "/opt/intel/", "/opt/nvidia/", "/opt/rocm"};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Learns a name that is to be hidden, unless it is one that every system has. */
static void learn_word(cli_scrub *scrub, const char *word, const char *shown)
{
    if (word == NULL || word[0] == '\0' || strcmp(word, "root") == 0 ||
        strcmp(word, "localhost") == 0 || scrub->word_count == CLI_SCRUB_WORDS)
        return;
    cli_scrub_word *next = &scrub->words[scrub->word_count++];
    next->shown = shown;
    snprintf(next->word, sizeof next->word, "%s", word);
}

void cli_scrub_learn(cli_scrub *scrub, const cli_program *cli)
{
    char host[256] = "";
    const struct passwd *user = getpwuid(geteuid());
    scrub->home = cli->home;
    learn_word(scrub, getenv("USER"), "(user)");
    learn_word(scrub, getenv("LOGNAME"), "(user)");
    learn_word(scrub, getenv("SUDO_USER"), "(user)");
    learn_word(scrub, user != NULL ? user->pw_name : NULL, "(user)");
    if (gethostname(host, sizeof host - 1) == 0) {
        learn_word(scrub, host, "(host)");
        host[strcspn(host, ".")] = '\0';
        learn_word(scrub, host, "(host)");
    }
}

static bool is_public(const char *path)
{
    for (size_t i = 0; i < sizeof public_folders / sizeof *public_folders; i++)
        if (begins(path, public_folders[i]))
            return strstr(path, "/../") == NULL;
    return false;
}

/* Appends a path of `length` bytes without what identifies the user: the home becomes ~, folders
 * between it, or /, and the last name become "...". */
static void append_path(const cli_scrub *scrub, const char *path, size_t length, vgg_text *text)
{
    const size_t home = scrub->home != NULL ? strlen(scrub->home) : 0;
    const char *slash = path;
    for (size_t i = 0; i + 1 < length; i++)
        slash = path[i] == '/' ? path + i : slash;
    if (is_public(path)) {
        vgg_text_append(text, path, length);
        return;
    }
    const bool in_home = home > 1 && length >= home && strncmp(path, scrub->home, home) == 0 &&
                         (length == home || path[home] == '/');
    if (in_home && slash < path + home) /* the path is the home itself */
        vgg_text_puts(text, "~");
    else if (slash > path) { /* names directly in / are no secret */
        vgg_text_puts(text, in_home ? slash == path + home ? "~" : "~/..." : "...");
        vgg_text_append(text, slash, length - (size_t)(slash - path));
    } else
        vgg_text_append(text, path, length);
}

/* The learned word that begins at `at`, or NULL. */
static const cli_scrub_word *find_word(const cli_scrub *scrub, const char *begin, const char *at)
{
    if (at > begin && is_letter(at[-1]))
        return NULL;
    for (size_t i = 0; i < scrub->word_count; i++) {
        const cli_scrub_word *word = &scrub->words[i];
        if (begins(at, word->word) && !is_letter(at[strlen(word->word)]))
            return word;
    }
    return NULL;
}

/* Bytes of the path that a text goes on with. The home is known, whatever is in its name. */
static size_t path_length(const cli_scrub *scrub, const char *at)
{
    static const char ends[] = " \t\n\"'`()[]{}<>,:;=";
    const size_t home = scrub->home != NULL && begins(at, scrub->home) ? strlen(scrub->home) : 0;
    return home + strcspn(at + home, ends);
}

/* Appends the string with paths scrubbed. Names of users and hosts stay in it, as they may be part
 * of a path's last name. */
static void append_paths(const cli_scrub *scrub, const char *string, vgg_text *text)
{
    for (const char *at = string; *at != '\0';) {
        const bool begins_here =
            at == string || (!is_letter(at[-1]) && strchr("/.~", at[-1]) == NULL);
        if (at[0] == '/' && at[1] != '/' && at[1] != '\0' && begins_here) {
            const size_t length = path_length(scrub, at);
            append_path(scrub, at, length, text);
            at += length;
        } else {
            vgg_text_append(text, at++, 1);
        }
    }
}

static void append_words(const cli_scrub *scrub, const char *string, vgg_text *text)
{
    for (const char *at = string; *at != '\0';) {
        const cli_scrub_word *word = find_word(scrub, string, at);
        if (word != NULL)
            vgg_text_puts(text, word->shown);
        else
            vgg_text_append(text, at, 1);
        at += word != NULL ? strlen(word->word) : 1;
    }
}

static void append_with(const cli_scrub *scrub, const char *string, bool one_path, vgg_text *text)
{
    vgg_text paths = {0};
    if (one_path && string[0] == '/')
        append_path(scrub, string, strlen(string), &paths);
    else
        append_paths(scrub, string, &paths);
    if (paths.bytes != NULL)
        append_words(scrub, paths.bytes, text);
    text->failed |= paths.failed;
    vgg_text_free(&paths);
}

void cli_scrub_append(const cli_scrub *scrub, const char *string, vgg_text *text)
{
    append_with(scrub, string, false, text);
}

void cli_scrub_without(const cli_scrub *scrub, const char *string, const char *const *paths,
                       size_t count, vgg_text *text)
{
    vgg_text shown = {0};
    while (*string != '\0') {
        size_t length = 1;
        const char *last = NULL;
        for (size_t i = 0; i < count && last == NULL; i++) {
            last = paths[i] != NULL && begins(string, paths[i]) ? strrchr(paths[i], '/') : NULL;
            length = last != NULL ? strlen(paths[i]) : 1;
        }
        vgg_text_append(&shown, last != NULL ? last + 1 : string,
                        last != NULL ? strlen(last + 1) : 1);
        string += length;
    }
    cli_scrub_append(scrub, vgg_text_string(&shown), text);
    text->failed |= shown.failed;
    vgg_text_free(&shown);
}

void cli_scrub_path(const cli_scrub *scrub, const char *path, vgg_text *text)
{
    append_with(scrub, path, true, text);
}
