/* tune/clblast_tuning.h — the parameters of CLBlast's own GEMM kernel.
 *
 * CLBlast has one set a device, precision and kernel in a process, for all code that uses it there:
 * it is set at most once for a plan's sake, under a lock, before the first plan that may use
 * CLBlast asks for a workspace. What is set can't be unset.
 */
#ifndef VGG_TUNE_CLBLAST_TUNING_H
#define VGG_TUNE_CLBLAST_TUNING_H

#include "ops/clblast.h"
#include "tune/tuner.h"
#include "tune/tuning.h"

#define VGG_CLBLAST_PROBLEM "CLBlast Xgemm, f32"

/* Checks that the values fit each other and the device, as CLBlast's kernel demands; UNSUPPORTED,
 * in words, where they don't. Always refuses GEMMK=1, whose results are wrong before CLBlast 1.6.3
 * unless MWG is NWG: it isn't in the space. */
clvgg_status vgg_clblast_check(const vgg_choice *choice, const vgg_traits *traits);
/* Sets what `source` knows for the device, unless something was set in this process before. */
void vgg_clblast_prepare(const clvgg_device *device, const vgg_traits *traits,
                         const vgg_tuning_source *source);

/* The product that the search times: the smallest of its shapes that CLBlast's Xgemm computes on
 * the queue's device. */
clvgg_status vgg_clblast_tuning_product(cl_command_queue queue, vgg_gemm *product);
/* Searches, checking each candidate's product before it is timed, and leaves the best in force. */
clvgg_status vgg_clblast_tune(const vgg_tuner *tuner, vgg_tuner_result *result);

#endif
