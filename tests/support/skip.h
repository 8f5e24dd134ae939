/* support/skip.h — tests that are left out, and say so. */
#ifndef TEST_SUPPORT_SKIP_H
#define TEST_SUPPORT_SKIP_H

/* Skips the running test, with a line on stderr, where the environment has the variable:
 * CLVGG_TEST_SMALL on devices that are emulated and slow, CLVGG_TEST_OCLGRIND under Oclgrind. */
void test_skip_when(const char *variable, const char *test);

#endif
