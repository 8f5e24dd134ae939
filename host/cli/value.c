/* cli/value.c — numbers, sizes, lists of numbers, extents and choices from text, nothing left over.
 */
#include "cli/value.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Decimal digits only (no sign, no space); *end stands behind them. */
static bool digits(const char *text, uint64_t *value, const char **end)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *stop = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &stop, 10);
    *end = stop;
    *value = number;
    return errno == 0;
}

bool cli_value_count(const char *text, int least, int most, int *value)
{
    uint64_t number = 0;
    const char *end = text;
    if (!digits(text, &number, &end) || *end != '\0' || number > (uint64_t)most ||
        (int)number < least)
        return false;
    *value = (int)number;
    return true;
}

/* Of the first `length` bytes. */
static bool part_count(const char *text, size_t length, int least, int most, int *value)
{
    char number[16];
    if (length >= sizeof number)
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    return cli_value_count(number, least, most, value);
}

bool cli_value_counts(const char *text, int least, int most, cli_counts *value)
{
    for (value->count = 0; value->count < CLI_COUNTS_MOST; text++) {
        const size_t length = strcspn(text, ",");
        if (!part_count(text, length, least, most, &value->values[value->count++]))
            return false;
        text += length;
        if (*text == '\0')
            return true;
    }
    return false;
}

bool cli_value_pair(const char *text, const char *between, int least, int most, int values[2])
{
    const size_t length = strcspn(text, between);
    return text[length] != '\0' && part_count(text, length, least, most, &values[0]) &&
           cli_value_count(text + length + 1, least, most, &values[1]);
}

/* A finite decimal number that ends at `stop`. */
static bool decimal(const char *text, char stop, float *value, const char **end)
{
    if (!isdigit((unsigned char)*text) && strchr("+-.", *text) == NULL)
        return false;
    char *behind = NULL;
    *value = strtof(text, &behind);
    *end = behind;
    return behind != text && *behind == stop && isfinite(*value);
}

bool cli_value_number(const char *text, float *value)
{
    const char *end = text;
    return decimal(text, '\0', value, &end);
}

bool cli_value_real(const char *text, double least, double most, double *value)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "+-0123456789.eE") != strlen(text))
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value) && *value >= least && *value <= most;
}

/* Position of the word of `length` bytes at `text` among `words` with `separator` between, or -1.
 */
static int find_word(const char *text, size_t length, const char *words, const char *separator)
{
    for (int i = 0;; i++) {
        const size_t word = strcspn(words, separator);
        if (word == length && strncmp(text, words, length) == 0)
            return i;
        if (words[word] == '\0')
            return -1;
        words += word + 1;
    }
}

bool cli_value_words(const char *text, const char *words, unsigned *bits)
{
    *bits = 0;
    for (;;) {
        const size_t length = strcspn(text, ",");
        const int position = find_word(text, length, words, ",");
        if (position < 0)
            return false;
        *bits |= 1u << position;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

bool cli_value_duration(const char *text, float *seconds)
{
    static const struct {
        char unit;
        float seconds;
    } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const char *end = text;
        if (decimal(text, units[i].unit, seconds, &end) &&
            (units[i].unit == '\0' || end[1] == '\0')) {
            *seconds *= units[i].seconds;
            return *seconds > 0 && *seconds <= 1e9f;
        }
    }
    return false;
}

bool cli_value_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    const char *end = text;
    if (!digits(text, bytes, &end))
        return false;
    if (*end == '\0')
        return true;
    const char *unit = strchr(units, toupper((unsigned char)*end));
    if (unit == NULL)
        return false;
    unsigned shift = 10 * (unsigned)(unit - units + 1);
    bool suffix = end[1] == '\0' || strcmp(end + 1, "B") == 0 || strcmp(end + 1, "iB") == 0;
    if (!suffix || *bytes > UINT64_MAX >> shift)
        return false;
    *bytes <<= shift;
    return true;
}

bool cli_value_allowance(const char *text, cli_allowance *value)
{
    const char *end = text;
    float percent = 0;
    int count = 0;
    if (decimal(text, '%', &percent, &end)) {
        *value = (cli_allowance){(double)percent / 100, -1};
        return end[1] == '\0' && percent >= 0 && percent <= 100;
    }
    const bool good = cli_value_count(text, 0, INT_MAX, &count);
    *value = (cli_allowance){0, count};
    return good;
}

bool cli_value_percent(const char *text, double least, double most, double *share)
{
    const char *end = text;
    float percent = 0;
    if (!decimal(text, '%', &percent, &end) || end[1] != '\0')
        return false;
    *share = round((double)percent * 1e6) / 1e8; /* 0.05 of "5%", and of "0.1%" what it says */
    return *share >= least && *share <= most;
}

bool cli_allowance_permits(const cli_allowance *allowance, size_t bad, size_t total)
{
    const size_t share = (size_t)(allowance->share * (double)total);
    const size_t most = allowance->count >= 0 ? (size_t)allowance->count : share > 1 ? share : 1;
    return bad <= most && (bad < total || bad == 0);
}

bool cli_value_values(const char *text, double bound, cli_values *values)
{
    const int count = strchr(text, ',') == NULL ? 1 : 3;
    const char *at = text;
    for (int i = 0; i < count; i++) {
        const char *end = at;
        if (!decimal(at, i < count - 1 ? ',' : '\0', &values->values[i], &end) ||
            values->values[i] <= bound)
            return false;
        at = end + 1;
    }
    values->count = count;
    return true;
}

bool cli_value_extent(const char *text, int least, int most, cli_extent *value)
{
    int sides[2] = {0, 0};
    const bool pair = strpbrk(text, "xX") != NULL;
    const bool good = pair ? cli_value_pair(text, "xX", least, most, sides)
                           : cli_value_count(text, least, most, &sides[0]);
    *value = (cli_extent){sides[0], sides[pair]};
    return good;
}

bool cli_value_choice(const char *text, const char *words, int *position)
{
    const int found = find_word(text, strlen(text), words, "|");
    if (found >= 0)
        *position = found;
    return found >= 0;
}

bool cli_value_head(const char *text, cli_counts *widths)
{
    widths->count = 0;
    return strcmp(text, "none") == 0 ||
           (cli_value_counts(text, 1, 1 << 20, widths) && widths->count == 2);
}
