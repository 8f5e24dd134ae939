/* support/cl_faults.h — OpenCL calls that fail on demand, and a count of live OpenCL objects.
 *
 * The linker routes every CL call of the library under test and of the test itself (not those of
 * CLBlast or a driver) through cl_faults.c: see cl_faults.cmake. A call passes through unchanged
 * until a test asks otherwise.
 *
 *     bool failed = true;
 *     for (size_t i = 0; failed; i++) {
 *         size_t live = cl_faults_live();
 *         cl_faults_fail_at(i, CL_OUT_OF_RESOURCES);
 *         status = work();
 *         failed = cl_faults_stop(); // false once the work makes no more than i calls
 *         … status is an error when failed, and cl_faults_live() == live
 *     }
 */
#ifndef TEST_SUPPORT_CL_FAULTS_H
#define TEST_SUPPORT_CL_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ocl/call.h"

/* The index-th fallible call from now on (0: the next), in any thread, doesn't reach the driver and
 * returns `error`; once. Releases always succeed. */
void cl_faults_fail_at(size_t index, cl_int error);
/* Makes a call fail by its number among the calls of one function: "clEnqueueReadBuffer". */
void cl_faults_fail_call(const char *function, size_t index, cl_int error);
/* Instead of the above, `ask` is called before each fallible call and says which error it returns;
 * CL_SUCCESS lets it through. For the whole process, any thread. */
void cl_faults_ask(cl_int (*ask)(const char *function));
/* Ends what was asked; says whether a call was made to fail. */
bool cl_faults_stop(void);
/* The function that was made to fail last; "" before. */
const char *cl_faults_failed_function(void);
/* Calls made so far in this process, of one function (not a release) or, with NULL, of all. */
size_t cl_faults_calls(const char *function);

/* Multiplies the timestamps of events by `factor` from now on; 0: 0, 1, 2 and 3 ns of every
 * command, as rusticl of Mesa 22.3 has them; 1: the driver's. */
void cl_faults_scale_clock(double factor);

/* References held to OpenCL objects: made or retained, and not yet released. */
size_t cl_faults_live(void);
/* Releases of objects without a reference left; those made inside CLBlast count here. */
size_t cl_faults_over_released(void);
/* Prints each object alive to stderr, to find a leak. */
void cl_faults_print_live(void);

#endif
