/* weights/torch/weights_torch_export.c — what torch.export.save() writes (.pt2): a zip archive.
 *
 * In a folder of any name: data/weights/MODEL_weights_config.json, which says of each tensor the
 * member of data/weights that holds its storage, shape, strides and offset; models/MODEL.json, the
 * program. Source: torch/export/pt2_archive/_package.py and torch/_export/serde/schema.py. Before
 * PyTorch 2.8 the weights lay in an archive within the archive, which isn't read.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "weights/torch/torch.h"

#define NAME "a PyTorch exported program (.pt2)"

#if defined CLVGG_HAVE_ZIP && defined CLVGG_HAVE_CJSON

#define DATA "/data/weights/"
#define CONFIG "_weights_config.json"
enum { LARGEST_CONFIG = 2 << 20 }; /* a network of five thousand tensors */

/* FOLDER/data/weights/MODEL_weights_config.json */
static bool is_config(const char *name)
{
    const char *slash = strchr(name, '/');
    const size_t bytes = strlen(name), end = strlen(CONFIG);
    return slash != NULL && strncmp(slash, DATA, strlen(DATA)) == 0 && bytes > end &&
           strcmp(name + bytes - end, CONFIG) == 0;
}

/* Of a program without a config that is read: of an older version, or one that was compiled. */
static bool is_other_program(const char *name)
{
    const char *slash = strchr(name, '/');
    return strcmp(name, "serialized_exported_program.json") == 0 ||
           (slash != NULL && strcmp(slash, "/archive_format") == 0);
}

static bool matches(const vgg_candidate *candidate)
{
    const size_t count = candidate->archive != NULL ? vgg_archive_count(candidate->archive) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = vgg_archive_member_at(candidate->archive, i)->name;
        if (is_config(name) || is_other_program(name))
            return true;
    }
    return false;
}

typedef struct exported {
    const vgg_archive *archive;
    const vgg_archive_member *config;
} exported;

static clvgg_status find_config(exported *program)
{
    for (size_t i = 0; i < vgg_archive_count(program->archive); i++) {
        const vgg_archive_member *member = vgg_archive_member_at(program->archive, i);
        if (!is_config(member->name))
            continue;
        VGG_CHECK(program->config == NULL, CLVGG_STATUS_UNSUPPORTED,
                  "holds several models; export the network alone");
        program->config = member;
    }
    VGG_CHECK(program->config != NULL, CLVGG_STATUS_UNSUPPORTED,
              "is a PyTorch program whose weights aren't where versions from 2.8 on put them; save "
              "the program's state_dict with torch.save()");
    return CLVGG_STATUS_OK;
}

static clvgg_status find_storage(const vgg_torch_reader *reader, const char *key,
                                 vgg_torch_storage *out)
{
    const exported *program = reader->user;
    const char *folder = program->config->name;
    char name[1024];
    const int length = snprintf(name, sizeof name, "%.*s" DATA "%s",
                                (int)(strchr(folder, '/') - folder), folder, key);
    const vgg_archive_member *member =
        length < (int)sizeof name ? vgg_archive_find(program->archive, name) : NULL;
    VGG_CHECK(member != NULL, CLVGG_STATUS_BAD_FILE, "its values, \"%s\", aren't in the archive",
              key);
    *out = (vgg_torch_storage){.member = member, .bytes = member->bytes};
    return CLVGG_STATUS_OK;
}

/* An integer of 0 or more, as it is or as {"as_int": …}. */
static bool integer_of(const cJSON *item, uint64_t *value)
{
    if (cJSON_IsObject(item))
        item = cJSON_GetObjectItemCaseSensitive(item, "as_int");
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 0x1p53) ||
        item->valuedouble != (double)(uint64_t)item->valuedouble)
        return false;
    *value = (uint64_t)item->valuedouble;
    return true;
}

/* schema.py's ScalarType. */
static const vgg_torch_type *type_of(const cJSON *item)
{
    static const char *const names[] = {[1] = "uint8",
                                        [2] = "int8",
                                        [3] = "int16",
                                        [4] = "int32",
                                        [5] = "int64",
                                        [6] = "float16",
                                        [7] = "float32",
                                        [8] = "float64",
                                        [9] = "complex32",
                                        [10] = "complex64",
                                        [11] = "complex128",
                                        [12] = "bool",
                                        [13] = "bfloat16",
                                        [28] = "uint16",
                                        [29] = "float8_e4m3fn",
                                        [30] = "float8_e5m2",
                                        [31] = "float8_e4m3fnuz",
                                        [32] = "float8_e5m2fnuz",
                                        [33] = "float8_e8m0fnu",
                                        [34] = "uint32",
                                        [35] = "uint64"};
    uint64_t number;
    if (!integer_of(item, &number) || number >= sizeof names / sizeof *names ||
        names[number] == NULL)
        return NULL;
    return vgg_torch_type_named(names[number]);
}

