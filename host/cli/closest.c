/* cli/closest.c — edit distance with transpositions (optimal string alignment). */
#include "cli/closest.h"

#include <string.h>

enum { LONGEST = 32 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[LONGEST + 1][LONGEST + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        rows[i][0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            rows[i][j] = least(replaced, 1 + least(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a_length][b_length];
}

void cli_closest_offer(cli_closest *closest, const char *wanted, const char *candidate)
{
    size_t length = strlen(wanted);
    if (length > LONGEST || strlen(candidate) > LONGEST)
        return;
    size_t distance = edit_distance(wanted, candidate);
    size_t allowed = 1 + length / 4; /* a typo or two, not another word */
    if (length > 2 && strncmp(wanted, candidate, length) == 0)
        distance = least(distance, 1); /* an abbreviation */
    if (distance <= allowed && (closest->name == NULL || distance < closest->distance)) {
        closest->name = candidate;
        closest->distance = distance;
    }
}

clvgg_status cli_closest_refuse(const cli_closest *closest, const char *what, const char *all,
                                const char *wanted, vgg_text *list)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *name = closest->name;
    VGG_REQUIRE(!list->failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for the names of %s",
                all);
    status = vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "the model has no %s '%s'%s%s%s Its %s:%s",
                      what, wanted, name != NULL ? ": did you mean '" : "",
                      name != NULL ? name : "", name != NULL ? "'?" : ".", all,
                      vgg_text_string(list));
cleanup:
    vgg_text_free(list);
    return status;
}
