/* ocl/device_choose.c — from what a user types to one device of the list.
 *
 * A specification is tried as: nothing (the default), digits, P:D, a type, uuid:…, part of a
 * device's name, part of a platform's.
 * Every failure lists what there is to choose from.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ocl/device.h"

typedef struct request {
    const vgg_device_entry *entries;
    size_t count;
    const char *spec;
} request;

/* A filter for the entries that a listing shows. */
typedef bool filter_fn(const clvgg_device_info *info, const char *wanted);

static bool any(const clvgg_device_info *info, const char *wanted)
{
    (void)info;
    (void)wanted;
    return true;
}

static bool contains_ignoring_case(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text != '\0'; text++)
        if (strncasecmp(text, part, length) == 0)
            return true;
    return false;
}

static bool is_named(const clvgg_device_info *info, const char *wanted)
{
    return contains_ignoring_case(info->name, wanted);
}

static bool is_of_platform(const clvgg_device_info *info, const char *wanted)
{
    return contains_ignoring_case(info->platform, wanted);
}

static bool is_named_exactly(const clvgg_device_info *info, const char *wanted)
{
    return strcasecmp(info->name, wanted) == 0;
}

/* Case and dashes don't matter. */
static bool has_uuid(const clvgg_device_info *info, const char *wanted)
{
    const char *have = info->uuid;
    if (*have == '\0')
        return false;
    for (;; have++, wanted++) {
        have += strspn(have, "-");
        wanted += strspn(wanted, "-");
        if (tolower((unsigned char)*have) != tolower((unsigned char)*wanted))
            return false;
        if (*have == '\0')
            return true;
    }
}

static bool has_type(const clvgg_device_info *info, const char *wanted)
{
    static const char *const types[] = {"cpu", "gpu", "accelerator"};
    return info->type <= CLVGG_DEVICE_ACCELERATOR && strcasecmp(types[info->type], wanted) == 0;
}

/* Fails with "<problem>; <heading>: 0 'name' (platform); 1 …". */
static clvgg_status fail_with_list(const request *asked, clvgg_status code, const char *problem,
                                   const char *heading, filter_fn *shown, const char *wanted)
{
    vgg_text list = {0};
    for (size_t i = 0; i < asked->count; i++) {
        const clvgg_device_info *info = &asked->entries[i].info;
        if (!shown(info, wanted))
            continue;
        vgg_text_printf(&list, "%s%d '%s' (%s%s%s)", list.length > 0 ? "; " : "", info->index,
                        info->name, info->platform, info->usable ? "" : "; unusable: ",
                        info->usable ? "" : info->unusable_reason);
    }
    if (list.failed)
        code = CLVGG_STATUS_OUT_OF_MEMORY;
    else
        vgg_fail(code, "%s; %s: %s", problem, heading, list.bytes ? list.bytes : "none");
    vgg_text_free(&list);
    return code;
}

/* The only thing left to go wrong with a device that the user named: it can't be used. */
static clvgg_status accept(const request *asked, size_t found, size_t *index)
{
    const clvgg_device_info *info = &asked->entries[found].info;
    if (!info->usable)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "device %d '%s' (%s) can't be used: %s",
                        info->index, info->name, info->platform, info->unusable_reason);
    *index = found;
    return CLVGG_STATUS_OK;
}

static clvgg_status not_found(const request *asked)
{
    char problem[256];
    snprintf(problem, sizeof problem, "no device '%.200s'", asked->spec);
    return fail_with_list(asked, CLVGG_STATUS_NOT_FOUND, problem, "devices", any, NULL);
}

/* First usable GPU, else the first usable device. */
static clvgg_status choose_default(const request *asked, size_t *index)
{
    size_t first = asked->count;
    for (size_t i = 0; i < asked->count; i++) {
        const clvgg_device_info *info = &asked->entries[i].info;
        if (!info->usable)
            continue;
        if (info->type == CLVGG_DEVICE_GPU) {
            *index = i;
            return CLVGG_STATUS_OK;
        }
        if (first == asked->count)
            first = i;
    }
    if (first == asked->count)
        return fail_with_list(asked, CLVGG_STATUS_NO_DEVICE, "no usable OpenCL device", "devices",
                              any, NULL);
    *index = first;
    return CLVGG_STATUS_OK;
}

