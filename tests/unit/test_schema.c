/* test_schema.c — report/schema.h on small schemas, and what holds for bench/schema.json itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/schema.h"

/* The findings of a value, "member: expected, is actual; …". */
static void assert_findings(const char *schema_text, const char *value_text, const char *expected)
{
    char words[1024] = "";
    cJSON *schema = cJSON_Parse(schema_text), *value = cJSON_Parse(value_text);
    vgg_findings findings = {0};
    vgg_finding finding = {0};
    assert_non_null(schema);
    assert_non_null(value);
    vgg_schema_check(schema, value, &findings);
    while (vgg_findings_next(&findings, &finding))
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s: %s, is %s",
                 words[0] != '\0' ? "; " : "", finding.member, finding.expected, finding.actual);
    assert_string_equal(words, expected);
    vgg_findings_free(&findings);
    cJSON_Delete(value);
    cJSON_Delete(schema);
}

static void test_types(void **state)
{
    (void)state;
    assert_findings("{\"type\": \"integer\"}", "3", "");
    assert_findings("{\"type\": \"integer\"}", "3.5", "the file: integer, is 3.5");
    assert_findings("{\"type\": \"number\"}", "3.5", "");
    assert_findings("{\"type\": [\"string\", \"null\"]}", "null", "");
    assert_findings("{\"type\": [\"string\", \"null\"]}", "true",
                    "the file: string or null, is true");
    assert_findings("{\"type\": \"object\"}", "[]", "the file: object, is []");
    assert_findings("{\"const\": \"a\"}", "\"b\"", "the file: a, is \"b\"");
    assert_findings("{\"enum\": [\"a\", \"b\"]}", "\"b\"", "");
    assert_findings("{\"enum\": [\"a\", \"b\"]}", "1", "the file: a or b, is 1");
}

static void test_limits(void **state)
{
    (void)state;
    assert_findings("{\"minimum\": 0}", "0", "");
    assert_findings("{\"minimum\": 0}", "-1", "the file: 0 or more, is -1");
    assert_findings("{\"exclusiveMinimum\": 0}", "0", "the file: above 0, is 0");
    assert_findings("{\"maximum\": 5}", "6", "the file: 5 at most, is 6");
    assert_findings("{\"minItems\": 2}", "[1]", "the file: 2 or more, is [1]");
    assert_findings("{\"maxItems\": 1}", "[1,2]", "the file: 1 at most, is [1,2]");
    assert_findings("{\"minLength\": 1}", "\"\"", "the file: a text that isn't empty, is \"\"");
    assert_findings("{\"pattern\": \"^[0-9]+$\"}", "\"12\"", "");
    assert_findings("{\"pattern\": \"^[0-9]+$\"}", "\"1x\"",
                    "the file: text like ^[0-9]+$, is \"1x\"");
}

static void test_members(void **state)
{
    static const char *const schema =
        "{\"required\": [\"a\"], \"additionalProperties\": false, \"properties\": {\"a\": "
        "{\"$ref\": \"#/$defs/n\"}, \"b\": {\"type\": \"array\", \"items\": {\"$ref\": "
        "\"#/$defs/n\"}}}, \"$defs\": {\"n\": {\"type\": \"number\"}}}";
    (void)state;
    assert_findings(schema, "{\"a\": 1, \"b\": [1, 2]}", "");
    assert_findings(schema, "{}", "a: a member of that name, is nothing");
    assert_findings(schema, "{\"a\": null}", "a: number, is null");
    assert_findings(schema, "{\"a\": 1, \"b\": [1, \"x\"]}", "b[1]: number, is \"x\"");
    assert_findings(schema, "{\"a\": 1, \"c\": 1}",
                    "c: no member that isn't in the schema, is a member");
    assert_findings(schema, "{\"a\": 1, \"a\": 2}", "a: one member of that name, is two");
    assert_findings("{\"additionalProperties\": {\"type\": \"string\"}}", "{\"x\": 1}",
                    "x: string, is 1");
    assert_findings("{\"oneOf\": []}", "1", "the file: a schema without other keywords, is 1");
}

/* All members are described, by themselves or where they are defined. */
static void assert_described(const cJSON *root, const cJSON *schema, const char *name)
{
    const cJSON *properties = cJSON_GetObjectItem(schema, "properties"), *property = NULL;
    const cJSON *items = cJSON_GetObjectItem(schema, "items");
    cJSON_ArrayForEach(property, properties)
    {
        const cJSON *reference = cJSON_GetObjectItem(property, "$ref");
        const cJSON *definition =
            reference != NULL ? cJSON_GetObjectItem(cJSON_GetObjectItem(root, "$defs"),
                                                    reference->valuestring + strlen("#/$defs/"))
                              : property;
        if (!cJSON_HasObjectItem(property, "description") &&
            !cJSON_HasObjectItem(definition, "description"))
            fail_msg("%s.%s isn't described", name, property->string);
        assert_described(root, property, property->string);
    }
    if (items != NULL)
        assert_described(root, items, name);
}

static void test_every_member_is_described(void **state)
{
    cJSON *schema = cJSON_Parse(vgg_bench_schema);
    const cJSON *definition = NULL;
    (void)state;
    assert_non_null(schema);
    assert_described(schema, schema, "the file");
    cJSON_ArrayForEach(definition, cJSON_GetObjectItem(schema, "$defs"))
        assert_described(schema, definition, definition->string);
    cJSON_Delete(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_every_member_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
