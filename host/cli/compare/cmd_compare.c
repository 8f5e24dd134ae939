/* cli/compare/cmd_compare.c — `clvgg compare`: which result of `clvgg bench` is faster, by how
 * much, and whether that is noise. */
#include "cli/compare/compare.h"
#include "cli/options.h"

typedef struct compare_arguments {
    cli_operands paths;
    double fail_above;
    bool group, markdown, csv, json;
} compare_arguments;

#define AT(field) offsetof(compare_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, AT(paths), "FILE", 0, 0, ""},
    {"group", 0, CLI_OPTION_FLAG, AT(group), NULL, 0, 0,
     "Take files of one program, device, options and kernels for rounds\n"
     "of one measurement, as those of a folder are"},
    {"fail-above", 0, CLI_OPTION_PERCENT, AT(fail_above), "P%", 0, 10,
     "Exit with 1 if a later file's passes are slower than the first's\n"
     "beyond noise, and by more than P %"},
    {"markdown", 0, CLI_OPTION_FLAG, AT(markdown), NULL, 0, 0, "Print Markdown"},
    {"csv", 0, CLI_OPTION_FLAG, AT(csv), NULL, 0, 0, "Print a line a file and row"},
    {"json", 0, CLI_OPTION_FLAG, AT(json), NULL, 0, 0, "Print one JSON object"},
    {0},
};

static const char *check(const void *given)
{
    const compare_arguments *arguments = given;
    return arguments->markdown + arguments->csv + arguments->json > 1
               ? "--markdown, --csv and --json exclude each other"
               : NULL;
}

/* Reads every file, so that all bad ones are named; ends[i] is behind the last one of paths[i]. */
static void read_files(cli_program *cli, const cli_operands *paths, vgg_bench_files *files,
                       size_t *ends)
{
    for (size_t i = 0; i < paths->count; i++) {
        cli_fail(cli, vgg_bench_files_add(files, paths->items[i]));
        ends[i] = files->count;
    }
}

static clvgg_status add_sides(cli_program *cli, const compare_arguments *arguments,
                              const vgg_bench_files *files, const size_t *ends,
                              vgg_comparison *comparison)
{
    for (size_t i = 0, operand = 0; i < files->count; i++) {
        while (i >= ends[operand])
            operand++;
        VGG_PASS(vgg_comparison_add(comparison, &files->items[i], arguments->paths.items[operand],
                                    operand, arguments->group));
    }
    return comparison->side_count > 1
               ? CLVGG_STATUS_OK
               : cli_misuse(cli, "needs two results of clvgg bench at least%s",
                            files->count > 1 ? "; all of these are rounds of one" : "");
}

/* Fails where a side is slower than it may be, or where that can't be told. */
static void judge_limit(cli_program *cli, const vgg_comparison *comparison, double limit)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        const vgg_compare_row *row = &comparison->rows[i];
        for (size_t s = 1; s < comparison->side_count && row->layer == NULL; s++) {
            const vgg_compare_cell *cell = &row->cells[s];
            const double more = cell->verdict.ratio - 1;
            if (cell->state == VGG_COMPARE_WRONG)
                cli_fail(cli, vgg_fail(CLVGG_STATUS_UNSUPPORTED, "batch %d: %s is wrong",
                                       row->batch, comparison->sides[s].path));
            else if (cell->verdict.kind == VGG_VERDICT_SLOWER && more > limit)
                cli_fail(
                    cli,
                    vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                             "batch %d: %s is slower than %s by %.1f %%, and %g %% are allowed",
                             row->batch, comparison->sides[s].path, comparison->sides[0].path,
                             more * 100, limit * 100));
            else if (cell->state == VGG_COMPARE_TIMED && row->cells[0].state == VGG_COMPARE_TIMED &&
                     cell->verdict.kind == VGG_VERDICT_UNKNOWN)
                cli_fail(cli,
                         vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                                  "batch %d: %s or %s has too few samples to judge by", row->batch,
                                  comparison->sides[0].path, comparison->sides[s].path));
        }
    }
}

static void show(cli_program *cli, const compare_arguments *arguments,
                 const vgg_comparison *comparison)
{
    if (arguments->json)
        cli_compare_json(cli, comparison);
    else if (arguments->csv)
        cli_compare_csv(cli, comparison);
    else
        cli_compare_text(cli, comparison, arguments->markdown);
}

static clvgg_status run_compare(cli_program *cli, const void *given)
{
    const compare_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_bench_files files = {0};
    vgg_comparison comparison = {0};
    size_t *ends = NULL;
    VGG_MEMORY_NEW(ends, arguments->paths.count, "a list of files");
    read_files(cli, &arguments->paths, &files, ends);
    if (cli->exit_code != CLI_EXIT_OK)
        goto cleanup;
    VGG_TRY(add_sides(cli, arguments, &files, ends, &comparison));
    VGG_TRY(vgg_comparison_judge(&comparison));
    show(cli, arguments, &comparison);
    if (arguments->fail_above >= 0)
        judge_limit(cli, &comparison, arguments->fail_above);
cleanup:
    vgg_comparison_free(&comparison);
    vgg_bench_files_free(&files);
    vgg_memory_free(ends);
    return status;
}

const cli_verb cli_verb_compare = {
    .name = "compare",
    .summary = "say which result of bench is faster, and whether that is noise",
    .usage = "[OPTION]... FILE|FOLDER...",
    .description =
        "Compares what clvgg bench --out wrote, each file with the first: passes and layers, "
        "which\n"
        "is faster, by how much, and whether that is beyond noise. A folder's files of one "
        "program,\n"
        "device, options and kernels are rounds of one measurement: sixteen rounds of each side,\n"
        "made in turns, tell 10 % from noise on a busy machine. Another network, input, layer or\n"
        "batch is another work, which isn't compared.",
    .examples = "  clvgg bench --per-layer --out before.json\n"
                "  clvgg compare before.json after.json\n"
                "  clvgg compare --fail-above 5% before/ after/\n"
                "  clvgg compare --markdown results/\n",
    .options = options,
    .arguments_size = sizeof(compare_arguments),
    .defaults = &(const compare_arguments){.fail_above = -1},
    .check = check,
    .run = run_compare,
};
