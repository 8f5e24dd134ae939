/* cli/value.h — strict reading of option values. Each says whether the text was all of it valid. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "cli/options.h"

bool cli_value_count(const char *text, int least, int most, int *value);
/* Numbers with commas between, at most CLI_COUNTS_MOST. */
bool cli_value_counts(const char *text, int least, int most, cli_counts *value);
/* Two numbers with one of the bytes `between` between them. */
bool cli_value_pair(const char *text, const char *between, int least, int most, int values[2]);
bool cli_value_number(const char *text, float *value);
bool cli_value_real(const char *text, double least, double most, double *value);
/* Bits of those of `words`, which have commas between them as `text` has. */
bool cli_value_words(const char *text, const char *words, unsigned *bits);
/* Seconds above 0; s, m or h may stand behind. */
bool cli_value_duration(const char *text, float *seconds);
bool cli_value_size(const char *text, uint64_t *bytes);
/* A number, or a percentage up to 100%. */
bool cli_value_allowance(const char *text, cli_allowance *value);
/* A percentage, with its sign, of a share from `least` to `most`. */
bool cli_value_percent(const char *text, double least, double most, double *share);
/* Says whether so many may be bad. All of them never may. */
bool cli_allowance_permits(const cli_allowance *allowance, size_t bad, size_t total);
/* Reads one number, or three with commas between, each above `bound`. */
bool cli_value_values(const char *text, double bound, cli_values *values);
bool cli_value_extent(const char *text, int least, int most, cli_extent *value);
/* Position of `text` among `words`, which have "|" between them. */
bool cli_value_choice(const char *text, const char *words, int *position);
/* Widths of the dense layers before the last: two, or "none". */
bool cli_value_head(const char *text, cli_counts *widths);

#endif
