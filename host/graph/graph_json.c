/* graph/graph_json.c — a graph as JSON: written by base/text.h, read by cJSON where it is built in.
 *
 * Which attributes a layer has, and their defaults, is in its row of layer_table.c. What is read
 * may come from a hostile file: sizes are capped first, and every unknown member is refused by
 * name.
 */
#include <math.h>
#include <string.h>

#include "base/json_parse.h"
#include "graph/layer.h"

/* Integers of a field in its node's attributes. */
static const int64_t *integers_of(const vgg_node *node, const vgg_field *field)
{
    return (const int64_t *)(const void *)((const char *)&node->attributes + field->offset);
}

static bool bool_of(const vgg_node *node, const vgg_field *field)
{
    return *(const bool *)((const char *)&node->attributes + field->offset);
}

static float float_of(const vgg_node *node, const vgg_field *field)
{
    return *(const float *)(const void *)((const char *)&node->attributes + field->offset);
}

static bool has_default(const vgg_node *node, const vgg_field *field)
{
    if (field->required)
        return false;
    if (field->kind == VGG_FIELD_BOOL)
        return bool_of(node, field) == (field->missing != 0);
    for (int i = 0; i < field->count; i++)
        if (integers_of(node, field)[i] != field->missing)
            return false;
    return true;
}

static void write_field(const vgg_node *node, const vgg_field *field, vgg_text *text)
{
    vgg_text_printf(text, ", \"%s\": ", field->name);
    if (field->kind == VGG_FIELD_BOOL) {
        vgg_text_puts(text, bool_of(node, field) ? "true" : "false");
    } else if (field->kind == VGG_FIELD_FLOAT) {
        vgg_text_json_number(text, (double)float_of(node, field));
    } else {
        const int64_t *values = integers_of(node, field);
        vgg_text_puts(text, field->count > 1 ? "[" : "");
        for (int i = 0; i < field->count; i++)
            vgg_text_printf(text, "%s%lld", i > 0 ? ", " : "", (long long)values[i]);
        vgg_text_puts(text, field->count > 1 ? "]" : "");
    }
}

void vgg_graph_write_json(const vgg_graph *graph, vgg_text *text)
{
    const int64_t *dims = graph->nodes[0].output.dims;
    vgg_text_printf(text, "{\"input\": [%lld, %lld, %lld], \"layers\": [", (long long)dims[0],
                    (long long)dims[1], (long long)dims[2]);
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        const vgg_layer *layer = vgg_layer_of(node->type);
        vgg_text_puts(text, i > 1 ? ", {\"name\": " : "{\"name\": ");
        vgg_text_json_string(text, node->name);
        vgg_text_printf(text, ", \"type\": \"%s\", \"input\": ", layer->name);
        vgg_text_json_string(text, graph->nodes[node->inputs[0]].name);
        for (int f = 0; f < layer->field_count; f++)
            if (!has_default(node, &layer->fields[f]))
                write_field(node, &layer->fields[f], text);
        vgg_text_puts(text, "}");
    }
    vgg_text_puts(text, "]}");
}

#ifdef CLVGG_HAVE_CJSON

/* cJSON takes some 64 bytes a value, so this bounds what a small file can make it allocate. */
#define MAX_JSON_BYTES ((size_t)4 << 20)

static bool read_integer(const cJSON *json, int64_t *value)
{
    if (!cJSON_IsNumber(json) || !(fabs(json->valuedouble) <= (double)VGG_MAX_DIM) ||
        json->valuedouble != floor(json->valuedouble))
        return false;
    *value = (int64_t)json->valuedouble;
    return true;
}

/* An integer, or an array of exactly `count` of them. */
static bool read_integers(const cJSON *json, int count, int64_t *values)
{
    if (count == 1)
        return read_integer(json, values);
    if (!cJSON_IsArray(json) || cJSON_GetArraySize(json) != count)
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, json) if (!read_integer(item, values++)) return false;
    return true;
}

static bool read_value(const cJSON *json, const vgg_field *field, vgg_attributes *attributes)
{
    void *at = (char *)attributes + field->offset;
    switch (field->kind) {
    case VGG_FIELD_INTEGER:
        return read_integers(json, field->count, at);
    case VGG_FIELD_BOOL:
        *(bool *)at = cJSON_IsTrue(json);
        return cJSON_IsBool(json);
    default:
        *(float *)at = (float)json->valuedouble;
        return cJSON_IsNumber(json);
    }
}

static void set_missing(const vgg_field *field, vgg_attributes *attributes)
{
    void *at = (char *)attributes + field->offset;
    if (field->kind == VGG_FIELD_BOOL)
        *(bool *)at = field->missing != 0;
    for (int i = 0; field->kind == VGG_FIELD_INTEGER && i < field->count; i++)
        ((int64_t *)at)[i] = field->missing;
}

static bool is_common_member(const char *name)
{
    return strcmp(name, "name") == 0 || strcmp(name, "type") == 0 || strcmp(name, "input") == 0;
}

