/* report/json.c — nesting, commas and line breaks of the JSON writer. */
#include "report/json.h"

#include <assert.h>
#include <inttypes.h>

static void break_line(vgg_json *json)
{
    vgg_text_printf(json->text, "\n%*s", 2 * json->depth, "");
}

/* Writes what comes before a value: comma, line break, key. */
static void lead(vgg_json *json, const char *key)
{
    if (json->depth > 0) {
        bool lines = json->levels[json->depth - 1].lines;
        if (json->levels[json->depth - 1].used)
            vgg_text_puts(json->text, lines ? "," : ", ");
        json->levels[json->depth - 1].used = true;
        if (lines)
            break_line(json);
    }
    if (key != NULL) {
        vgg_text_json_string(json->text, key);
        vgg_text_puts(json->text, ": ");
    }
}

static void begin(vgg_json *json, const char *key, const char *open, char close)
{
    lead(json, key);
    assert(json->depth < VGG_JSON_DEPTH);
    vgg_text_puts(json->text, open);
    bool lines = json->depth == 0 || (json->depth == 1 && close == ']');
    json->levels[json->depth].close = close;
    json->levels[json->depth].used = false;
    json->levels[json->depth].lines = lines;
    json->depth++;
}

void vgg_json_begin_object(vgg_json *json, const char *key)
{
    begin(json, key, "{", '}');
}

void vgg_json_begin_array(vgg_json *json, const char *key)
{
    begin(json, key, "[", ']');
}

void vgg_json_begin(vgg_json *json, vgg_text *text)
{
    *json = (vgg_json){.text = text};
    vgg_json_begin_object(json, NULL);
    vgg_json_integer(json, "schema", 1);
}

void vgg_json_end(vgg_json *json)
{
    assert(json->depth > 0);
    json->depth--;
    if (json->levels[json->depth].lines && json->levels[json->depth].used)
        break_line(json);
    vgg_text_append(json->text, &json->levels[json->depth].close, 1);
    if (json->depth == 0)
        vgg_text_puts(json->text, "\n");
}

void vgg_json_string(vgg_json *json, const char *key, const char *value)
{
    lead(json, key);
    vgg_text_json_string(json->text, value);
}

void vgg_json_number(vgg_json *json, const char *key, double value)
{
    lead(json, key);
    vgg_text_json_number(json->text, value);
}

void vgg_json_integer(vgg_json *json, const char *key, int64_t value)
{
    lead(json, key);
    vgg_text_printf(json->text, "%" PRId64, value);
}

void vgg_json_integers(vgg_json *json, const char *key, const int64_t *values, size_t count)
{
    vgg_json_begin_array(json, key);
    for (size_t i = 0; i < count; i++)
        vgg_json_integer(json, NULL, values[i]);
    vgg_json_end(json);
}

void vgg_json_numbers(vgg_json *json, const char *key, const double *values, size_t count)
{
    vgg_json_begin_array(json, key);
    for (size_t i = 0; i < count; i++)
        vgg_json_number(json, NULL, values[i]);
    vgg_json_end(json);
}

void vgg_json_bytes(vgg_json *json, const char *key, uint64_t value)
{
    lead(json, key);
    vgg_text_printf(json->text, "%" PRIu64, value);
}

void vgg_json_bool(vgg_json *json, const char *key, bool value)
{
    lead(json, key);
    vgg_text_puts(json->text, value ? "true" : "false");
}

void vgg_json_file(vgg_json *json, const char *file, const char *key, const char *words)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "file", file);
    vgg_json_string(json, key, words);
    vgg_json_end(json);
}

void vgg_json_object(vgg_json *json, vgg_text *text)
{
    lead(json, NULL);
    if (text->length > 0 && text->bytes[text->length - 1] == '\n')
        text->length--;
    vgg_text_join(json->text, text);
    text->length = 0;
}

void vgg_json_raw(vgg_json *json, const char *key, const char *value)
{
    lead(json, key);
    vgg_text_puts(json->text, value);
}
