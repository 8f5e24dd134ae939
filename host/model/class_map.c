/* model/class_map.c — see class_map.h. A line is checked whole before the next is looked at, so
 * that every message has its number. */
#include "model/class_map.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "model/labels.h"

static const uint64_t most_bytes = 16 << 20;
static const char other_name[] = "other";

/* State of reading a map's file. */
typedef struct reader {
    const char *path;
    size_t line; /* from 1 on */
    const char *const *labels;
    const char *const **sorted; /* pointers into labels; NULL until a label is looked for */
    size_t class_count;
    struct claim {
        size_t group, line; /* line 0: in no group yet */
    } * claims;             /* [class_count] */
    char **names;           /* room for the most groups */
    size_t group_count;
} reader;

#define REQUIRE_ON_LINE(condition, format, ...)                                                    \
    VGG_CHECK(condition, CLVGG_STATUS_BAD_FILE, "%s: line %zu: " format, r->path, r->line,         \
              __VA_ARGS__)

static int by_label(const void *left, const void *right)
{
    const char *const *a = *(const char *const *const *)left;
    const char *const *b = *(const char *const *const *)right;
    const int order = strcmp(*a, *b);
    return order != 0 ? order : (a > b) - (a < b);
}

static clvgg_status sort_labels(reader *r)
{
    VGG_NEW_PASS(r->sorted, r->class_count);
    for (size_t i = 0; i < r->class_count; i++)
        r->sorted[i] = &r->labels[i];
    qsort(r->sorted, r->class_count, sizeof *r->sorted, by_label);
    return CLVGG_STATUS_OK;
}

static clvgg_status find_label(reader *r, const char *label, size_t *index)
{
    if (r->sorted == NULL)
        VGG_PASS(sort_labels(r));
    size_t low = 0, high = r->class_count; /* the first that isn't below */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(*r->sorted[middle], label) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    REQUIRE_ON_LINE(low < r->class_count && strcmp(*r->sorted[low], label) == 0,
                    "the model has no class '%s'", label);
    *index = (size_t)(r->sorted[low] - r->labels);
    REQUIRE_ON_LINE(low + 1 == r->class_count || strcmp(*r->sorted[low + 1], label) != 0,
                    "classes %zu and %zu are both called '%s': give an index", *index,
                    (size_t)(r->sorted[low + 1] - r->labels), label);
    return CLVGG_STATUS_OK;
}

/* Digits at *at as a number, too large ones as SIZE_MAX; moves behind them. False without any. */
static bool read_digits(const char **at, size_t *number)
{
    const char *digits = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        const size_t digit = (size_t)(**at - '0');
        *number = *number > (SIZE_MAX - digit) / 10 ? SIZE_MAX : *number * 10 + digit;
    }
    return *at > digits;
}

/* An index, a range of them or a label as the classes from *first to *last. */
static clvgg_status read_classes(reader *r, const char *text, size_t *first, size_t *last)
{
    const char *at = text;
    bool number = read_digits(&at, first);
    *last = *first;
    if (number && *at == '-') {
        at++;
        number = read_digits(&at, last);
    }
    if (!number || *at != '\0') {
        VGG_PASS(find_label(r, text, first));
        *last = *first;
    }
    REQUIRE_ON_LINE(*first <= *last, "the range %s runs backwards", text);
    REQUIRE_ON_LINE(*last < r->class_count, "class %s: the model's go from 0 to %zu", text,
                    r->class_count - 1);
    return CLVGG_STATUS_OK;
}

