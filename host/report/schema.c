/* report/schema.c — keywords of a schema, a row each. */
#include "report/schema.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

/* A value, the schema that it is held against, and where it is. */
typedef struct place {
    const cJSON *root, *schema, *value;
    const char *path; /* "results[0].median_ms"; "" for the whole */
    vgg_findings *findings;
} place;

static void check(const place *at);

/* Adds a finding, with the value as it stands there, shortened. */
static void refuse(const place *at, const char *expected)
{
    char actual[96] = "";
    char *printed = cJSON_PrintUnformatted(at->value);
    if (printed == NULL)
        at->findings->texts.failed = true;
    else
        snprintf(actual, sizeof actual, strlen(printed) < sizeof actual ? "%s" : "%.90s...",
                 printed);
    cJSON_free(printed);
    vgg_findings_add(at->findings, at->path[0] != '\0' ? at->path : "the file", actual, "%s",
                     expected);
}

static bool is_type(const cJSON *value, const char *type)
{
    const bool whole = cJSON_IsNumber(value) && floor(value->valuedouble) == value->valuedouble;
    return strcmp(type, "object") == 0    ? cJSON_IsObject(value)
           : strcmp(type, "array") == 0   ? cJSON_IsArray(value)
           : strcmp(type, "string") == 0  ? cJSON_IsString(value)
           : strcmp(type, "boolean") == 0 ? cJSON_IsBool(value)
           : strcmp(type, "null") == 0    ? cJSON_IsNull(value)
           : strcmp(type, "integer") == 0 ? whole
                                          : cJSON_IsNumber(value);
}

/* The words of a keyword that is a string or a list of them: "string or null". */
static void list_words(const cJSON *keyword, char *words, size_t capacity)
{
    const cJSON *word = NULL;
    size_t length = 0;
    words[0] = '\0';
    cJSON_ArrayForEach(word, keyword) if (length < capacity) length += (size_t)snprintf(
        words + length, capacity - length, "%s%s", length > 0 ? " or " : "", word->valuestring);
    if (cJSON_IsString(keyword))
        snprintf(words, capacity, "%s", keyword->valuestring);
}

static void check_type(const place *at, const cJSON *keyword)
{
    char words[128];
    bool good = cJSON_IsString(keyword) && is_type(at->value, keyword->valuestring);
    const cJSON *type = NULL;
    cJSON_ArrayForEach(type, keyword) good = good || is_type(at->value, type->valuestring);
    list_words(keyword, words, sizeof words);
    if (!good)
        refuse(at, words);
}

static void check_enum(const place *at, const cJSON *keyword)
{
    char words[128];
    bool good = cJSON_IsString(keyword) && cJSON_Compare(at->value, keyword, true);
    const cJSON *word = NULL;
    cJSON_ArrayForEach(word, keyword) good = good || cJSON_Compare(at->value, word, true);
    list_words(keyword, words, sizeof words);
    if (!good)
        refuse(at, words);
}

static void check_least(const place *at, const cJSON *keyword)
{
    char words[64];
    const bool above = strcmp(keyword->string, "exclusiveMinimum") == 0;
    snprintf(words, sizeof words, above ? "above %g" : "%g or more", keyword->valuedouble);
    if (cJSON_IsNumber(at->value) && (above ? !(at->value->valuedouble > keyword->valuedouble)
                                            : !(at->value->valuedouble >= keyword->valuedouble)))
        refuse(at, words);
}

static void check_most(const place *at, const cJSON *keyword)
{
    char words[64];
    snprintf(words, sizeof words, "%g at most", keyword->valuedouble);
    if (cJSON_IsNumber(at->value) && !(at->value->valuedouble <= keyword->valuedouble))
        refuse(at, words);
}

static void check_pattern(const place *at, const cJSON *keyword)
{
    char words[128];
    regex_t pattern;
    if (!cJSON_IsString(at->value))
        return;
    if (regcomp(&pattern, keyword->valuestring, REG_EXTENDED | REG_NOSUB) != 0) {
        at->findings->texts.failed = true;
        return;
    }
    snprintf(words, sizeof words, "text like %s", keyword->valuestring);
    if (regexec(&pattern, at->value->valuestring, 0, NULL, 0) != 0)
        refuse(at, words);
    regfree(&pattern);
}

static void check_count(const place *at, const cJSON *keyword)
{
    char words[64];
    const bool most = strcmp(keyword->string, "maxItems") == 0;
    const int count = cJSON_GetArraySize(at->value);
    snprintf(words, sizeof words, "%d %s", keyword->valueint, most ? "at most" : "or more");
    if (cJSON_IsArray(at->value) && (most ? count > keyword->valueint : count < keyword->valueint))
        refuse(at, words);
}

