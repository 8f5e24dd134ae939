/* weights/keras/keras_config.c — a model's configuration as JSON (config.json of a .keras file, the
 * attribute model_config of an .h5): the chain of its layers, those of nested models in their
 * places.
 *
 * Sequential lists its layers in order. Functional names each layer's inputs: from the output back
 * to the input, each layer must have one input and no second use.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_parse.h"
#include "base/text.h"

enum { MOST_LAYERS = 4096, DEEPEST_MODEL = 8, LARGEST_CONFIG = 16 << 20 };

const char *vgg_keras_text(const cJSON *object, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool vgg_keras_flag(const cJSON *object, const char *member, bool missing)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, member);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : missing;
}

static bool is_extent(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 2147483647 &&
           item->valuedouble == (double)(int64_t)item->valuedouble;
}

bool vgg_keras_pair_of(const cJSON *item, int64_t pair[2])
{
    const cJSON *first = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, 0) : item;
    const cJSON *second = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, 1) : item;
    if (!is_extent(first) || !is_extent(second) ||
        (cJSON_IsArray(item) && cJSON_GetArraySize(item) != 2))
        return false;
    pair[0] = (int64_t)first->valuedouble;
    pair[1] = (int64_t)second->valuedouble;
    return true;
}

bool vgg_keras_pair(const cJSON *object, const char *member, int64_t pair[2])
{
    return vgg_keras_pair_of(cJSON_GetObjectItemCaseSensitive(object, member), pair);
}

/* ---- steps ---- */

/* "MaxPooling2D" → "max_pooling2d", as Keras names groups. */
static void put_snake_case(vgg_text *text, const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        const bool upper = isupper((unsigned char)name[i]) != 0;
        if (upper && i > 0 &&
            (islower((unsigned char)name[i + 1]) || islower((unsigned char)name[i - 1])))
            vgg_text_puts(text, "_");
        const char lower = (char)tolower((unsigned char)name[i]);
        vgg_text_append(text, &lower, 1);
    }
}

/* The layers of one model: an array of JSON objects. */
typedef struct model_layers {
    const cJSON **items;
    int count;
} model_layers;

/* "layers/conv2d_3" inside of `prefix`: the class, and how many layers before are of it. */
static clvgg_status group_path(const model_layers *layers, int index, const char *prefix,
                               char **path)
{
    vgg_text text = {0};
    const char *name = vgg_keras_text(layers->items[index], "class_name");
    int before = 0;
    for (int i = 0; i < index; i++) {
        const char *other = vgg_keras_text(layers->items[i], "class_name");
        before += other != NULL && strcmp(other, name) == 0;
    }
    vgg_text_printf(&text, "%s%slayers/", prefix, prefix[0] != '\0' ? "/" : "");
    put_snake_case(&text, strcmp(name, "Model") == 0 ? "Functional" : name);
    if (before > 0)
        vgg_text_printf(&text, "_%d", before);
    return vgg_text_take(&text, "a path", path);
}

static clvgg_status add_step(vgg_keras *keras, const cJSON *layer, char **path, const char *model)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    keras_step step = {.config = config, .class_name = vgg_keras_text(layer, "class_name")};
    step.name = vgg_keras_text(config, "name");
    VGG_CHECK(cJSON_IsObject(config) && step.name != NULL, CLVGG_STATUS_BAD_FILE,
              "a layer %s of its configuration has no name", step.class_name);
    VGG_CHECK(keras->step_count < MOST_LAYERS, CLVGG_STATUS_BAD_FILE,
              "its configuration has more than %d layers", MOST_LAYERS);
    VGG_GROW_PASS(keras->steps, keras->step_count, keras->step_capacity, 64);
    VGG_DUP_PASS(step.model, model);
    step.path = *path;
    *path = NULL;
    keras->steps[keras->step_count++] = step;
    return CLVGG_STATUS_OK;
}

/* ---- models ---- */

static bool is_model(const char *class_name)
{
    return strcmp(class_name, "Sequential") == 0 || strcmp(class_name, "Functional") == 0 ||
           strcmp(class_name, "Model") == 0;
}

static clvgg_status read_model(vgg_keras *keras, const cJSON *model, const char *path, int depth);

static clvgg_status read_layer(vgg_keras *keras, const model_layers *layers, int index,
                               const cJSON *model, const char *prefix, int depth)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cJSON *layer = layers->items[index];
    char *path = NULL;
    const char *name =
        depth > 0 ? vgg_keras_text(cJSON_GetObjectItemCaseSensitive(model, "config"), "name")
                  : NULL;
    VGG_TRY(group_path(layers, index, prefix, &path));
    if (is_model(vgg_keras_text(layer, "class_name")))
        VGG_TRY(read_model(keras, layer, path, depth + 1));
    else
        VGG_TRY(add_step(keras, layer, &path, name != NULL ? name : ""));
cleanup:
    vgg_free(path);
    return status;
}

/* The name that the layer at `index` is called by in its model. */
static const char *name_of(const cJSON *layer)
{
    const char *name = vgg_keras_text(layer, "name");
    return name != NULL ? name
                        : vgg_keras_text(cJSON_GetObjectItemCaseSensitive(layer, "config"), "name");
}

static int find_layer(const model_layers *layers, const char *name)
{
    for (int i = 0; name != NULL && i < layers->count; i++) {
        const char *other = name_of(layers->items[i]);
        if (other != NULL && strcmp(other, name) == 0)
            return i;
    }
    return -1;
}

