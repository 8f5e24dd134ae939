/* support/json.h — members of JSON objects; the test fails, and names the member, where one is
 * missing or of another type. */
#ifndef TEST_SUPPORT_JSON_H
#define TEST_SUPPORT_JSON_H

struct cJSON;

const struct cJSON *member(const struct cJSON *object, const char *name);
double number(const struct cJSON *object, const char *name);
int integer(const struct cJSON *object, const char *name);
const char *string(const struct cJSON *object, const char *name);

#endif
