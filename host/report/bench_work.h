/* report/bench_work.h — which results of benchmarks are of the same work, and which are rounds of
 * the same measurement. */
#ifndef VGG_REPORT_BENCH_WORK_H
#define VGG_REPORT_BENCH_WORK_H

#include "report/bench_file.h"

/* The work is the network with its weights, its input, the layer it stops behind, and for training
 * the classes and the optimiser: where one of them is known of both files and differs, or no batch
 * is in both, their times can't be compared, and the message names the member and both values.
 * Program, version, device, kernels, options and storage are what is compared. Errors: UNSUPPORTED.
 */
clvgg_status vgg_bench_same_work(const vgg_bench_file *first, const vgg_bench_file *second);
/* Says whether two files are rounds of one measurement: the same program on the same device, with
 * the same options, variables, kernels and storage, and, batch by batch, the same bits. */
bool vgg_bench_same_setting(const vgg_bench_file *first, const vgg_bench_file *second);

#endif