/* The names of layers that a part of inbound_nodes mentions: ["name", 0, 0, …] in older files,
 * {"keras_history": ["name", 0, 0]} since Keras 3. Returns their number. */
static int find_inputs(const cJSON *item, int depth, const char **name)
{
    int count = 0;
    if (depth > 16)
        return 2; /* nothing that a chain has */
    if (cJSON_IsArray(item) && cJSON_IsString(item->child) && cJSON_IsNumber(item->child->next)) {
        *name = item->child->valuestring;
        return 1;
    }
    if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
        return 0;
    for (const cJSON *part = item->child; part != NULL; part = part->next)
        count += find_inputs(part, depth + 1, name);
    return count;
}

/* Follows one layer's input; *before is −1 for an input of the model. */
static clvgg_status step_back(const model_layers *layers, int at, int *before)
{
    const cJSON *layer = layers->items[at];
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(layer, "inbound_nodes");
    const char *name = NULL;
    *before = -1;
    if (strcmp(vgg_keras_text(layer, "class_name"), "InputLayer") == 0)
        return CLVGG_STATUS_OK;
    const int uses = cJSON_GetArraySize(nodes), inputs = find_inputs(nodes, 0, &name);
    VGG_CHECK(uses == 1 && inputs == 1, CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' (%s) %s %d %s; chains of layers, each with one input, are supported",
              name_of(layer) != NULL ? name_of(layer) : "", vgg_keras_text(layer, "class_name"),
              uses == 1 ? "has" : "is used in", uses == 1 ? inputs : uses,
              uses == 1 ? "inputs" : "places");
    *before = find_layer(layers, name);
    VGG_CHECK(*before >= 0, CLVGG_STATUS_BAD_FILE, "its configuration has no layer '%s'", name);
    return CLVGG_STATUS_OK;
}

/* Fills `order` with the chain's layers, first to last. */
static clvgg_status order_functional(const cJSON *config, const model_layers *layers, int *order,
                                     int *length)
{
    const char *name = NULL;
    const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(config, "output_layers");
    const int count = find_inputs(outputs, 0, &name);
    int at = find_layer(layers, name), steps = 0;
    VGG_CHECK(count == 1 && at >= 0, CLVGG_STATUS_UNSUPPORTED,
              "its model has %d outputs, models with one are supported", count);
    for (; at >= 0 && steps < layers->count; steps++) {
        order[layers->count - 1 - steps] = at;
        VGG_PASS(step_back(layers, at, &at));
    }
    VGG_CHECK(at < 0, CLVGG_STATUS_BAD_FILE, "its configuration's layers form a loop");
    memmove(order, order + layers->count - steps, (size_t)steps * sizeof *order);
    *length = steps;
    return CLVGG_STATUS_OK;
}

static clvgg_status list_layers(const cJSON *array, model_layers *layers)
{
    for (const cJSON *layer = array->child; layer != NULL; layer = layer->next) {
        VGG_CHECK(vgg_keras_text(layer, "class_name") != NULL, CLVGG_STATUS_BAD_FILE,
                  "a layer of its configuration has no class_name");
        layers->items[layers->count++] = layer;
    }
    return CLVGG_STATUS_OK;
}

/* `path` is of the model's group. */
static clvgg_status read_model(vgg_keras *keras, const cJSON *model, const char *path, int depth)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *class_name = vgg_keras_text(model, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(model, "config");
    const cJSON *array = cJSON_IsArray(config) /* Sequential before Keras 2.2.3 */
                             ? config
                             : cJSON_GetObjectItemCaseSensitive(config, "layers");
    model_layers layers = {0};
    int *order = NULL, length = 0;
    VGG_REQUIRE(class_name != NULL && is_model(class_name), CLVGG_STATUS_UNSUPPORTED,
                "its model is of class %s, Sequential and Functional ones are supported",
                class_name != NULL ? class_name : "unknown");
    const int count = cJSON_GetArraySize(array);
    VGG_REQUIRE(cJSON_IsArray(array) && count > 0 && count <= MOST_LAYERS && depth <= DEEPEST_MODEL,
                CLVGG_STATUS_BAD_FILE,
                "its configuration has no layers, more than %d or nested "
                "more than %d deep",
                MOST_LAYERS, DEEPEST_MODEL);
    VGG_NEW(layers.items, (size_t)count);
    VGG_NEW(order, (size_t)count);
    VGG_TRY(list_layers(array, &layers));
    if (strcmp(class_name, "Sequential") == 0)
        while (length < count) {
            order[length] = length;
            length++;
        }
    else
        VGG_TRY(order_functional(config, &layers, order, &length));
    for (int i = 0; i < length; i++)
        VGG_TRY(read_layer(keras, &layers, order[i], model, path, depth));
cleanup:
    vgg_free(layers.items);
    vgg_free(order);
    return status;
}

clvgg_status vgg_keras_read_steps(vgg_keras *keras)
{
    const size_t length = strlen(keras->config_text);
    VGG_CHECK(length <= LARGEST_CONFIG, CLVGG_STATUS_BAD_FILE,
              "its configuration has %zu bytes, more than a model's", length);
    VGG_PASS(vgg_json_parse(keras->config_text, length + 1, true, NULL, &keras->config));
    VGG_CHECK(cJSON_IsObject(keras->config), CLVGG_STATUS_BAD_FILE, "its configuration is no JSON");
    return read_model(keras, keras->config, "", 0);
}
#endif
