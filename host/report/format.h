/* report/format.h — pieces of text for people and for CSV: escaped names, counts, sizes.
 *
 * JSON strings and numbers are in base/text.h.
 */
#ifndef VGG_REPORT_FORMAT_H
#define VGG_REPORT_FORMAT_H

#include <stdint.h>

#include "base/text.h"

/* A name that can't steer a terminal: control characters (C0, DEL, C1), bidirectional overrides and
 * bytes that aren't UTF-8 are written as \xNN or \u{NNNN}; a backslash stays. */
void vgg_text_terminal(vgg_text *text, const char *string);
/* Appends a string escaped for a terminal but with its line breaks, for messages of several lines.
 */
void vgg_text_terminal_lines(vgg_text *text, const char *string);
/* Columns that a UTF-8 string takes on a terminal, one a code point. */
size_t vgg_text_columns(const char *string, size_t length);
/* A text that Markdown shows as it is: what would begin a cell, a tag, an entity, a link, code,
 * emphasis or a mention of somebody is escaped. */
void vgg_text_markdown(vgg_text *text, const char *string);
/* A CSV field, quoted where RFC 4180 asks for it. Line breaks become spaces: a record is a line.
 * What spreadsheets take for formulas stays as it is, since programs read these files. */
void vgg_text_csv(vgg_text *text, const char *string);
/* A name as vgg_text_terminal() writes it, between words. */
void vgg_text_name(vgg_text *text, const char *before, const char *name, const char *after);

enum { VGG_NUMBER_WORDS = 48, VGG_MEASURE_WORDS = 352 /* for the greatest double */ };
/* A value in up to 15 significant digits, from 1e-15 to 1e15 without an exponent: 14734.6 in 4 as
 * "14,730". Returns `words`, as those below. */
const char *vgg_number_words(double value, int digits, char words[VGG_NUMBER_WORDS]);
/* 138357544 as "138,357,544". */
const char *vgg_count_words(uint64_t count, char words[VGG_NUMBER_WORDS]);
/* A measurement with `digits` decimals, or so many that two digits of it are seen: 0.05 isn't 0.
 * Nothing where it is unknown: not above 0, or not a number. */
const char *vgg_measure_words(double value, int digits, char words[VGG_MEASURE_WORDS]);
/* Bytes as "512 B", "22.0 MiB", "23.4 GiB". */
const char *vgg_size_words(uint64_t bytes, char words[VGG_NUMBER_WORDS]);
/* The same for a %s; valid to the end of the block. */
#define VGG_COUNT(count) vgg_count_words(count, (char[VGG_NUMBER_WORDS]){0})
#define VGG_MEASURE(value, digits) vgg_measure_words(value, digits, (char[VGG_MEASURE_WORDS]){0})
#define VGG_SIZE(bytes) vgg_size_words(bytes, (char[VGG_NUMBER_WORDS]){0})

#endif
