/* cli/cmd_cache.c — `clvgg cache`: what is kept between runs, and throwing it away. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/options.h"
#include "clvgg/cache.h"
#include "report/format.h"
#include "report/json.h"
#include "report/table.h"

typedef struct cache_arguments {
    bool json;
    cli_operands action;
} cache_arguments;

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, offsetof(cache_arguments, action), "ACTION", 0, 0, ""},
    {"json", 0, CLI_OPTION_FLAG, offsetof(cache_arguments, json), NULL, 0, 0,
     "With list: print one JSON object"},
    {0},
};

static bool clears(const cache_arguments *arguments)
{
    return strcmp(arguments->action.items[0], "clear") == 0;
}

static const char *check(const void *given)
{
    const cache_arguments *arguments = given;
    if (arguments->action.count != 1 ||
        (!clears(arguments) && strcmp(arguments->action.items[0], "list") != 0))
        return "needs one of list, clear";
    return clears(arguments) && arguments->json ? "--json is for list" : NULL;
}

typedef struct cache_sum {
    size_t count;
    uint64_t bytes;
} cache_sum;

/* A list while it is printed. */
typedef struct cache_list {
    vgg_table table;
    vgg_json json;
    cache_sum sum, packed; /* packed weights lie beside the others */
} cache_list;

/* The places that the verb looks after. */
typedef struct cache_places {
    clvgg_runtime *runtime;
    const char *file, *folder, *packed; /* the folders of features and of packed weights */
} cache_places;

static void add_to_sum(cache_list *list, const clvgg_cache_entry *entry)
{
    cache_sum *sum = strcmp(entry->kind, "packed") == 0 ? &list->packed : &list->sum;
    sum->count++;
    sum->bytes += entry->bytes;
}

static void format_day(int64_t seconds, char day[16])
{
    const time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL || strftime(day, 16, "%Y-%m-%d", &parts) == 0)
        strcpy(day, "?");
}

static void put_row(void *user, const clvgg_cache_entry *entry)
{
    cache_list *list = user;
    char day[16];
    format_day(entry->last_use, day);
    vgg_table_put(&list->table, entry->kind);
    char name[16] = ""; /* a file of features has 64 digits */
    snprintf(name, sizeof name, "%.12s", entry->name);
    const bool features = strcmp(entry->kind, "features") == 0;
    vgg_table_put(&list->table, features ? name : entry->name);
    vgg_table_put(&list->table, day);
    vgg_table_put(&list->table, VGG_SIZE(entry->bytes));
    vgg_table_put(&list->table, entry->options);
    vgg_table_put(&list->table, entry->device);
    add_to_sum(list, entry);
}

static void put_object(void *user, const clvgg_cache_entry *entry)
{
    cache_list *list = user;
    char day[16];
    format_day(entry->last_use, day);
    vgg_json_begin_object(&list->json, NULL);
    vgg_json_string(&list->json, "kind", entry->kind);
    vgg_json_string(&list->json, "name", entry->name);
    vgg_json_string(&list->json, "options", entry->options);
    vgg_json_string(&list->json, "device", entry->device);
    vgg_json_bytes(&list->json, "bytes", entry->bytes);
    vgg_json_string(&list->json, "last_use", day);
    vgg_json_end(&list->json);
    add_to_sum(list, entry);
}

static void count_only(void *user, const clvgg_cache_entry *entry)
{
    add_to_sum(user, entry);
}

/* "PATH: 2 entries, 1.5 MiB"; `words` stands behind the entries. */
static void put_sum(vgg_text *text, const char *path, const cache_sum *sum, const char *words)
{
    vgg_text_terminal(text, path);
    vgg_text_printf(text, ": %zu %s%s, %s\n", sum->count,
                    vgg_plural(sum->count, "entry", "entries"), words, VGG_SIZE(sum->bytes));
}

static clvgg_status list_text(cli_program *cli, const cache_places *places)
{
    static const vgg_column columns[] = {{"kind", false}, {"name", false},    {"last use", false},
                                         {"size", true},  {"options", false}, {"device", false}};
    vgg_text *text = &cli->out.text;
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text rows = {0};
    cache_list list = {
        .table = {.columns = columns, .column_count = sizeof columns / sizeof *columns}};
    VGG_TRY(clvgg_cache_list(places->runtime, put_row, &list));
    const cache_sum file = list.sum;
    list.sum = (cache_sum){0};
    VGG_TRY(clvgg_cache_list_features(places->runtime, places->folder, put_row, &list));
    vgg_table_finish(&list.table, &cli->out_style, &rows);
    put_sum(text, places->file, &file, "");
    if (list.packed.count > 0)
        put_sum(text, places->packed, &list.packed, "");
    if (list.sum.count > 0)
        put_sum(text, places->folder, &list.sum, "");
    if (file.count + list.packed.count + list.sum.count > 0)
        vgg_text_join(text, &rows);
cleanup:
    vgg_text_free(&list.table.cells);
    vgg_text_free(&rows);
    return status;
}

