/* cli/value.h — strict reading of option values. Each says whether the text was all of it valid. */
#ifndef VGG_CLI_VALUE_H
#define VGG_CLI_VALUE_H

#include "cli/options.h"

bool vgg_value_count(const char *text, int least, int most, int *value);
/* Numbers with commas between, at most VGG_COUNTS_MOST. */
bool vgg_value_counts(const char *text, int least, int most, vgg_counts *value);
bool vgg_value_number(const char *text, float *value);
bool vgg_value_real(const char *text, double least, double most, double *value);
/* Bits of those of `words`, which have commas between them as `text` has. */
bool vgg_value_words(const char *text, const char *words, unsigned *bits);
/* Seconds above 0; s, m or h may stand behind. */
bool vgg_value_duration(const char *text, float *seconds);
bool vgg_value_size(const char *text, uint64_t *bytes);
/* A number, or a percentage up to 100%. */
bool vgg_value_allowance(const char *text, vgg_allowance *value);
/* Says whether so many may be bad. All of them never may. */
bool vgg_allowance_permits(const vgg_allowance *allowance, size_t bad, size_t total);
/* Reads one number, or three with commas between, each above `bound`. */
bool vgg_value_values(const char *text, double bound, vgg_values *values);
bool vgg_value_extent(const char *text, int least, int most, vgg_extent *value);
/* Position of `text` among `words`, which have "|" between them. */
bool vgg_value_choice(const char *text, const char *words, int *position);

#endif