static void check_length(const place *at, const cJSON *keyword)
{
    (void)keyword; /* 1 */
    if (cJSON_IsString(at->value) && at->value->valuestring[0] == '\0')
        refuse(at, "a text that isn't empty");
}

static void check_required(const place *at, const cJSON *keyword)
{
    const cJSON *name = NULL;
    char path[256];
    if (!cJSON_IsObject(at->value))
        return;
    cJSON_ArrayForEach(name, keyword)
    {
        if (cJSON_HasObjectItem(at->value, name->valuestring))
            continue;
        snprintf(path, sizeof path, "%s%s%s", at->path, at->path[0] != '\0' ? "." : "",
                 name->valuestring);
        vgg_findings_add(at->findings, path, "nothing", "a member of that name");
    }
}

/* Goes down into a member or an element. */
static void descend(const place *at, const cJSON *schema, const cJSON *value, const char *path)
{
    const place below = {at->root, schema, value, path, at->findings};
    check(&below);
}

static void check_members(const place *at, const cJSON *properties)
{
    const cJSON *others = cJSON_GetObjectItemCaseSensitive(at->schema, "additionalProperties");
    const cJSON *object = cJSON_IsObject(at->value) ? at->value : NULL, *member = NULL;
    char path[256];
    cJSON_ArrayForEach(member, object)
    {
        const cJSON *schema = cJSON_GetObjectItemCaseSensitive(properties, member->string);
        snprintf(path, sizeof path, "%s%s%s", at->path, at->path[0] != '\0' ? "." : "",
                 member->string);
        if (cJSON_GetObjectItemCaseSensitive(at->value, member->string) != member)
            vgg_findings_add(at->findings, path, "two", "one member of that name");
        else if (schema != NULL || cJSON_IsObject(others))
            descend(at, schema != NULL ? schema : others, member, path);
        else if (others != NULL)
            vgg_findings_add(at->findings, path, "a member", "no member that isn't in the schema");
    }
}

static void check_others(const place *at, const cJSON *keyword)
{
    (void)keyword;
    if (!cJSON_HasObjectItem(at->schema, "properties"))
        check_members(at, NULL);
}

static void check_items(const place *at, const cJSON *keyword)
{
    const cJSON *array = cJSON_IsArray(at->value) ? at->value : NULL, *item = NULL;
    char path[256];
    int index = 0;
    cJSON_ArrayForEach(item, array)
    {
        snprintf(path, sizeof path, "%s[%d]", at->path, index++);
        descend(at, keyword, item, path);
    }
}

static void check_reference(const place *at, const cJSON *keyword)
{
    static const char *const start = "#/$defs/";
    const cJSON *definitions = cJSON_GetObjectItemCaseSensitive(at->root, "$defs");
    const cJSON *schema =
        strncmp(keyword->valuestring, start, strlen(start)) == 0
            ? cJSON_GetObjectItemCaseSensitive(definitions, keyword->valuestring + strlen(start))
            : NULL;
    if (schema != NULL)
        descend(at, schema, at->value, at->path);
    else
        refuse(at, "a definition in the schema");
}

static void pass_over(const place *at, const cJSON *keyword)
{
    (void)at, (void)keyword;
}

static const struct {
    const char *name;
    void (*check)(const place *at, const cJSON *keyword);
} keywords[] = {{"type", check_type},
                {"const", check_enum},
                {"enum", check_enum},
                {"properties", check_members},
                {"required", check_required},
                {"additionalProperties", check_others},
                {"items", check_items},
                {"minItems", check_count},
                {"maxItems", check_count},
                {"minLength", check_length},
                {"pattern", check_pattern},
                {"minimum", check_least},
                {"exclusiveMinimum", check_least},
                {"maximum", check_most},
                {"$ref", check_reference},
                {"description", pass_over},
                {"title", pass_over},
                {"$defs", pass_over},
                {"$schema", pass_over},
                {"$id", pass_over}};

static void check(const place *at)
{
    const cJSON *keyword = NULL;
    cJSON_ArrayForEach(keyword, at->schema)
    {
        size_t i = 0;
        while (i < sizeof keywords / sizeof *keywords &&
               strcmp(keywords[i].name, keyword->string) != 0)
            i++;
        if (i < sizeof keywords / sizeof *keywords)
            keywords[i].check(at, keyword);
        else
            refuse(at, "a schema without other keywords");
    }
}

void vgg_schema_check(const cJSON *schema, const cJSON *value, vgg_findings *findings)
{
    const place whole = {schema, schema, value, "", findings};
    check(&whole);
}
#endif