static clvgg_status read_extents(const cJSON *array, const char *what,
                                 int64_t extents[CLVGG_MAX_RANK], int *rank)
{
    const cJSON *item;
    *rank = 0;
    VGG_CHECK(cJSON_IsArray(array), CLVGG_STATUS_BAD_FILE, "its %s aren't an array", what);
    cJSON_ArrayForEach(item, array)
    {
        uint64_t extent;
        VGG_CHECK(*rank < CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED, "has more than %d dimensions",
                  CLVGG_MAX_RANK);
        VGG_CHECK(integer_of(item, &extent), CLVGG_STATUS_BAD_FILE,
                  "one of its %s isn't an integer that is 0 or more", what);
        extents[(*rank)++] = (int64_t)extent;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensor(const vgg_torch_reader *reader, const cJSON *item,
                                vgg_torch_tensor *out)
{
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(item, "tensor_meta");
    const cJSON *layout = cJSON_GetObjectItemCaseSensitive(meta, "layout");
    vgg_torch_storage storage = {0};
    int strides;
    out->type = type_of(cJSON_GetObjectItemCaseSensitive(meta, "dtype"));
    VGG_CHECK(out->type != NULL, CLVGG_STATUS_UNSUPPORTED, "is of an unknown element type");
    out->storage = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "path_name"));
    VGG_CHECK(out->storage != NULL, CLVGG_STATUS_BAD_FILE, "has no path_name");
    VGG_PASS(read_extents(cJSON_GetObjectItemCaseSensitive(meta, "sizes"), "sizes", out->dims,
                          &out->rank));
    VGG_PASS(read_extents(cJSON_GetObjectItemCaseSensitive(meta, "strides"), "strides",
                          out->strides, &strides));
    VGG_CHECK(out->rank == strides, CLVGG_STATUS_BAD_FILE, "has %d dimensions and %d strides",
              out->rank, strides);
    VGG_CHECK(integer_of(cJSON_GetObjectItemCaseSensitive(meta, "storage_offset"), &out->offset),
              CLVGG_STATUS_BAD_FILE, "its storage_offset isn't an integer that is 0 or more");
    VGG_PASS(find_storage(reader, out->storage, &storage));
    out->limit = storage.bytes / out->type->bytes;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "use_pickle")))
        out->odd = "a pickled subclass of a tensor";
    else if (!cJSON_IsNumber(layout) || layout->valueint != 7)
        out->odd = "a tensor that isn't strided";
    return CLVGG_STATUS_OK;
}

static clvgg_status add_tensors(vgg_torch_reader *reader, const cJSON *root)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config"), *item;
    VGG_CHECK(cJSON_IsObject(config), CLVGG_STATUS_BAD_FILE, "has no object \"config\"");
    cJSON_ArrayForEach(item, config)
    {
        vgg_torch_tensor tensor = {0};
        VGG_PASS(vgg_prefixed(read_tensor(reader, item, &tensor), "tensor \"%s\"", item->string));
        if (tensor.odd != NULL) /* its member isn't its storage */
            tensor.type = NULL;
        VGG_PASS(vgg_torch_add(reader, item->string, &tensor));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status open_program(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    exported program = {.archive = weights->archive};
    vgg_torch_reader reader = {.weights = weights, .find_storage = find_storage, .user = &program};
    char *text = NULL;
    cJSON *root = NULL;
    VGG_TRY(find_config(&program));
    const char *name = program.config->name;
    VGG_TRY(vgg_torch_check_byte_order(program.archive, name, (int)(strchr(name, '/') - name) + 1));
    VGG_TRY(vgg_archive_read_all(program.archive, program.config, LARGEST_CONFIG, &text));
    VGG_TRY(vgg_json_parse(text, (size_t)program.config->bytes + 1, true, NULL, &root));
    VGG_REQUIRE(root != NULL, CLVGG_STATUS_BAD_FILE, "%s isn't valid JSON", name);
    VGG_TRY(vgg_prefixed(add_tensors(&reader, root), "%s", name));
    VGG_REQUIRE(weights->slot_count > 0, CLVGG_STATUS_UNSUPPORTED, "holds no weights");
cleanup:
    cJSON_Delete(root);
    vgg_free(text);
    return vgg_torch_finish(&reader, status);
}

const vgg_weights_format vgg_weights_torch_export = {.name = NAME,
                                                     .matches = matches,
                                                     .open = open_program,
                                                     .read = vgg_torch_read,
                                                     .close = vgg_torch_close};

#else

static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    if (!vgg_archive_matches(head, candidate->bytes) || candidate->bytes < 30)
        return false;
    const size_t end = 30 + (head[26] | (size_t)head[27] << 8);
    return end >= 52 && end <= candidate->bytes &&
           memcmp(head + end - 22, "/data/weights/weight_0", 22) == 0;
}

#ifdef CLVGG_HAVE_ZIP
#define NEEDS "cJSON"
#else
#define NEEDS "libzip"
#endif
const vgg_weights_format vgg_weights_torch_export = {
    .name = NAME, .matches = matches, .needs = NEEDS};

#endif
