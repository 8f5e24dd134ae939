/* cli/compare/compare.h — the parts of `clvgg compare`.
 *
 * report/bench_compare.h compares; cmd_compare.c parses, reads and judges --fail-above;
 * compare_text.c says it in words and tables, also as Markdown; compare_data.c writes JSON and CSV.
 */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/cli.h"
#include "report/bench_compare.h"

void cli_compare_text(cli_program *cli, const vgg_comparison *comparison, bool as_markdown);
void cli_compare_csv(cli_program *cli, const vgg_comparison *comparison);
void cli_compare_json(cli_program *cli, const vgg_comparison *comparison);

#endif
