/* report/bench_page_name.c — what a run is called: what all have in common is said once, and each
 * label has what is left. */
#include <stdio.h>
#include <string.h>

#include "report/bench_name.h"
#include "report/bench_page_part.h"
#include "report/memory.h"

const char *vgg_bench_device(const vgg_bench_file *run)
{
    return run->device[0] != '\0' ? run->device : run->cpu != NULL ? run->cpu : "";
}

static void put(vgg_text *text, const char *before, const char *words)
{
    if (words != NULL && words[0] != '\0')
        vgg_text_printf(text, "%s%s", before, words);
}

static void put_program(vgg_text *text, const vgg_bench_file *run)
{
    vgg_text_puts(text, run->program);
    put(text, " ", run->program_version);
}

static void put_commit(vgg_text *text, const vgg_bench_file *run)
{
    if (run->program_commit != NULL)
        vgg_text_printf(text, "commit %.9s", run->program_commit);
}

static void put_model(vgg_text *text, const vgg_bench_file *run)
{
    vgg_text_puts(text, vgg_bench_file_name(run->model));
    put(text, " to ", run->layer);
    put(text, " ", run->mode);
}

static void put_storage(vgg_text *text, const vgg_bench_file *run)
{
    vgg_text_puts(text, run->storage);
}

static void put_device(vgg_text *text, const vgg_bench_file *run)
{
    vgg_text_puts(text, vgg_bench_device(run));
}

static void put_platform(vgg_text *text, const vgg_bench_file *run)
{
    put(text, "", run->platform);
}

static void put_driver(vgg_text *text, const vgg_bench_file *run)
{
    put(text, "driver ", run->driver_version);
}

/* In the order in which labels have them. */
static void (*const traits[])(vgg_text *, const vgg_bench_file *) = {
    put_program, put_model, put_storage, put_device, put_platform, put_commit, put_driver};
enum { TRAITS = sizeof traits / sizeof *traits };

static void join(vgg_text *text, const char *words)
{
    if (words[0] != '\0')
        vgg_text_printf(text, "%s%s", text->length > 0 ? " \xC2\xB7 " : "", words);
}

static bool equal(const vgg_text *a, const vgg_text *b)
{
    return strcmp(vgg_text_string(a), vgg_text_string(b)) == 0;
}

static bool same_program(const vgg_bench_page *page, size_t a, size_t b)
{
    return strcmp(page->runs[a].program, page->runs[b].program) == 0;
}

/* Says of each run whether another run of its program has its label too. */
static void find_twins(const vgg_bench_page *page, bool *twins)
{
    for (size_t i = 0; i < page->run_count; i++) {
        twins[i] = false;
        for (size_t j = 0; j < page->run_count && !twins[i]; j++)
            twins[i] =
                i != j && same_program(page, i, j) && equal(&page->labels[i], &page->labels[j]);
    }
}

/* Says of each run whether the trait tells it from one that has its label too. */
static void find_splits(const vgg_bench_page *page, const vgg_text *words, bool *splits)
{
    for (size_t i = 0; i < page->run_count; i++) {
        splits[i] = false;
        for (size_t j = 0; j < page->run_count && !splits[i]; j++)
            splits[i] = same_program(page, i, j) && equal(&page->labels[i], &page->labels[j]) &&
                        !equal(&words[i], &words[j]);
    }
}

/* Says whether the trait is to be in a run's label: it tells apart any of that program. */
static bool is_wanted(const vgg_bench_page *page, size_t run, const bool *splits)
{
    for (size_t i = 0; i < page->run_count; i++)
        if (splits[i] && same_program(page, i, run))
            return true;
    return false;
}

/* Appends a trait to `common` where all runs share it, else to labels: the program to all. `words`
 * and `splits` [run_count] are for this function to use. */
static void add_trait(vgg_bench_page *page, size_t trait, vgg_text *words, bool *splits)
{
    bool shared = true;
    for (size_t i = 0; i < page->run_count; i++) {
        words[i].length = 0;
        vgg_text_puts(&words[i], "");
        traits[trait](&words[i], &page->runs[i]);
        shared = shared && equal(&words[i], &words[0]);
    }
    if (shared) {
        join(&page->common, vgg_text_string(&words[0]));
        return;
    }
    find_splits(page, words, splits);
    for (size_t i = 0; i < page->run_count; i++)
        if (trait == 0 || is_wanted(page, i, splits))
            join(&page->labels[i], vgg_text_string(&words[i]));
}

/* What no trait tells apart, files do. */
static void add_files(vgg_bench_page *page, bool *twins)
{
    find_twins(page, twins);
    for (size_t i = 0; i < page->run_count; i++)
        if (twins[i] || page->labels[i].length == 0)
            join(&page->labels[i], vgg_bench_file_name(page->runs[i].path));
    find_twins(page, twins); /* files of one name in several folders: a page doesn't tell paths */
    for (size_t i = 0; i < page->run_count; i++)
        if (twins[i]) {
            char number[32];
            snprintf(number, sizeof number, "file %zu", i + 1);
            join(&page->labels[i], number);
        }
}

clvgg_status vgg_bench_page_name(vgg_bench_page *page)
{
    static const char what[] = "the names of results";
    clvgg_status status = CLVGG_STATUS_OK;
    bool *twins = NULL;
    vgg_text *words = NULL;
    VGG_MEMORY_NEW(page->labels, page->run_count, what);
    VGG_MEMORY_NEW(words, page->run_count, what);
    VGG_MEMORY_NEW(twins, page->run_count, what);
    for (size_t i = 0; i < TRAITS; i++)
        add_trait(page, i, words, twins);
    add_files(page, twins);
    for (size_t i = 0; i < page->run_count; i++) {
        VGG_TRY(vgg_text_check(&words[i], what));
        VGG_TRY(vgg_text_check(&page->labels[i], what));
    }
    status = vgg_text_check(&page->common, what);
cleanup:
    for (size_t i = 0; words != NULL && i < page->run_count; i++)
        vgg_text_free(&words[i]);
    vgg_memory_free(words);
    vgg_memory_free(twins);
    return status;
}
