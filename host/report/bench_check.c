/* report/bench_check.c — reading, digest and schema; then the parts. */
#include "report/bench_check.h"

#include "base/sha256.h"

void vgg_bench_check_free(vgg_bench_check *check)
{
    vgg_findings_free(&check->refused);
    vgg_text_free(&check->checked);
    vgg_text_free(&check->unknown);
}

void vgg_bench_digest(const char *bytes, size_t length, char digest[VGG_BENCH_DIGEST])
{
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_sha256_add(&hash, bytes, length);
    vgg_sha256_end_hex(&hash, digest);
}

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "report/bench_check_inside.h"
#include "report/memory.h"
#include "report/schema.h"

static const uint64_t most_bytes = 16 << 20;

/* Where the line of the digest begins: the last but for that which closes the object. NULL where
 * the file doesn't end so. */
static const char *find_digest(const char *bytes, size_t length)
{
    static const char *const start = "  \"digest\": \"", *const close = "\"\n}\n";
    const size_t size = strlen(start) + VGG_BENCH_DIGEST - 1 + strlen(close);
    const char *line = bytes + length - size;
    if (length <= size || strlen(bytes) != length || line[-1] != '\n' ||
        memcmp(line, start, strlen(start)) != 0 ||
        memcmp(bytes + length - strlen(close), close, strlen(close)) != 0)
        return NULL;
    return line;
}

static void check_digest(const char *bytes, size_t length, const cJSON *root,
                         vgg_bench_check *check)
{
    char digest[VGG_BENCH_DIGEST];
    const char *said = vgg_bench_string(root, "digest"), *line = find_digest(bytes, length);
    if (said == NULL || line == NULL) {
        vgg_findings_add(&check->refused, "digest", said != NULL ? "elsewhere" : "nothing",
                         "a digest on the last line but one, as clvgg bench --submit writes it");
        return;
    }
    vgg_bench_digest(bytes, (size_t)(line - bytes), digest);
    if (strcmp(said, digest) != 0)
        vgg_findings_add(&check->refused, "digest", said, "%s: the file was changed", digest);
}

/* The network that was run, where its tables are known and its weights are clvgg's. */
static clvgg_status find_network(vgg_bench_document *document)
{
    static uint64_t seed = VGG_BENCH_SEED;
    const cJSON *input = vgg_bench_member(document->root, "input");
    const char *architecture = vgg_bench_string(document->root, "architecture");
    const char *layer = vgg_bench_string(document->root, "layer");
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    if (!vgg_bench_is_true(document->root, "random_weights") || architecture == NULL ||
        vgg_bench_string(document->root, "mode") != NULL || cJSON_GetArraySize(input) != 3)
        return CLVGG_STATUS_OK;
    description.architecture = architecture;
    description.input_channels = cJSON_GetArrayItem(input, 0)->valueint;
    description.input_height = cJSON_GetArrayItem(input, 1)->valueint;
    description.input_width = cJSON_GetArrayItem(input, 2)->valueint;
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    clvgg_status status =
        clvgg_model_build(document->build->runtime, &description, &document->network);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_find_layer(document->network, layer != NULL ? layer : "logits",
                                        &document->output);
    if (status == CLVGG_STATUS_OK || status == CLVGG_STATUS_OUT_OF_MEMORY)
        return status;
    vgg_findings_add(&document->check->refused, layer != NULL ? "layer" : "architecture",
                     layer != NULL ? layer : architecture,
                     "a network that clvgg has random weights for: %s", clvgg_status_message());
    clvgg_model_free(document->network);
    document->network = NULL;
    return CLVGG_STATUS_OK;
}

static clvgg_status check_content(vgg_bench_document *document)
{
    const char *name = vgg_bench_string(vgg_bench_member(document->root, "program"), "name");
    vgg_bench_check *check = document->check;
    document->own = name != NULL && strcmp(name, "clvgg") == 0;
    vgg_bench_note(&check->checked, "digest and schema clvgg-bench/1");
    VGG_PASS(find_network(document));
    const clvgg_status status = vgg_bench_check_times(document);
    vgg_bench_check_network(document);
    vgg_bench_check_rates(document);
    vgg_bench_check_origin(document);
    vgg_bench_note(&check->unknown,
                   "who made the file: anyone can write a digest that fits what he wrote");
    vgg_bench_note(&check->unknown, "that device, driver, system and sensors are those it names");
    vgg_bench_note(&check->unknown,
                   "times that are wrong but hang together, and which the device could reach");
    clvgg_model_free(document->network);
    return status;
}

clvgg_status vgg_bench_check_text(const vgg_bench_build *build, const char *bytes, size_t length,
                                  vgg_bench_check *check)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL, *schema = NULL;
    vgg_bench_document document = {.build = build, .check = check};
    VGG_TRY(vgg_json_parse(bytes, length + 1, true, NULL, &root));
    VGG_REQUIRE(root != NULL, CLVGG_STATUS_BAD_FILE, "not JSON, so no result of clvgg bench");
    VGG_TRY(vgg_json_parse(vgg_bench_schema, strlen(vgg_bench_schema) + 1, true, NULL, &schema));
    vgg_schema_check(schema, root, &check->refused);
    check_digest(bytes, length, root, check);
    document.root = root;
    if (check->refused.count == 0) /* what follows relies on both */
        VGG_TRY(check_content(&document));
    VGG_TRY(vgg_text_check(&check->refused.texts, "what a check found"));
    VGG_TRY(vgg_text_check(&check->checked, "what was checked"));
    VGG_TRY(vgg_text_check(&check->unknown, "what can't be checked"));
cleanup:
    cJSON_Delete(schema);
    cJSON_Delete(root);
    return status;
}

clvgg_status vgg_bench_class_of(const vgg_bench_build *build, const char *bytes, size_t length,
                                const char **class)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    vgg_bench_check ignored = {0};
    vgg_bench_document document = {.build = build, .check = &ignored, .own = true};
    VGG_TRY(vgg_json_parse(bytes, length + 1, true, NULL, &root));
    VGG_REQUIRE(root != NULL, CLVGG_STATUS_BAD_FILE, "not JSON, so no result of clvgg bench");
    document.root = root;
    VGG_TRY(find_network(&document));
    *class = vgg_bench_what_opens(&document) != NULL ? "open" : "closed";
cleanup:
    clvgg_model_free(document.network);
    vgg_bench_check_free(&ignored);
    cJSON_Delete(root);
    return status;
}

clvgg_status vgg_bench_check_file(const vgg_bench_build *build, const char *path,
                                  vgg_bench_check *check)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    VGG_PASS(vgg_memory_for(vgg_file_read_all(path, most_bytes, &bytes, &size), path));
    const clvgg_status status = vgg_bench_check_text(build, (const char *)bytes, size, check);
    vgg_free(bytes);
    return vgg_prefixed(status, "%s", path);
}

#else

clvgg_status vgg_bench_check_text(const vgg_bench_build *build, const char *bytes, size_t length,
                                  vgg_bench_check *check)
{
    (void)build, (void)bytes, (void)length, (void)check;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "this program is built without cJSON");
}

clvgg_status vgg_bench_class_of(const vgg_bench_build *build, const char *bytes, size_t length,
                                const char **class)
{
    (void)class;
    return vgg_bench_check_text(build, bytes, length, NULL);
}

clvgg_status vgg_bench_check_file(const vgg_bench_build *build, const char *path,
                                  vgg_bench_check *check)
{
    return vgg_prefixed(vgg_bench_check_text(build, NULL, 0, check), "%s", path);
}

#endif
