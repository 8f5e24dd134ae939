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
     "beyond noise, and by more than P %, or if that can't be told: a batch\n"
     "that is wrong or absent, an early end, few samples, a busy machine"},
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

/* A share of one side's measurement may tell another story than all of it. */
static void judge_ends(cli_program *cli, const vgg_compare_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        if (side->files[i]->error != NULL)
            cli_fail(cli, vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s ended early: %s",
                                   side->files[i]->path, side->files[i]->error));
}

/* Says of a side's passes whether they are slower than they may be, or why that can't be told. What
 * the first side hasn't measured has nothing to be slower than. */
static clvgg_status judge_passes(const vgg_comparison *comparison, const vgg_compare_row *row,
                                 size_t side, double limit)
{
    const char *first = comparison->sides[0].path, *path = comparison->sides[side].path;
    const vgg_compare_cell *cell = &row->cells[side];
    const vgg_verdict *verdict = &cell->verdict;
    const int expected = row->cells[0].state;
    VGG_CHECK(cell->state != VGG_COMPARE_WRONG, CLVGG_STATUS_UNSUPPORTED, "batch %d: %s is wrong",
              row->batch, path);
    if (expected == VGG_COMPARE_ABSENT)
        return CLVGG_STATUS_OK;
    VGG_CHECK(expected != VGG_COMPARE_WRONG, CLVGG_STATUS_UNSUPPORTED, "batch %d: %s is wrong",
              row->batch, first);
    VGG_CHECK(cell->state != VGG_COMPARE_ABSENT, CLVGG_STATUS_UNSUPPORTED,
              "batch %d: %s has no such batch, %s has", row->batch, path, first);
    VGG_CHECK(verdict->kind != VGG_VERDICT_UNKNOWN, CLVGG_STATUS_UNSUPPORTED,
              "batch %d: %s or %s has too few samples to judge by", row->batch, first, path);
    VGG_CHECK(verdict->kind != VGG_VERDICT_SLOWER || verdict->ratio - 1 <= limit,
              CLVGG_STATUS_UNSUPPORTED,
              "batch %d: %s is slower than %s by %.1f %%, and %g %% are allowed", row->batch, path,
              first, (verdict->ratio - 1) * 100, limit * 100);
    VGG_CHECK(
        verdict->kind != VGG_VERDICT_SAME || verdict->least <= limit ||
            verdict->least <= VGG_VERDICT_LEAST_OF_PARTS,
        CLVGG_STATUS_UNSUPPORTED,
        "batch %d: the machine was too busy to judge %s against %s by: less than %.1f %% isn't "
        "told, and %g %% are allowed",
        row->batch, path, first, verdict->least * 100, limit * 100);
    return CLVGG_STATUS_OK;
}

/* Fails where a side is slower than it may be, or where that can't be told. */
static void judge_limit(cli_program *cli, const vgg_comparison *comparison, double limit)
{
    for (size_t s = 0; s < comparison->side_count; s++)
        judge_ends(cli, &comparison->sides[s]);
    for (size_t i = 0; i < comparison->row_count; i++)
        for (size_t s = 1; s < comparison->side_count && comparison->rows[i].layer == NULL; s++)
            cli_fail(cli, judge_passes(comparison, &comparison->rows[i], s, limit));
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
