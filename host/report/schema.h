/* report/schema.h — JSON held against a JSON Schema, of which the keywords of bench/schema.json are
 * understood (2020-12: type, const, enum, properties, required, additionalProperties, items,
 * minItems, maxItems, minLength, pattern, minimum, exclusiveMinimum, maximum, $ref into $defs). */
#ifndef VGG_REPORT_SCHEMA_H
#define VGG_REPORT_SCHEMA_H

#include "report/findings.h"

/* Generated from bench/schema.json. */
extern const char *const vgg_bench_schema;

#ifdef CLVGG_HAVE_CJSON
#include "base/json_parse.h"

/* Adds a finding for all in `value` that the schema doesn't allow, and for every member that comes
 * twice. A keyword that isn't understood is a finding too. */
void vgg_schema_check(const cJSON *schema, const cJSON *value, vgg_findings *findings);
#endif

#endif
