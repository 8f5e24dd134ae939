/* support/must_run.h — which variants have to run on which devices.
 *
 * A variant may refuse a shape, so a test that walks shapes and variants passes when every shape is
 * refused. The table in must_run.c says what a variant needs of a device; on a device that has it,
 * nothing but refusals fails the test.
 */
#ifndef TEST_SUPPORT_MUST_RUN_H
#define TEST_SUPPORT_MUST_RUN_H

#include "support/op_run.h"

/* Fails if `ran`, the shapes that were run and checked, is 0 although the table demands `variant`
 * with weights in `storage` of the device, whose traits are test_traits(). The message names the
 * variant, the traits and the refusal that clvgg_status_message() still holds. A variant without a
 * row fails too. */
void must_run(const test_device *device, const char *variant, clvgg_storage storage, int ran);
/* The first storage that the table demands of a variant. */
clvgg_storage must_run_storage(const char *variant);
/* A test: each row's variant is in variant_table.c or grad_table.c. Tests that walk those tables
 * would not miss one that was dropped. */
void must_run_rows_are_met(void **state);

#endif
