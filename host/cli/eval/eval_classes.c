/* cli/eval/eval_classes.c — which class of the model, or group of --map, a class of the data set
 * is. */
#include <stdio.h>
#include <string.h>

#include "cli/eval/eval.h"

size_t cli_eval_truth(const cli_eval *eval, size_t item)
{
    clvgg_dataset_item info;
    clvgg_dataset_at(eval->dataset, item, &info);
    return eval->classes[info.class_index];
}

/* Names that say nothing: "class 0", "class 1" … */
static bool is_nameless(const cli_run *run)
{
    for (size_t i = 0; i < run->ranked_count; i++) {
        char generated[32];
        snprintf(generated, sizeof generated, "class %zu", i);
        if (strcmp(cli_run_name(run, i), generated) != 0)
            return false;
    }
    return true;
}

/* The only class of that name. False when there is none, or a second one. */
static bool find_class(const cli_run *run, const char *name, size_t *index)
{
    size_t found = 0;
    for (size_t i = 0; i < run->ranked_count; i++)
        if (strcmp(cli_run_name(run, i), name) == 0 && found++ == 0)
            *index = i;
    return found == 1;
}

static void list_name(vgg_text *text, size_t index, size_t count, const char *name)
{
    enum { MOST_NAMES = 8 };
    if (index < MOST_NAMES)
        vgg_text_printf(text, "%s'%.60s'", index > 0 ? ", " : "", name);
    else if (index == MOST_NAMES)
        vgg_text_printf(text, " and %zu more", count - index);
}

static clvgg_status refuse_difference(const cli_eval *eval, const char *missing)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cli_run *run = &eval->run;
    const size_t count = clvgg_dataset_class_count(eval->dataset);
    vgg_text text = {0};
    vgg_text_printf(&text, "class '%.60s' of %s is no%s of the model's classes\n  the data has ",
                    missing, eval->arguments->data, run->map != NULL ? " group" : "ne");
    for (size_t i = 0; i < count; i++)
        list_name(&text, i, count, clvgg_dataset_class_name(eval->dataset, i));
    vgg_text_puts(&text, run->map != NULL ? "\n  the map has " : "\n  the model has ");
    for (size_t i = 0; i < run->ranked_count; i++)
        list_name(&text, i, run->ranked_count, cli_run_name(run, i));
    vgg_text_puts(&text, "\nName the folders as the classes are called, ");
    vgg_text_puts(&text, run->map != NULL ? "or the groups as the folders are."
                                          : "or group the model's classes by --map.");
    VGG_TRY(vgg_text_check(&text, "the names of the classes"));
    status = vgg_fail(CLVGG_STATUS_NOT_FOUND, "%s", text.bytes);
cleanup:
    vgg_text_free(&text);
    return status;
}

clvgg_status cli_eval_match_classes(cli_eval *eval)
{
    const size_t count = clvgg_dataset_class_count(eval->dataset);
    const char *missing = NULL;
    for (size_t i = 0; i < count && missing == NULL; i++) {
        const char *name = clvgg_dataset_class_name(eval->dataset, i);
        if (!find_class(&eval->run, name, &eval->classes[i]))
            missing = name;
    }
    eval->by_order = missing != NULL && count == eval->run.ranked_count && is_nameless(&eval->run);
    for (size_t i = 0; i < count && eval->by_order; i++)
        eval->classes[i] = i;
    return missing == NULL || eval->by_order ? CLVGG_STATUS_OK : refuse_difference(eval, missing);
}
