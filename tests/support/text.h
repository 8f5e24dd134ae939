/* support/text.h — assertions on text. */
#ifndef TEST_SUPPORT_TEXT_H
#define TEST_SUPPORT_TEXT_H

/* Fails, and shows both, unless `part` is somewhere in `text`. */
void assert_contains(const char *text, const char *part);

#endif
