/* cli/bench/bench_submit.c — `clvgg bench --submit`: one result to hand on, which `clvgg
 * check-result` has nothing against before it is written. */
#include <string.h>

#include "cli/bench/bench.h"
#include "clvgg/report.h"
#include "report/bench_check.h"

enum { MOST_TRIES = 4 }; /* of the roof, which other programs' work makes lower */

clvgg_status cli_bench_submit_check(cli_program *cli, const cli_bench_arguments *arguments)
{
    if (arguments->submit == NULL)
        return CLVGG_STATUS_OK;
    if (arguments->mode == CLI_BENCH_FINETUNE)
        return cli_misuse(cli, "--submit is for --mode infer");
    if (arguments->context.device != NULL && strcmp(arguments->context.device, "all") == 0)
        return cli_misuse(cli, "--submit is for one device");
    if (arguments->execution.storage == CLVGG_STORAGE_INT8)
        return cli_misuse(cli, "--submit: the roof has no sums of int8 that a result could be held "
                               "against: use --out");
    if (cli->kernel_dir != NULL)
        return cli_misuse(cli,
                          "--submit is for the kernels of the program: unset CLVGG_KERNEL_DIR");
#ifndef CLVGG_HAVE_CJSON
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "--submit: this program is built without cJSON");
#endif
    return CLVGG_STATUS_OK;
}

const char *cli_bench_model_name(const cli_benchmark *run)
{
    const char *name = clvgg_model_name(run->context.model);
    const char *slash = run->arguments->submit != NULL ? strrchr(name, '/') : NULL;
    return slash != NULL ? slash + 1 : name;
}

/* All behind the results. */
static void print_end(cli_benchmark *run, const char *class)
{
    vgg_json *json = &run->json;
    const char *file = NULL, *hash = NULL;
    char digest[VGG_BENCH_DIGEST];
    cli_bench_json_members(run);
    vgg_json_begin_object(json, "kernels");
    for (size_t i = 0; (file = clvgg_kernel_source(i, &hash)) != NULL; i++)
        vgg_json_string(json, file, hash);
    vgg_json_end(json);
    vgg_json_string(json, "class", class);
    vgg_text_puts(json->text, ",\n"); /* which the digest is of, too */
    vgg_bench_digest(vgg_text_string(json->text), json->text->length, digest);
    vgg_text_printf(json->text, "  \"digest\": \"%s\"", digest);
    vgg_json_end(json);
}

/* Takes the text back to where the results end. */
static void rewind_to(cli_benchmark *run, size_t length, const vgg_json *json)
{
    run->json = *json;
    if (!run->json_text.failed && run->json_text.bytes != NULL)
        run->json_text.bytes[run->json_text.length = length] = '\0';
}

static clvgg_status give_up(const vgg_bench_check *check)
{
    vgg_finding finding = {0};
    vgg_findings_next(&check->refused, &finding);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "--submit: the result doesn't hang together, so nothing is written: %s is %s, "
                    "expected %s%s; is the machine busy?",
                    finding.member, finding.actual, finding.expected,
                    check->refused.count > 1 ? ", and others" : "");
}

/* Ends the object, as one of the class that it is; *good: nothing is against it. */
static clvgg_status try_end(cli_benchmark *run, const vgg_bench_build *build, size_t length,
                            const vgg_json *begun, bool last, bool *good)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_bench_check check = {0};
    vgg_text *text = &run->json_text;
    const char *class = "open";
    print_end(run, class);
    VGG_TRY(vgg_text_check(text, "the results"));
    VGG_TRY(vgg_bench_class_of(build, text->bytes, text->length, &class));
    rewind_to(run, length, begun);
    print_end(run, class);
    VGG_TRY(vgg_text_check(text, "the results"));
    VGG_TRY(vgg_bench_check_text(build, text->bytes, text->length, &check));
    *good = check.refused.count == 0;
    if (!*good && last)
        status = give_up(&check);
cleanup:
    vgg_bench_check_free(&check);
    return status;
}

clvgg_status cli_bench_submit_end(cli_benchmark *run)
{
    const vgg_bench_build build = {run->context.runtime, cli_commit};
    const vgg_json begun = run->json;
    const size_t length = run->json_text.length;
    bool good = false;
    for (int tries = 0; !good && tries < MOST_TRIES; tries++) {
        rewind_to(run, length, &begun);
        if (tries > 0)
            VGG_PASS(cli_bench_improve_roof(run));
        VGG_PASS(try_end(run, &build, length, &begun, tries + 1 == MOST_TRIES, &good));
    }
    return CLVGG_STATUS_OK;
}
