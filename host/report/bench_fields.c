/* report/bench_fields.c — see bench_fields.h. */
#include "report/bench_fields.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "report/memory.h"

static void *at(const vgg_field *field, void *base)
{
    return (char *)base + field->offset;
}

static void free_pairs(vgg_bench_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        vgg_memory_free(pairs->items[i].name);
        vgg_memory_free(pairs->items[i].value);
    }
    vgg_memory_free(pairs->items);
}

void vgg_fields_free(const vgg_field *fields, size_t count, void *from)
{
    for (size_t i = 0; i < count; i++) {
        void *value = at(&fields[i], from);
        if (fields[i].kind == VGG_FIELD_TEXT)
            vgg_memory_free(*(char **)value);
        else if (fields[i].kind == VGG_FIELD_SAMPLES)
            vgg_memory_free(((vgg_bench_samples *)value)->ms);
        else if (fields[i].kind == VGG_FIELD_PAIRS)
            free_pairs(value);
    }
}

#ifdef CLVGG_HAVE_CJSON

enum { MOST_PAIRS = 4096 };

static clvgg_status refuse(const vgg_field *field, const char *what)
{
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "'%s' must be %s", field->name, what);
}

/* The member, NULL where it or what it is a member of isn't there or is null. */
static clvgg_status find(const cJSON *object, const vgg_field *field, const cJSON **found)
{
    const char *name = field->name, *dot = NULL;
    *found = NULL;
    for (; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
        char group[32];
        memcpy(group, name, (size_t)(dot - name));
        group[dot - name] = '\0';
        object = cJSON_GetObjectItemCaseSensitive(object, group);
        VGG_CHECK(object == NULL || cJSON_IsNull(object) || cJSON_IsObject(object),
                  CLVGG_STATUS_BAD_FILE, "'%s' must be an object", group);
    }
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    const bool is_null = member == NULL || cJSON_IsNull(member);
    if (!is_null)
        *found = member;
    if ((field->need == VGG_FIELD_MUST && is_null) ||
        (field->need == VGG_FIELD_MAY_BE_NULL && member == NULL && !cJSON_IsNull(object)))
        return refuse(field, field->kind == VGG_FIELD_TEXT ? "a string" : "a number, 0 or more");
    return CLVGG_STATUS_OK;
}

static bool is_number(const cJSON *item, double least)
{
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) && item->valuedouble >= least;
}

static clvgg_status read_two(const cJSON *array, const vgg_field *field, double *values)
{
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != 2)
        return refuse(field, "an array of two numbers");
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(array, i);
        if (!is_number(item, 0) && !cJSON_IsNull(item))
            return refuse(field, "two numbers, 0 or more, or null");
        values[i] = cJSON_IsNull(item) ? NAN : item->valuedouble;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_samples(const cJSON *array, const vgg_field *field,
                                 vgg_bench_samples *samples)
{
    const cJSON *item = NULL;
    if (!cJSON_IsArray(array))
        return refuse(field, "an array");
    VGG_MEMORY_NEW_PASS(samples->ms, (size_t)cJSON_GetArraySize(array), "a benchmark's samples");
    cJSON_ArrayForEach(item, array)
    {
        if (!is_number(item, 0))
            return refuse(field, "an array of numbers, 0 or more");
        samples->ms[samples->count++] = item->valuedouble;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_pair(const cJSON *item, vgg_bench_pair *pair)
{
    VGG_MEMORY_COPY_PASS(pair->name, item->string, "a name in a benchmark");
    if (cJSON_IsString(item)) {
        VGG_MEMORY_COPY_PASS(pair->value, item->valuestring, "a value of a benchmark");
        return CLVGG_STATUS_OK;
    }
    char *json = cJSON_PrintUnformatted(item);
    VGG_CHECK(json != NULL, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for '%s'", item->string);
    pair->value = vgg_memory_copy(json, "a value of a benchmark");
    cJSON_free(json);
    return pair->value != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY;
}

static clvgg_status read_pairs(const cJSON *object, const vgg_field *field, vgg_bench_pairs *pairs)
{
    const cJSON *item = NULL;
    if (!cJSON_IsObject(object) || cJSON_GetArraySize(object) > MOST_PAIRS)
        return refuse(field, "an object, of at most 4096 members");
    VGG_MEMORY_NEW_PASS(pairs->items, (size_t)cJSON_GetArraySize(object), "a benchmark's pairs");
    cJSON_ArrayForEach(item, object) VGG_PASS(read_pair(item, &pairs->items[pairs->count++]));
    return CLVGG_STATUS_OK;
}

static clvgg_status read_text(const cJSON *item, const vgg_field *field, char **text)
{
    if (!cJSON_IsString(item))
        return refuse(field, "a string");
    VGG_MEMORY_COPY_PASS(*text, item->valuestring, "a string of a benchmark");
    return CLVGG_STATUS_OK;
}

static clvgg_status read_member(const cJSON *item, const vgg_field *field, void *value)
{
    switch (field->kind) {
    case VGG_FIELD_TEXT:
        return read_text(item, field, value);
    case VGG_FIELD_TWO:
        return read_two(item, field, value);
    case VGG_FIELD_SAMPLES:
        return read_samples(item, field, value);
    case VGG_FIELD_PAIRS:
        return read_pairs(item, field, value);
    case VGG_FIELD_FLAG:
        if (!cJSON_IsBool(item))
            return refuse(field, "true or false");
        *(bool *)value = cJSON_IsTrue(item);
        break;
    case VGG_FIELD_ANSWER:
        if (!cJSON_IsBool(item))
            return refuse(field, "true or false");
        *(vgg_bench_answer *)value = cJSON_IsTrue(item) ? VGG_BENCH_YES : VGG_BENCH_NO;
        break;
    case VGG_FIELD_NUMBER:
    case VGG_FIELD_SIGNED:
        if (!is_number(item, field->kind == VGG_FIELD_NUMBER ? 0 : -INFINITY))
            return refuse(field,
                          field->kind == VGG_FIELD_NUMBER ? "a number, 0 or more" : "a number");
        *(double *)value = item->valuedouble;
        break;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_fields_read(const cJSON *object, const vgg_field *fields, size_t count, void *to)
{
    for (size_t i = 0; i < count; i++) {
        const cJSON *item = NULL;
        double *number = at(&fields[i], to);
        if (fields[i].kind == VGG_FIELD_NUMBER || fields[i].kind == VGG_FIELD_SIGNED)
            *number = NAN;
        if (fields[i].kind == VGG_FIELD_TWO)
            number[0] = number[1] = NAN;
        VGG_PASS(find(object, &fields[i], &item));
        if (item != NULL)
            VGG_PASS(read_member(item, &fields[i], number));
    }
    return CLVGG_STATUS_OK;
}

#endif
