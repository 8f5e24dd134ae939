/* cli/verify/verify_results.h — what `clvgg verify` found: counted by variants, as a table and as
 * JSON.
 */
#ifndef CLI_VERIFY_VERIFY_RESULTS_H
#define CLI_VERIFY_VERIFY_RESULTS_H

#include "clvgg/device.h"
#include "clvgg/verify.h"
#include "report/json.h"
#include "report/style.h"

/* A variant, over all chains of a device. */
typedef struct verify_row {
    char name[64];
    size_t verdicts[CLVGG_VERIFY_REFUSED + 1];
    double error_l2, error_bound; /* the worst of those that are right */
} verify_row;

enum { VERIFY_MOST_ROWS = 64 };

typedef struct verify_results {
    verify_row rows[VERIFY_MOST_ROWS];
    size_t row_count;
} verify_results;

void verify_results_count(verify_results *results, const clvgg_verify_event *event);
void verify_results_print(const verify_results *results, const clvgg_device_info *device,
                          const clvgg_verify_summary *summary, const vgg_style *style,
                          vgg_text *text);
/* A member of the array of a device's results. */
void verify_json_event(vgg_json *json, const clvgg_verify_event *event);
/* Ends that array, and the device's object. `error` NULL: there was none. */
void verify_json_end(vgg_json *json, const clvgg_verify_summary *summary, const char *error);

#endif
