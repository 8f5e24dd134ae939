/* report/bench_check_origin.c — which build, which weights, which class. */
#include "report/bench_check_inside.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <string.h>

#include "clvgg/bench.h"
#include "clvgg/report.h"

static bool has_standard_input(const cJSON *root)
{
    const cJSON *input = vgg_bench_member(root, "input");
    return cJSON_GetArraySize(input) == 3 && cJSON_GetArrayItem(input, 0)->valueint == 3 &&
           cJSON_GetArrayItem(input, 1)->valueint == 224 &&
           cJSON_GetArrayItem(input, 2)->valueint == 224;
}

static void check_weights(const vgg_bench_document *document)
{
    const vgg_bench_part part = vgg_bench_part_of(document, "weights");
    const char *architecture = vgg_bench_string(document->root, "architecture");
    const char *sha256 = vgg_bench_string(part.object, "sha256");
    const char *published = clvgg_bench_published_weights(architecture);
    const bool seeded = vgg_bench_number(part.object, "seed") == VGG_BENCH_SEED;
    if (document->network == NULL || published == NULL || !seeded ||
        !has_standard_input(document->root)) {
        vgg_bench_note(&document->check->unknown, "which weights: only those of seed %d are known",
                       VGG_BENCH_SEED);
        return;
    }
    if (sha256 == NULL || strcmp(sha256, published) != 0)
        vgg_bench_refuse(&part, "sha256", sha256 != NULL ? sha256 : "null",
                         "%s: the published weights of %s", published, architecture);
    else
        vgg_bench_note(&document->check->checked, "the weights' hash against those published");
}

/* Says whether a result of that build can be held against this one's kernels. */
static bool is_this_build(const vgg_bench_document *document)
{
    const cJSON *program = vgg_bench_member(document->root, "program");
    const char *version = vgg_bench_string(program, "version");
    const char *commit = vgg_bench_string(program, "commit");
    const char *own = document->build->commit;
    return strcmp(version, clvgg_version()) == 0 &&
           (commit == NULL ? own == NULL : own != NULL && strcmp(commit, own) == 0);
}

static void check_kernels(const vgg_bench_document *document)
{
    const vgg_bench_part part = vgg_bench_part_of(document, "kernels");
    const cJSON *program = vgg_bench_member(document->root, "program");
    const char *commit = vgg_bench_string(program, "commit"), *hash = NULL, *file = NULL;
    int differ = 0, count = 0;
    for (size_t i = 0; (file = clvgg_kernel_source(i, &hash)) != NULL; i++, count++) {
        const char *said = vgg_bench_string(part.object, file);
        if (said != NULL && strcmp(said, hash) == 0)
            continue;
        differ++;
        if (is_this_build(document))
            vgg_bench_refuse(&part, file, said != NULL ? said : "nothing",
                             "%s: the kernel of this clvgg %s", hash, clvgg_version());
    }
    if (is_this_build(document) && differ == 0 && cJSON_GetArraySize(part.object) != count)
        vgg_bench_refuse_number(&part, "", cJSON_GetArraySize(part.object),
                                "%d kernels, as this clvgg %s has", count, clvgg_version());
    if (differ == 0)
        vgg_bench_note(&document->check->checked, "kernels: those of clvgg %s", clvgg_version());
    else if (!is_this_build(document))
        vgg_bench_note(&document->check->unknown,
                       "whether kernels are clvgg's: built from clvgg %s, commit %s, this is %s",
                       vgg_bench_string(program, "version"), commit != NULL ? commit : "unknown",
                       document->build->commit != NULL ? document->build->commit : "another");
}

const char *vgg_bench_what_opens(const vgg_bench_document *document)
{
    const cJSON *root = document->root, *options = vgg_bench_member(root, "options");
    const cJSON *weights = vgg_bench_member(root, "weights"), *variable = NULL, *result = NULL;
    const char *gemm = vgg_bench_string(options, "gemm");
    cJSON_ArrayForEach(
        variable,
        vgg_bench_member(root, "environment")) if (strncmp(variable->string, "CLVGG_", 6) ==
                                                   0) return "environment has variables of clvgg's";
    cJSON_ArrayForEach(
        result,
        vgg_bench_member(
            root, "results")) if (vgg_bench_is_true(result, "wrong")) return "a result is wrong";
    return !document->own                                          ? "the program isn't clvgg"
           : document->network == NULL                             ? "weights aren't random"
           : vgg_bench_number(weights, "seed") != VGG_BENCH_SEED   ? "weights.seed isn't 1"
           : !has_standard_input(root)                             ? "input isn't 3 x 224 x 224"
           : strcmp(vgg_bench_string(root, "storage"), "f32") != 0 ? "storage isn't f32"
           : strcmp(vgg_bench_string(root, "accumulation"), "float32") != 0
               ? "accumulation isn't float32"
           : !(vgg_bench_number(options, "min_time_s") >= 1) ? "options.min_time_s is below 1"
           : vgg_bench_number(options, "max_time_s") < 5 * vgg_bench_number(options, "min_time_s")
               ? "options.max_time_s is short"
           : cJSON_IsFalse(vgg_bench_member(options, "cold")) ? "options.cold is false"
           : cJSON_GetArraySize(vgg_bench_member(options, "variants")) > 0
               ? "options.variants forces kernels"
           : gemm == NULL || strcmp(gemm, "auto") != 0 ? "options.gemm isn't auto"
           : isfinite(vgg_bench_number(options, "compute_units"))
               ? "options.compute_units leaves some out"
           : vgg_bench_string(root, "layer") != NULL ? "layer leaves layers out"
                                                     : NULL;
}

static void check_class(const vgg_bench_document *document)
{
    const vgg_bench_part part = vgg_bench_part_of(document, NULL);
    const char *said = vgg_bench_string(document->root, "class"),
               *why = vgg_bench_what_opens(document);
    const char *class = why != NULL ? "open" : "closed";
    if (said != NULL ? strcmp(said, class) != 0 : document->own)
        vgg_bench_refuse(&part, "class", said != NULL ? said : "nothing", "%s%s%s", class,
                         why != NULL ? ": " : ": all is by default", why != NULL ? why : "");
    vgg_bench_note(&document->check->checked, "class %s%s%s", class, why != NULL ? ": " : "",
                   why != NULL ? why : "");
}

void vgg_bench_check_origin(const vgg_bench_document *document)
{
    static const char *const names[] = {"class", "kernels",     "weights",      "system", "roof",
                                        "input", "environment", "architecture", "sensors"};
    const vgg_bench_part whole = vgg_bench_part_of(document, NULL);
    const char *error = vgg_bench_string(document->root, "error");
    for (size_t i = 0; document->own && i < sizeof names / sizeof *names; i++)
        if (vgg_bench_member(document->root, names[i]) == NULL)
            vgg_bench_refuse(&whole, names[i], "nothing", "a member of that name");
    if (error != NULL)
        vgg_bench_refuse(&whole, "error", error, "nothing: a result that is whole");
    check_weights(document);
    check_class(document);
    if (document->own)
        check_kernels(document);
    else
        vgg_bench_note(&document->check->unknown, "the kernels of a program that isn't clvgg");
}
#endif