static clvgg_status read_fields(const cJSON *json, const char *name, const vgg_layer *layer,
                                vgg_attributes *attributes)
{
    static const char *const wanted[] = {[VGG_FIELD_INTEGER] = "integer",
                                         [VGG_FIELD_BOOL] = "true or false",
                                         [VGG_FIELD_FLOAT] = "a number"};
    unsigned seen = 0;
    for (int f = 0; f < layer->field_count; f++)
        set_missing(&layer->fields[f], attributes);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        int f = 0;
        if (is_common_member(item->string))
            continue;
        while (f < layer->field_count && strcmp(layer->fields[f].name, item->string) != 0)
            f++;
        VGG_CHECK(f < layer->field_count, CLVGG_STATUS_BAD_FILE,
                  "%s '%.64s': unknown attribute '%.64s'", layer->name, name, item->string);
        const vgg_field *field = &layer->fields[f];
        VGG_CHECK((seen & 1u << f) == 0, CLVGG_STATUS_BAD_FILE,
                  "%s '%.64s': attribute '%s' is given twice", layer->name, name, field->name);
        seen |= 1u << f;
        bool integer = field->kind == VGG_FIELD_INTEGER;
        VGG_CHECK(read_value(item, field, attributes), CLVGG_STATUS_BAD_FILE,
                  "%s '%.64s': attribute '%s' must be %s%s%s", layer->name, name, field->name,
                  !integer            ? ""
                  : field->count == 1 ? "an "
                  : field->count == 2 ? "two "
                                      : "four ",
                  wanted[field->kind], integer && field->count > 1 ? "s" : "");
    }
    for (int f = 0; f < layer->field_count; f++)
        VGG_CHECK(!layer->fields[f].required || (seen & 1u << f) != 0, CLVGG_STATUS_BAD_FILE,
                  "%s '%.64s': attribute '%s' is missing", layer->name, name,
                  layer->fields[f].name);
    return CLVGG_STATUS_OK;
}

/* The string member `key` of layer `index`, given exactly once. */
static clvgg_status read_string(const cJSON *json, int index, const char *key, const char **value)
{
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (strcmp(item->string, key) != 0)
            continue;
        VGG_CHECK(cJSON_IsString(item) && ++count == 1, CLVGG_STATUS_BAD_FILE,
                  "layer %d: '%s' must be one string", index, key);
        *value = item->valuestring;
    }
    VGG_CHECK(count == 1, CLVGG_STATUS_BAD_FILE, "layer %d: '%s' is missing", index, key);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_layer(const cJSON *json, vgg_graph *graph)
{
    const char *name = NULL, *type_name = NULL, *input_name = NULL;
    vgg_attributes attributes = {0};
    vgg_layer_type type = VGG_LAYER_INPUT;
    VGG_CHECK(cJSON_IsObject(json), CLVGG_STATUS_BAD_FILE, "layer %d is not an object",
              graph->count);
    VGG_PASS(read_string(json, graph->count, "name", &name));
    VGG_PASS(read_string(json, graph->count, "type", &type_name));
    VGG_PASS(read_string(json, graph->count, "input", &input_name));
    VGG_CHECK(vgg_layer_type_from_name(type_name, &type) && type != VGG_LAYER_INPUT,
              CLVGG_STATUS_BAD_FILE, "layer '%.64s': unknown type '%.64s'", name, type_name);
    VGG_PASS(read_fields(json, name, vgg_layer_of(type), &attributes));
    int input = graph->count - 1;
    while (input >= 0 && strcmp(graph->nodes[input].name, input_name) != 0)
        input--;
    VGG_CHECK(input >= 0, CLVGG_STATUS_BAD_FILE,
              "layer '%.64s': its input '%.64s' is no layer before it", name, input_name);
    return vgg_graph_add(graph, name, type, &attributes, input, NULL);
}

clvgg_status vgg_graph_read_json(const char *json, size_t length, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    vgg_graph *graph = NULL;
    const cJSON *input = NULL, *layers = NULL, *item;
    int64_t dims[3];
    *out = NULL;
    VGG_REQUIRE(length <= MAX_JSON_BYTES, CLVGG_STATUS_BAD_FILE,
                "a graph of %zu bytes of JSON, at most %zu are read", length, MAX_JSON_BYTES);
    VGG_TRY(vgg_json_parse(json, length, false, NULL, &root));
    VGG_REQUIRE(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "the graph is not a JSON object");
    cJSON_ArrayForEach(item, root)
    {
        const cJSON **member = strcmp(item->string, "input") == 0    ? &input
                               : strcmp(item->string, "layers") == 0 ? &layers
                                                                     : NULL;
        VGG_REQUIRE(member != NULL, CLVGG_STATUS_BAD_FILE,
                    "the graph has an unknown member '%.64s'", item->string);
        VGG_REQUIRE(*member == NULL, CLVGG_STATUS_BAD_FILE, "the graph has two members '%s'",
                    item->string);
        *member = item;
    }
    VGG_REQUIRE(input != NULL && read_integers(input, 3, dims), CLVGG_STATUS_BAD_FILE,
                "the graph's 'input' must be three integers");
    VGG_REQUIRE(cJSON_IsArray(layers), CLVGG_STATUS_BAD_FILE,
                "the graph's 'layers' must be an array");
    VGG_TRY(vgg_graph_create(dims[0], dims[1], dims[2], &graph));
    cJSON_ArrayForEach(item, layers) VGG_TRY(read_layer(item, graph));
    VGG_GIVE(out, graph);
cleanup:
    vgg_graph_free(graph);
    cJSON_Delete(root);
    /* In a file nothing is the caller's argument, so a wrong value makes a bad file. */
    return status == CLVGG_STATUS_INVALID_ARGUMENT ? vgg_fail_as(CLVGG_STATUS_BAD_FILE) : status;
}

#else

clvgg_status vgg_graph_read_json(const char *json, size_t length, vgg_graph **out)
{
    (void)json;
    (void)length;
    *out = NULL;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "built without cJSON: a graph can't be read");
}

#endif
