/* tune/tuning_json.c — results of tuning as JSON: written by base/text.h, read by cJSON where it is
 * built in. What is read may be hostile: sizes are capped first, every member has a type and a
 * range, and what isn't known is refused by name.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "tune/clblast_tuning.h"
#include "tune/tuning.h"

static const char *const type_names[] = {"cpu", "gpu", "accelerator", "other"};
enum { TYPES = sizeof type_names / sizeof *type_names };

static void write_text(vgg_text *text, const char *before, const char *value)
{
    vgg_text_puts(text, before);
    vgg_text_json_string(text, value);
}

static void write_number(vgg_text *text, const char *before, double value)
{
    vgg_text_puts(text, before);
    vgg_text_json_number(text, value);
}

void vgg_tuning_write(const vgg_tuning *tuning, vgg_text *text)
{
    const vgg_tuning_device *device = &tuning->device;
    const vgg_tunable *tunables = tuning->variant->tunables;
    const char *comma = "";
    write_text(text, "{\"device\": {\"name\": ", device->words);
    write_text(text, ", \"type\": ", type_names[device->type]);
    write_text(text, ", \"vendor\": ", device->vendor);
    vgg_text_printf(text, ", \"vector_width\": %d, \"compute_units\": %d, \"amx\": %s}, ",
                    device->vector_width, device->compute_units, device->amx ? "true" : "false");
    write_text(text, "\"problem\": ", tuning->problem);
    vgg_text_printf(text, ", \"batch\": %d, ", tuning->batch);
    write_text(text, "\"variant\": ", tuning->variant->name);
    vgg_text_puts(text, ", \"kernels\": {");
    for (int i = 0; i < VGG_OP_MAX_PROGRAMS && tuning->kernels[i] != NULL; i++) {
        vgg_text_printf(text, "%s\"%s\": \"%s\"", comma, tuning->kernels[i]->file,
                        tuning->kernels[i]->hash);
        comma = ", ";
    }
    comma = "";
    vgg_text_puts(text, "}, \"parameters\": {");
    for (int i = 0; tunables != NULL && tunables[i].name != NULL; i++)
        if (tuning->choice.values[i] != 0) {
            vgg_text_printf(text, "%s\"%s\": %d", comma, tunables[i].name,
                            tuning->choice.values[i]);
            comma = ", ";
        }
    write_number(text, "}, \"ms\": ", tuning->ms);
    write_number(text, ", \"default_ms\": ", tuning->default_ms);
    vgg_text_puts(text, "}");
}

void vgg_tuning_write_all(const vgg_tuning *entries, size_t count, vgg_text *text)
{
    vgg_text_printf(text, "{\n  \"schema\": %d,\n  \"entries\": [", VGG_TUNING_SCHEMA);
    for (size_t i = 0; i < count; i++) {
        vgg_text_puts(text, i > 0 ? ",\n    " : "\n    ");
        vgg_tuning_write(&entries[i], text);
    }
    vgg_text_puts(text, count > 0 ? "\n  ]\n}\n" : "]\n}\n");
}

#ifdef CLVGG_HAVE_CJSON

/* cJSON takes some 64 bytes a value, so these bound what a small file can make it allocate. */
enum { MAX_FILE_BYTES = 4 << 20, MAX_ENTRIES = 16384 };
enum { MAX_BATCH = 65536, MAX_COUNT = 1 << 20 };

