#include "support/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item == NULL)
        fail_msg("no member %s", name);
    return item;
}

double number(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    if (!cJSON_IsNumber(item))
        fail_msg("%s is no number", name);
    return item->valuedouble;
}

int integer(const cJSON *object, const char *name)
{
    const double value = number(object, name);
    if (value != (double)(int)value)
        fail_msg("%s is no integer: %g", name, value);
    return (int)value;
}

const char *string(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    if (!cJSON_IsString(item))
        fail_msg("%s is no string", name);
    return item->valuestring;
}
