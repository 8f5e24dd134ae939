/* report/bench_check_part.c — members of a result, and what is against them. */
#include "report/bench_check_inside.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <stdio.h>

const cJSON *vgg_bench_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

double vgg_bench_number(const cJSON *object, const char *name)
{
    const cJSON *member = vgg_bench_member(object, name);
    return cJSON_IsNumber(member) ? member->valuedouble : NAN;
}

const char *vgg_bench_string(const cJSON *object, const char *name)
{
    const cJSON *member = vgg_bench_member(object, name);
    return cJSON_IsString(member) ? member->valuestring : NULL;
}

bool vgg_bench_is_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(vgg_bench_member(object, name));
}

vgg_bench_part vgg_bench_part_of(const vgg_bench_document *document, const char *name)
{
    vgg_bench_part part = {.check = document->check, .object = document->root};
    if (name != NULL)
        part.object = vgg_bench_member(document->root, name);
    snprintf(part.path, sizeof part.path, "%s", name != NULL ? name : "");
    return part;
}

vgg_bench_part vgg_bench_part_at(const vgg_bench_document *document, const vgg_bench_part *above,
                                 const char *name, const cJSON *item, int index)
{
    vgg_bench_part part = {.check = document->check, .object = item};
    snprintf(part.path, sizeof part.path, "%.40s%s%s[%d]", above != NULL ? above->path : "",
             above != NULL ? "." : "", name, index);
    return part;
}

static void refuse(const vgg_bench_part *part, const char *name, const char *actual,
                   const char *format, va_list arguments)
{
    char member[160], expected[400];
    snprintf(member, sizeof member, "%s%s%s", part->path,
             part->path[0] != '\0' && name[0] != '\0' ? "." : "", name);
    vsnprintf(expected, sizeof expected, format, arguments);
    vgg_findings_add(&part->check->refused, member, actual, "%s", expected);
}

void vgg_bench_refuse(const vgg_bench_part *part, const char *name, const char *actual,
                      const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    refuse(part, name, actual, expected, arguments);
    va_end(arguments);
}

void vgg_bench_refuse_number(const vgg_bench_part *part, const char *name, double actual,
                             const char *expected, ...)
{
    char text[32] = "null";
    va_list arguments;
    va_start(arguments, expected);
    if (isfinite(actual))
        snprintf(text, sizeof text, "%.9g", actual);
    refuse(part, name, text, expected, arguments);
    va_end(arguments);
}

void vgg_bench_expect(const vgg_bench_part *part, const char *name, double expected,
                      const char *why)
{
    const double actual = vgg_bench_number(part->object, name);
    if (isnan(expected) && isnan(actual))
        return;
    if (isnan(expected))
        vgg_bench_refuse_number(part, name, actual, "null: %s", why);
    else if (!(fabs(actual - expected) <= VGG_BENCH_DIGITS * fabs(expected)))
        vgg_bench_refuse_number(part, name, actual, "%.9g: %s", expected, why);
}

void vgg_bench_note(vgg_text *lines, const char *format, ...)
{
    char line[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    vgg_text_printf(lines, "%s\n", line);
}
#endif
