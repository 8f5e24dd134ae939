/* report/findings.h — what a check has against a file: members, with what they should be and are.
 */
#ifndef VGG_REPORT_FINDINGS_H
#define VGG_REPORT_FINDINGS_H

#include "base/text.h"

/* Zero-initialise. A failed allocation stays in the text, so that only the end needs a check. */
typedef struct vgg_findings {
    vgg_text texts; /* of each finding the member, expected and actual, each with its NUL */
    size_t count;
} vgg_findings;

typedef struct vgg_finding {
    const char *member, *expected, *actual; /* owned by the list */
} vgg_finding;

/* Adds one. `member` is "results[0].median_ms"; the format is of what was expected. */
void vgg_findings_add(vgg_findings *findings, const char *member, const char *actual,
                      const char *expected, ...) VGG_PRINTF(4, 5);
/* Calls for the first with *finding zeroed; false behind the last. */
bool vgg_findings_next(const vgg_findings *findings, vgg_finding *finding);
void vgg_findings_free(vgg_findings *findings);

#endif