/* Lines of a group mostly follow each other. */
static clvgg_status find_group(reader *r, const char *name, size_t *group)
{
    for (size_t g = r->group_count; g-- > 0;)
        if (strcmp(r->names[g], name) == 0) {
            *group = g;
            return CLVGG_STATUS_OK;
        }
    REQUIRE_ON_LINE(strlen(name) <= VGG_MAX_LABEL_BYTES, "a group's name has at most %d bytes",
                    VGG_MAX_LABEL_BYTES);
    REQUIRE_ON_LINE(strcmp(name, other_name) != 0,
                    "'%s' is the name of what is in no group: leave these classes out", other_name);
    REQUIRE_ON_LINE(r->group_count < CLVGG_CLASS_MAP_MOST_GROUPS, "more than %d groups",
                    CLVGG_CLASS_MAP_MOST_GROUPS);
    r->names[r->group_count] = vgg_strdup(name);
    if (r->names[r->group_count] == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    *group = r->group_count++;
    return CLVGG_STATUS_OK;
}

/* `line` is NUL-terminated, and cut in two here. */
static clvgg_status read_line(reader *r, char *line)
{
    size_t first = 0, last = 0, group = 0;
    char *tab = strchr(line, '\t');
    if (line[0] == '\0' || line[0] == '#')
        return CLVGG_STATUS_OK;
    REQUIRE_ON_LINE(tab != NULL, "needs a group, a tab and a class, has '%.80s'", line);
    *tab = '\0';
    const char *classes = tab + 1;
    REQUIRE_ON_LINE(line[0] != '\0', "no group before the tab, for class '%.80s'", classes);
    REQUIRE_ON_LINE(classes[0] != '\0', "group '%.80s' is given no class", line);
    REQUIRE_ON_LINE(strchr(classes, '\t') == NULL, "a second tab, behind group '%.80s'", line);
    VGG_PASS(read_classes(r, classes, &first, &last));
    VGG_PASS(find_group(r, line, &group));
    for (size_t i = first; i <= last; i++) {
        struct claim *claim = &r->claims[i];
        REQUIRE_ON_LINE(claim->line == 0, "class %zu ('%s') is in group '%s' already, by line %zu",
                        i, r->labels[i], r->names[claim->group], claim->line);
        *claim = (struct claim){group, r->line};
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_lines(reader *r, char *text, size_t size)
{
    for (char *at = text, *end = text + size; at < end;) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        r->line++;
        REQUIRE_ON_LINE(memchr(at, '\0', (size_t)(stop - at)) == NULL, "a NUL byte: %s",
                        "this is no text file");
        *stop = '\0'; /* there is a byte behind the end */
        if (stop > at && stop[-1] == '\r')
            stop[-1] = '\0';
        VGG_PASS(read_line(r, at));
        at = stop + 1;
    }
    VGG_CHECK(r->group_count > 0, CLVGG_STATUS_BAD_FILE, "%s: has no group", r->path);
    return CLVGG_STATUS_OK;
}

/* Turns the claims of classes into the lists of each group's classes, ascending. */
static clvgg_status make_map(reader *r, clvgg_class_map **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_class_map *map = NULL;
    const size_t groups = r->group_count;
    VGG_NEW(map, 1);
    VGG_NEW(map->first, groups + 2);
    VGG_NEW(map->members, r->class_count);
    for (size_t i = 0; i < r->class_count; i++) {
        struct claim *claim = &r->claims[i];
        claim->group = claim->line > 0 ? claim->group : groups;
        map->first[claim->group + 1]++;
    }
    for (size_t g = 0; g <= groups; g++) /* sizes at g + 1 become ends */
        map->first[g + 1] += map->first[g];
    for (size_t i = r->class_count; i-- > 0;) /* and these, filled from behind, beginnings */
        map->members[--map->first[r->claims[i].group + 1]] = i;
    memmove(map->first, map->first + 1, (groups + 1) * sizeof *map->first);
    map->first[groups + 1] = r->class_count;
    map->names = r->names;
    map->group_count = groups;
    r->names = NULL;
    VGG_GIVE(out, map);
cleanup:
    vgg_class_map_free(map);
    return status;
}

clvgg_status vgg_class_map_read(const char *path, const char *const *labels, size_t class_count,
                                clvgg_class_map **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    size_t size = 0;
    reader r = {.path = path, .labels = labels, .class_count = class_count};
    VGG_NEW(r.claims, class_count);
    VGG_NEW(r.names, CLVGG_CLASS_MAP_MOST_GROUPS);
    VGG_TRY(vgg_file_read_text(path, most_bytes, &bytes, &size));
    VGG_TRY(read_lines(&r, (char *)bytes, size));
    VGG_TRY(make_map(&r, out));
cleanup:
    vgg_labels_free(r.names, r.names != NULL ? CLVGG_CLASS_MAP_MOST_GROUPS : 0);
    vgg_free(r.claims);
    vgg_free(r.sorted);
    vgg_free(bytes);
    return status;
}

void vgg_class_map_free(clvgg_class_map *map)
{
    if (map == NULL)
        return;
    vgg_labels_free(map->names, map->group_count);
    vgg_free(map->first);
    vgg_free(map->members);
    vgg_free(map);
}

void vgg_class_map_sum(const clvgg_class_map *map, const float *probabilities, float *groups,
                       float *other)
{
    for (size_t g = 0; g <= map->group_count; g++) {
        double sum = 0;
        for (size_t i = map->first[g]; i < map->first[g + 1]; i++)
            sum += (double)probabilities[map->members[i]];
        if (g < map->group_count)
            groups[g] = (float)sum;
        else if (other != NULL)
            *other = (float)sum;
    }
}