/* The members of an object are exactly `names`, once each. */
static clvgg_status check_members(const cJSON *object, const char *what, const char *const *names,
                                  int count)
{
    const cJSON *item;
    VGG_CHECK(cJSON_IsObject(object), CLVGG_STATUS_BAD_FILE, "%s isn't an object", what);
    cJSON_ArrayForEach(item, object)
    {
        int known = 0;
        for (int i = 0; i < count; i++)
            known += strcmp(names[i], item->string) == 0;
        VGG_CHECK(known == 1, CLVGG_STATUS_BAD_FILE, "%s has an unknown member '%.40s'", what,
                  item->string);
    }
    for (int i = 0; i < count; i++)
        VGG_CHECK(cJSON_GetObjectItemCaseSensitive(object, names[i]) != NULL, CLVGG_STATUS_BAD_FILE,
                  "%s has no '%s'", what, names[i]);
    VGG_CHECK(cJSON_GetArraySize(object) == count, CLVGG_STATUS_BAD_FILE, "%s has a member twice",
              what);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_integer(const cJSON *object, const char *name, int least, int most,
                                 int *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    VGG_CHECK(cJSON_IsNumber(item) && item->valuedouble == floor(item->valuedouble),
              CLVGG_STATUS_BAD_FILE, "'%s' isn't an integer", name);
    VGG_CHECK(item->valuedouble >= least && item->valuedouble <= most, CLVGG_STATUS_BAD_FILE,
              "'%s' is %.9g, not between %d and %d", name, item->valuedouble, least, most);
    *value = (int)item->valuedouble;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_ms(const cJSON *object, const char *name, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    VGG_CHECK(cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 1e9,
              CLVGG_STATUS_BAD_FILE, "'%s' isn't a time in milliseconds", name);
    *value = item->valuedouble;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_text(const cJSON *object, const char *name, char *text, size_t capacity)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    VGG_CHECK(cJSON_IsString(item), CLVGG_STATUS_BAD_FILE, "'%s' isn't a string", name);
    VGG_CHECK(strlen(item->valuestring) < capacity, CLVGG_STATUS_BAD_FILE,
              "'%s' has %zu characters, at most %zu are read", name, strlen(item->valuestring),
              capacity - 1);
    for (const char *at = item->valuestring; *at != '\0'; at++)
        VGG_CHECK((unsigned char)*at >= ' ' && *at != 0x7F, CLVGG_STATUS_BAD_FILE,
                  "'%s' has control characters", name);
    memcpy(text, item->valuestring, strlen(item->valuestring) + 1);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_device(const cJSON *json, vgg_tuning_device *device)
{
    static const char *const names[] = {"name",         "type",          "vendor",
                                        "vector_width", "compute_units", "amx"};
    char type[16];
    int index = 0;
    VGG_PASS(check_members(json, "'device'", names, 6));
    VGG_PASS(read_text(json, "name", device->words, sizeof device->words));
    VGG_PASS(read_text(json, "type", type, sizeof type));
    VGG_PASS(read_text(json, "vendor", device->vendor, sizeof device->vendor));
    VGG_PASS(read_integer(json, "vector_width", 1, 16, &device->vector_width));
    VGG_PASS(read_integer(json, "compute_units", 1, MAX_COUNT, &device->compute_units));
    while (index < TYPES && strcmp(type_names[index], type) != 0)
        index++;
    VGG_CHECK(index < TYPES, CLVGG_STATUS_BAD_FILE,
              "'type' is '%s', not cpu, gpu, accelerator or other", type);
    device->type = (clvgg_device_type)index;
    const cJSON *amx = cJSON_GetObjectItemCaseSensitive(json, "amx");
    VGG_CHECK(cJSON_IsBool(amx), CLVGG_STATUS_BAD_FILE, "'amx' isn't true or false");
    device->amx = cJSON_IsTrue(amx);
    return CLVGG_STATUS_OK;
}

/* Position of a tunable, or −1. */
static int find_tunable(const vgg_variant *variant, const char *name)
{
    for (int i = 0; variant->tunables != NULL && variant->tunables[i].name != NULL; i++)
        if (strcmp(variant->tunables[i].name, name) == 0)
            return i;
    return -1;
}

static clvgg_status read_choice(const cJSON *json, const vgg_variant *variant, vgg_choice *choice)
{
    const cJSON *item;
    *choice = (vgg_choice){{0}};
    VGG_CHECK(cJSON_IsObject(json), CLVGG_STATUS_BAD_FILE, "'parameters' isn't an object");
    cJSON_ArrayForEach(item, json)
    {
        const int index = find_tunable(variant, item->string);
        VGG_CHECK(index >= 0, CLVGG_STATUS_BAD_FILE, "%s has no parameter '%.40s'", variant->name,
                  item->string);
        VGG_CHECK(choice->values[index] == 0, CLVGG_STATUS_BAD_FILE, "'%s' is given twice",
                  item->string);
        const vgg_tunable *tunable = &variant->tunables[index];
        char allowed[128] = "";
        vgg_tunable_list(tunable, allowed, sizeof allowed);
        VGG_CHECK(cJSON_IsNumber(item) && vgg_tunable_allows(tunable, item->valuedouble),
                  CLVGG_STATUS_BAD_FILE, "'%s' of %s is %.9g, not one of%s", tunable->name,
                  variant->name, cJSON_IsNumber(item) ? item->valuedouble : (double)NAN, allowed);
        choice->values[index] = (int)item->valuedouble;
    }
    return CLVGG_STATUS_OK;
}

/* The variant, and that it serves the layer which the problem begins with. */
static clvgg_status read_variant(const cJSON *json, const char *problem,
                                 const vgg_variant **variant)
{
    char name[64];
    const size_t length = strcspn(problem, " ");
    vgg_layer_type type = 0;
    VGG_PASS(read_text(json, "variant", name, sizeof name));
    *variant = vgg_variant_find(name);
    VGG_CHECK(*variant != NULL, CLVGG_STATUS_BAD_FILE, "there is no variant '%s'", name);
    if (strcmp(problem, VGG_CLBLAST_PROBLEM) == 0) {
        VGG_CHECK((*variant)->problem != NULL && strcmp((*variant)->problem, problem) == 0,
                  CLVGG_STATUS_BAD_FILE, "variant %s isn't CLBlast's", name);
        return CLVGG_STATUS_OK;
    }
    while (type < VGG_LAYER_TYPE_COUNT && (strlen(vgg_layer_type_name(type)) != length ||
                                           strncmp(vgg_layer_type_name(type), problem, length)))
        type++;
    VGG_CHECK(type < VGG_LAYER_TYPE_COUNT, CLVGG_STATUS_BAD_FILE,
              "'problem' names no layer: '%.40s'", problem);
    VGG_CHECK(vgg_variant_computes(*variant, type), CLVGG_STATUS_BAD_FILE,
              "variant %s doesn't compute %.*s layers", name, (int)length, problem);
    return CLVGG_STATUS_OK;
}

/* The kernel files that it was measured with; CLBlast's own are none of ours. *foreign: this
 * library has others. */
static clvgg_status read_kernels(const cJSON *json, vgg_tuning *tuning, bool *foreign)
{
    enum { HEXADECIMAL = 64 };
    _Static_assert(VGG_OP_MAX_PROGRAMS == 3, "as the message says");
    const cJSON *item;
    int count = 0;
    const bool clblast = strcmp(tuning->problem, VGG_CLBLAST_PROBLEM) == 0;
    VGG_CHECK(cJSON_IsObject(json), CLVGG_STATUS_BAD_FILE, "'kernels' isn't an object");
    VGG_CHECK(cJSON_GetArraySize(json) <= VGG_OP_MAX_PROGRAMS &&
                  (cJSON_GetArraySize(json) == 0) == clblast,
              CLVGG_STATUS_BAD_FILE, "'kernels' names %d files, not %s", cJSON_GetArraySize(json),
              clblast ? "none" : "1 to 3");
    *foreign = false;
    cJSON_ArrayForEach(item, json)
    {
        VGG_CHECK(cJSON_IsString(item) && strlen(item->valuestring) == HEXADECIMAL &&
                      strspn(item->valuestring, "0123456789abcdef") == HEXADECIMAL,
                  CLVGG_STATUS_BAD_FILE, "'%.40s' of 'kernels' isn't a SHA-256", item->string);
        const vgg_kernel_source *source = vgg_kernel_source_find(item->string);
        for (int i = 0; i < count; i++)
            VGG_CHECK(source == NULL || tuning->kernels[i] != source, CLVGG_STATUS_BAD_FILE,
                      "'%s' is given twice", item->string);
        if (source == NULL || strcmp(source->hash, item->valuestring) != 0)
            *foreign = true;
        else
            tuning->kernels[count++] = source;
    }
    return CLVGG_STATUS_OK;
}

/* Variants and values of other kernels can't be judged, and may be ones that this library hasn't.
 */
static clvgg_status read_entry(const cJSON *json, vgg_tuning *tuning, bool *foreign)
{
    static const char *const names[] = {"device",  "problem",    "batch", "variant",
                                        "kernels", "parameters", "ms",    "default_ms"};
    *tuning = (vgg_tuning){0};
    VGG_PASS(check_members(json, "the result", names, 8));
    VGG_PASS(read_device(cJSON_GetObjectItemCaseSensitive(json, "device"), &tuning->device));
    VGG_PASS(read_text(json, "problem", tuning->problem, sizeof tuning->problem));
    VGG_PASS(read_integer(json, "batch", 1, MAX_BATCH, &tuning->batch));
    VGG_PASS(read_ms(json, "ms", &tuning->ms));
    VGG_PASS(read_ms(json, "default_ms", &tuning->default_ms));
    VGG_PASS(read_kernels(cJSON_GetObjectItemCaseSensitive(json, "kernels"), tuning, foreign));
    if (*foreign)
        return CLVGG_STATUS_OK;
    VGG_PASS(read_variant(json, tuning->problem, &tuning->variant));
    return read_choice(cJSON_GetObjectItemCaseSensitive(json, "parameters"), tuning->variant,
                       &tuning->choice);
}

static clvgg_status parse(const char *json, size_t length, cJSON **root)
{
    const char *end = NULL;
    VGG_CHECK(length <= MAX_FILE_BYTES, CLVGG_STATUS_BAD_FILE, "%zu bytes are more than %d", length,
              MAX_FILE_BYTES);
    VGG_PASS(vgg_json_parse(json, length, false, &end, root));
    VGG_CHECK(*root != NULL, CLVGG_STATUS_BAD_FILE, "isn't JSON, from byte %zu on",
              end != NULL && end >= json ? (size_t)(end - json) : 0);
    while (end < json + length && strchr(" \t\r\n", *end) != NULL && *end != '\0')
        end++;
    VGG_CHECK(end == json + length, CLVGG_STATUS_BAD_FILE, "something follows the JSON value");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_tuning_read(const char *json, size_t length, vgg_tuning *tuning)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    bool foreign = false;
    VGG_TRY(parse(json, length, &root));
    VGG_TRY(read_entry(root, tuning, &foreign));
    VGG_REQUIRE(!foreign, CLVGG_STATUS_UNSUPPORTED,
                "measured with other kernels than this clvgg's");
cleanup:
    cJSON_Delete(root);
    return status;
}

static clvgg_status check_head(const cJSON *root)
{
    static const char *const names[] = {"schema", "entries"};
    int schema = 0;
    VGG_CHECK(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "the file isn't an object");
    VGG_PASS(read_integer(root, "schema", 1, 1 << 30, &schema));
    VGG_CHECK(schema == VGG_TUNING_SCHEMA, CLVGG_STATUS_UNSUPPORTED,
              "schema %d isn't this clvgg's %d", schema, VGG_TUNING_SCHEMA);
    return check_members(root, "the file", names, 2);
}

clvgg_status vgg_tuning_read_all(const char *json, size_t length, vgg_tuning **entries,
                                 size_t *count, size_t *left)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    vgg_tuning *read = NULL;
    const cJSON *item;
    bool foreign = false;
    *entries = NULL;
    *count = *left = 0;
    VGG_TRY(parse(json, length, &root));
    VGG_TRY(check_head(root));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "entries");
    VGG_REQUIRE(cJSON_IsArray(list), CLVGG_STATUS_BAD_FILE, "'entries' isn't an array");
    const size_t most = (size_t)cJSON_GetArraySize(list);
    VGG_REQUIRE(most <= MAX_ENTRIES, CLVGG_STATUS_BAD_FILE, "%zu entries are more than %d", most,
                MAX_ENTRIES);
    VGG_NEW(read, most);
    cJSON_ArrayForEach(item, list)
    {
        VGG_TRY(vgg_prefixed(read_entry(item, &read[*count], &foreign), "entry %zu",
                             *count + *left + 1));
        ++*(foreign ? left : count);
    }
    VGG_GIVE(entries, read);
cleanup:
    if (status != CLVGG_STATUS_OK)
        *count = *left = 0;
    vgg_free(read);
    cJSON_Delete(root);
    return status;
}

#else

clvgg_status vgg_tuning_read(const char *json, size_t length, vgg_tuning *tuning)
{
    (void)json, (void)length, (void)tuning;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "clvgg was built without cJSON");
}

clvgg_status vgg_tuning_read_all(const char *json, size_t length, vgg_tuning **entries,
                                 size_t *count, size_t *left)
{
    (void)json, (void)length;
    *entries = NULL;
    *count = *left = 0;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "clvgg was built without cJSON");
}

#endif