/* First usable device of a type; an unusable one of that type says why. */
static clvgg_status choose_type(const request *asked, size_t *index)
{
    size_t unusable = asked->count;
    for (size_t i = 0; i < asked->count; i++) {
        const clvgg_device_info *info = &asked->entries[i].info;
        if (!has_type(info, asked->spec))
            continue;
        if (info->usable) {
            *index = i;
            return CLVGG_STATUS_OK;
        }
        if (unusable == asked->count)
            unusable = i;
    }
    return unusable < asked->count ? accept(asked, unusable, index) : not_found(asked);
}

/* The one device that matches; among several, the one that can be used. */
static clvgg_status choose_matching(const request *asked, filter_fn *matches, const char *wanted,
                                    size_t *index)
{
    size_t found = asked->count, matching = 0, usable = 0;
    for (size_t i = 0; i < asked->count; i++) {
        const clvgg_device_info *info = &asked->entries[i].info;
        if (!matches(info, wanted))
            continue;
        if (matching++ == 0 || (info->usable && usable == 0))
            found = i;
        usable += info->usable != 0;
    }
    if (matching == 0)
        return not_found(asked);
    if (usable > 1) {
        char problem[256];
        snprintf(problem, sizeof problem, "device '%.200s' is ambiguous", asked->spec);
        return fail_with_list(asked, CLVGG_STATUS_INVALID_ARGUMENT, problem, "candidates", matches,
                              wanted);
    }
    return accept(asked, found, index);
}

/* A number of digits only, from `at` to `end`; -1 for one that no list reaches. */
static int parse_number(const char *at, const char *end)
{
    int number = 0;
    for (; at < end; at++) {
        if (number > 100000)
            return -1;
        number = number * 10 + (*at - '0');
    }
    return number;
}

/* "3" or "0:1". */
static clvgg_status choose_number(const request *asked, const char *colon, size_t *index)
{
    const char *end = asked->spec + strlen(asked->spec);
    int first = parse_number(asked->spec, colon ? colon : end);
    int second = colon ? parse_number(colon + 1, end) : 0;
    for (size_t i = 0; i < asked->count; i++) {
        const clvgg_device_info *info = &asked->entries[i].info;
        bool same = colon ? info->platform_index == first && info->device_index == second
                          : info->index == first;
        if (same)
            return accept(asked, i, index);
    }
    return not_found(asked);
}

/* Says whether the text is digits, or digits ':' digits; *colon is NULL or where it is. */
static bool is_number(const char *text, const char **colon)
{
    static const char digits[] = "0123456789";
    size_t first = strspn(text, digits);
    *colon = first > 0 && text[first] == ':' ? text + first : NULL;
    if (*colon == NULL)
        return first > 0 && text[first] == '\0';
    size_t second = strspn(*colon + 1, digits);
    return second > 0 && (*colon)[1 + second] == '\0';
}

static bool is_type(const char *text)
{
    return strcasecmp(text, "gpu") == 0 || strcasecmp(text, "cpu") == 0 ||
           strcasecmp(text, "accelerator") == 0;
}

clvgg_status vgg_device_choose(const vgg_device_entry *entries, size_t count, const char *spec,
                               size_t *index)
{
    request asked = {entries, count, spec};
    const char *colon = NULL;
    *index = 0;
    if (count == 0)
        return vgg_device_fail_without();
    if (spec == NULL || spec[0] == '\0')
        return choose_default(&asked, index);
    if (is_number(spec, &colon))
        return choose_number(&asked, colon, index);
    if (is_type(spec))
        return choose_type(&asked, index);
    if (strncasecmp(spec, "uuid:", 5) == 0)
        return choose_matching(&asked, has_uuid, spec + 5, index);
    for (size_t i = 0; i < count; i++)
        if (is_named_exactly(&entries[i].info, spec))
            return choose_matching(&asked, is_named_exactly, spec, index);
    for (size_t i = 0; i < count; i++)
        if (is_named(&entries[i].info, spec))
            return choose_matching(&asked, is_named, spec, index);
    return choose_matching(&asked, is_of_platform, spec, index);
}
