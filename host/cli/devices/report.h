/* cli/devices/report.h — `clvgg devices --report`: all that a report of a fault should hold, to be
 * pasted.
 *
 * Sections of facts, shown as they come. Whatever asks a driver runs in a process of its own, so
 * that a driver that crashes is a fact too; all values pass scrub.c. A section is a function here,
 * called in report.c.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/devices/scrub.h"
#include "cli/isolated.h"
#include "report/json.h"

typedef struct vgg_report {
    cli_program *cli;
    cli_scrub scrub;
    bool as_json;
    vgg_json json;
    bool bad;            /* a driver or a device isn't as it should be */
    size_t device_count; /* that can be listed */
    size_t usable_count; /* that work */
} vgg_report;

/* Fails where there is no device, one doesn't work, or a driver crashed. */
clvgg_status cli_report_run(cli_program *cli, bool as_json);

void cli_report_begin(vgg_report *report, const char *title);
/* A clvgg_fact_fn, whose `user` is the report. A value that begins as a path is one, whatever is in
 * it, up to a colon with a blank behind. */
void cli_report_fact(void *report, const char *name, const char *value);
void cli_report_end(vgg_report *report);
/* Adds the facts that a child sent, and how it ended if that is a problem. */
void cli_report_facts(vgg_report *report, cli_facts *facts);

/* report_system.c: this build; the machine; variables of the environment that change what happens.
 */
void cli_report_build(vgg_report *report);
void cli_report_system(vgg_report *report);
void cli_report_environment(vgg_report *report);
/* report_device.c: in a child, everything about a device, with a test; the child sends
 * CLI_REPORT_WORKS when the device gave right results. */
#define CLI_REPORT_WORKS "self-test"
void cli_report_device_facts(cli_program *cli, void *index, void *pipe);

#endif