static clvgg_status list_json(cli_program *cli, const cache_places *places)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text text = {0};
    cache_list list = {0};
    vgg_json_begin(&list.json, &text);
    vgg_json_string(&list.json, "path", places->file);
    vgg_json_string(&list.json, "features_path", places->folder);
    vgg_json_string(&list.json, "packed_path", places->packed);
    vgg_json_begin_array(&list.json, "entries");
    VGG_TRY(vgg_text_check(&text, "the list of entries"));
    VGG_TRY(clvgg_cache_list(places->runtime, put_object, &list));
    VGG_TRY(clvgg_cache_list_features(places->runtime, places->folder, put_object, &list));
    vgg_json_end(&list.json);
    vgg_json_bytes(&list.json, "bytes", list.sum.bytes + list.packed.bytes);
    vgg_json_end(&list.json);
    vgg_text_join(&cli->out.text, &text);
cleanup:
    vgg_text_free(&text);
    return status;
}

/* Says what is gone, and how many files of features stay because they are used. */
static clvgg_status clear(cli_program *cli, const cache_places *places)
{
    vgg_text *text = &cli->out.text;
    cache_list file = {0}, features = {0}, used = {0};
    VGG_PASS(clvgg_cache_list(places->runtime, count_only, &file));
    VGG_PASS(clvgg_cache_clear(places->runtime));
    put_sum(text, places->file, &file.sum, " removed");
    if (file.packed.count > 0)
        put_sum(text, places->packed, &file.packed, " removed");
    const clvgg_status status =
        clvgg_cache_clear_features(places->runtime, places->folder, count_only, &features);
    if (features.sum.count > 0)
        put_sum(text, places->folder, &features.sum, " removed");
    VGG_PASS(status);
    VGG_PASS(clvgg_cache_list_features(places->runtime, places->folder, count_only, &used));
    if (used.sum.count > 0)
        put_sum(text, places->folder, &used.sum, " in use, kept");
    return CLVGG_STATUS_OK;
}

static clvgg_status run_cache(cli_program *cli, const void *given)
{
    const cache_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0}, folder = {0}, packed = {0};
    cache_places places = {0};
    cli->silent = true; /* what a warning would say is the error here */
    VGG_TRY(cli_cache_path(cli, &path));
    VGG_TRY(cli_beside_cache(cli, "features", &folder));
    VGG_TRY(cli_beside_cache(cli, "packed", &packed));
    VGG_REQUIRE(path.bytes != NULL, CLVGG_STATUS_NOT_FOUND, "%s",
                cli->cache != NULL ? "CLVGG_CACHE turns the cache off"
                                   : "no cache: neither HOME nor XDG_CACHE_HOME says where");
    places.file = path.bytes;
    places.folder = folder.bytes;
    places.packed = packed.bytes;
    VGG_TRY(cli_runtime(cli, &places.runtime));
    VGG_TRY((clears(arguments) ? clear : arguments->json ? list_json : list_text)(cli, &places));
cleanup:
    clvgg_runtime_free(places.runtime);
    vgg_text_free(&path);
    vgg_text_free(&folder);
    vgg_text_free(&packed);
    return status;
}

const cli_verb cli_verb_cache = {
    .name = "cache",
    .summary = "list or clear what is kept between runs",
    .usage = "list [--json] | clear",
    .description =
        "Programs compiled for a device and results of clvgg tune are kept in one file,\n"
        "$XDG_CACHE_HOME/clvgg/cache.sqlite or ~/.cache/clvgg/cache.sqlite (CLVGG_CACHE=FILE "
        "names\n"
        "another, CLVGG_CACHE=off none).\n"
        "Beyond 256 MiB what went unused longest is dropped. Beside it, in packed, are large\n"
        "weights as kernels of CPUs read them, up to 2 GiB, and in features those that clvgg\n"
        "finetune keeps of photographs. All may be deleted at any time.",
    .examples = "  clvgg cache list\n"
                "  clvgg cache clear\n",
    .options = options,
    .arguments_size = sizeof(cache_arguments),
    .check = check,
    .run = run_cache,
};
