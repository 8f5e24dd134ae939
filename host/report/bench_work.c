/* report/bench_work.c — see bench_work.h. */
#include "report/bench_work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "report/bench_name.h"

static clvgg_status refuse(const vgg_bench_file *first, const vgg_bench_file *second,
                           const char *name, const char *one, const char *other)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "%s and %s aren't of the same work: '%s' is %s there and %s here", first->path,
                    second->path, name, one, other);
}

/* What is unknown isn't compared. */
static clvgg_status check_text(const vgg_bench_file *first, const vgg_bench_file *second,
                               const char *name, const char *one, const char *other)
{
    return one == NULL || other == NULL || strcmp(one, other) == 0
               ? CLVGG_STATUS_OK
               : refuse(first, second, name, one, other);
}

static clvgg_status check_number(const vgg_bench_file *first, const vgg_bench_file *second,
                                 const char *name, double one, double other)
{
    char words[2][32];
    if (isnan(one) || isnan(other) || one == other)
        return CLVGG_STATUS_OK;
    snprintf(words[0], sizeof words[0], "%.17g", one);
    snprintf(words[1], sizeof words[1], "%.17g", other);
    return refuse(first, second, name, words[0], words[1]);
}

static const char *input_words(const vgg_bench_file *file, char words[128])
{
    size_t length = 0;
    for (size_t i = 0; i < file->input_count; i++)
        length += (size_t)snprintf(words + length, 128 - length, "%s%d", i > 0 ? " x " : "",
                                   file->input[i]);
    return file->input_count > 0 ? words : NULL;
}

static const char *origin_of(const vgg_bench_file *file)
{
    static const char *const words[] = {
        [VGG_BENCH_UNKNOWN] = NULL, [VGG_BENCH_NO] = "false", [VGG_BENCH_YES] = "true"};
    return words[file->random_weights];
}

/* A hash says more than names; files that lack it have a name and what it was made of. */
static clvgg_status check_weights(const vgg_bench_file *first, const vgg_bench_file *second)
{
    if (first->weights_sha256 != NULL && second->weights_sha256 != NULL)
        return check_text(first, second, "weights.sha256", first->weights_sha256,
                          second->weights_sha256);
    VGG_PASS(check_text(first, second, "model", vgg_bench_file_name(first->model),
                        vgg_bench_file_name(second->model)));
    VGG_PASS(check_text(first, second, "random_weights", origin_of(first), origin_of(second)));
    return check_number(first, second, "weights.seed", first->weights_seed, second->weights_seed);
}

/* Older files don't say their input, but how many FLOPs an image of it takes. */
static clvgg_status check_input(const vgg_bench_file *first, const vgg_bench_file *second)
{
    char words[2][128];
    const char *one = input_words(first, words[0]), *other = input_words(second, words[1]);
    return one != NULL && other != NULL
               ? check_text(first, second, "input", one, other)
               : check_number(first, second, "flops", first->flops, second->flops);
}

/* The batches of a file, as many as the words hold; says whether the other file has one of them. */
static bool list_batches(const vgg_bench_file *file, const vgg_bench_file *other, char words[128])
{
    size_t length = (size_t)snprintf(words, 128, "%s", file->result_count > 0 ? "" : "none");
    bool shared = false;
    for (size_t i = 0; i < file->result_count; i++) {
        if (length < 100)
            length += (size_t)snprintf(words + length, 128 - length, "%s%d", i > 0 ? ", " : "",
                                       file->results[i].batch);
        shared = shared || vgg_bench_file_result_of(other, file->results[i].batch) != NULL;
    }
    return shared;
}

static clvgg_status check_batches(const vgg_bench_file *first, const vgg_bench_file *second)
{
    char words[2][128];
    list_batches(second, first, words[1]);
    return list_batches(first, second, words[0])
               ? CLVGG_STATUS_OK
               : refuse(first, second, "batch", words[0], words[1]);
}

static const char *known_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

clvgg_status vgg_bench_same_work(const vgg_bench_file *first, const vgg_bench_file *second)
{
    VGG_PASS(check_text(first, second, "mode", known_or(first->mode, "infer"),
                        known_or(second->mode, "infer")));
    VGG_PASS(check_text(first, second, "architecture", first->architecture, second->architecture));
    VGG_PASS(check_weights(first, second));
    VGG_PASS(check_text(first, second, "layer", known_or(first->layer, "logits"),
                        known_or(second->layer, "logits")));
    VGG_PASS(check_input(first, second));
    VGG_PASS(check_number(first, second, "classes", first->classes, second->classes));
    VGG_PASS(check_text(first, second, "optimizer", first->optimizer, second->optimizer));
    return check_batches(first, second);
}

/* ---- rounds ---- */

static bool are_same_pairs(const vgg_bench_pairs *one, const vgg_bench_pairs *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!vgg_bench_same_text(one->items[i].value, vgg_bench_pair_of(other, one->items[i].name)))
            return false;
    return true;
}

static bool are_same_bits(const vgg_bench_file *one, const vgg_bench_file *other)
{
    for (size_t i = 0; i < one->result_count; i++) {
        const vgg_bench_file_result *found = vgg_bench_file_result_of(other, one->results[i].batch);
        if (found == NULL || !vgg_bench_same_text(found->fingerprint, one->results[i].fingerprint))
            return false;
    }
    return one->result_count == other->result_count;
}

bool vgg_bench_same_setting(const vgg_bench_file *first, const vgg_bench_file *second)
{
    const char *const texts[][2] = {
        {first->program, second->program},
        {first->program_version, second->program_version},
        {first->program_commit, second->program_commit},
        {first->device, second->device},
        {first->platform, second->platform},
        {first->driver_version, second->driver_version},
        {first->cpu, second->cpu},
        {first->os, second->os},
        {first->storage, second->storage},
        {first->accumulation, second->accumulation},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!vgg_bench_same_text(texts[i][0], texts[i][1]))
            return false;
    return first->tuned == second->tuned && are_same_pairs(&first->options, &second->options) &&
           are_same_pairs(&first->environment, &second->environment) &&
           are_same_pairs(&first->kernels, &second->kernels) && are_same_bits(first, second);
}
