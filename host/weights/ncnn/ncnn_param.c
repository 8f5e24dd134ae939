/* weights/ncnn/ncnn_param.c — reads ncnn's description of a network.
 *
 *     7767517
 *     layers blobs
 *     Type name inputs outputs [input…] [output…] [key=value…]
 *
 * Values are numbers; below −23300 a key stands for an array, which no layer here needs. Source:
 * ncnn's docs/developer-guide/param-and-model-file-structure.md.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/ncnn/ncnn.h"
#include "weights/sequence.h"

/* The next word of a line, NUL-terminated; NULL: there is none. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    if (*word == '\0')
        return NULL;
    *at = word + strcspn(word, " \t\r");
    if (**at != '\0')
        *(*at)++ = '\0';
    return word;
}

/* The next line that has a word, without its end; NULL: there is none. */
static char *next_line(char **at)
{
    while (**at != '\0') {
        char *line = *at;
        *at += strcspn(line, "\n");
        if (**at != '\0')
            *(*at)++ = '\0';
        if (line[strspn(line, " \t\r")] != '\0')
            return line;
    }
    return NULL;
}

static const char *read_digits(const char *at, double *value, int *count)
{
    for (*count = 0; *at >= '0' && *at <= '9'; at++, ++*count)
        *value = *value * 10 + (*at - '0');
    return at;
}

/* A decimal number, whatever the locale; it has less than 64 digits, and 3 in its exponent. */
static bool read_number(const char *word, double *value)
{
    const bool negative = word != NULL && *word == '-';
    int digits = 0, places = 0, powers = 0;
    double exponent = 0;
    if (word == NULL)
        return false;
    *value = 0;
    word = read_digits(word + (negative || *word == '+'), value, &digits);
    if (*word == '.')
        word = read_digits(word + 1, value, &places);
    if (digits + places == 0 || digits + places > 64)
        return false;
    if (*word == 'e' || *word == 'E') {
        const bool below = *++word == '-';
        word = read_digits(word + (below || *word == '+'), &exponent, &powers);
        if (powers == 0 || powers > 3)
            return false;
        exponent = below ? -exponent : exponent;
    }
    if (exponent != places)
        *value = exponent < places ? *value / pow(10, places - exponent)
                                   : *value * pow(10, exponent - places);
    *value = negative ? -*value : *value;
    return *word == '\0' && isfinite(*value);
}

static bool read_count(const char *word, long limit, long *count)
{
    double value;
    if (!read_number(word, &value) || !(value >= 0 && value <= (double)limit))
        return false;
    *count = (long)value;
    return (double)*count == value;
}

static clvgg_status read_parameter(vgg_ncnn_layer *layer, char *word)
{
    char *equals = strchr(word, '=');
    double key;
    VGG_CHECK(equals != NULL, CLVGG_STATUS_BAD_FILE, "layer '%s': '%.64s' isn't key=value",
              layer->name, word);
    *equals = '\0';
    VGG_CHECK(read_number(word, &key), CLVGG_STATUS_BAD_FILE,
              "layer '%s': '%.64s' isn't a parameter's number", layer->name, word);
    if (key <= VGG_NCNN_SMALLEST)
        return CLVGG_STATUS_OK;
    const int index = key >= 0 && key < VGG_NCNN_KEYS ? (int)key : -1;
    VGG_CHECK(index >= 0 && index == key, CLVGG_STATUS_BAD_FILE,
              "layer '%s': parameter %.64s isn't one of 0 to %d", layer->name, word,
              VGG_NCNN_KEYS - 1);
    VGG_CHECK(!layer->has[index] && read_number(equals + 1, &layer->value[index]),
              CLVGG_STATUS_BAD_FILE, "layer '%s': parameter %d is doubled or isn't a number: %.64s",
              layer->name, index, equals + 1);
    layer->has[index] = true;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_layer(char *line, vgg_ncnn_layer *layer)
{
    long inputs = 0, outputs = 0;
    char *word;
    layer->type = next_word(&line);
    layer->name = next_word(&line);
    VGG_CHECK(layer->name != NULL && read_count(next_word(&line), 1024, &inputs) &&
                  read_count(next_word(&line), 1024, &outputs),
              CLVGG_STATUS_BAD_FILE,
              "layer '%.64s': needs a name and numbers of inputs and outputs", layer->type);
    VGG_CHECK(strncmp(layer->type, "pnnx.", 5) != 0, CLVGG_STATUS_UNSUPPORTED,
              "is pnnx's description of a network, not ncnn's: name the file NAME.ncnn.param that "
              "pnnx wrote beside it");
    VGG_CHECK(inputs <= 1 && outputs == 1 && (inputs == 1 || strcmp(layer->type, "Input") == 0),
              CLVGG_STATUS_UNSUPPORTED,
              "layer '%.64s' (%.64s) has %ld inputs and %ld outputs; networks of layers one behind "
              "another are read",
              layer->name, layer->type, inputs, outputs);
    layer->bottom = inputs == 1 ? next_word(&line) : NULL;
    layer->top = next_word(&line);
    VGG_CHECK(layer->top != NULL, CLVGG_STATUS_BAD_FILE, "layer '%.64s': its inputs are missing",
              layer->name);
    while ((word = next_word(&line)) != NULL)
        VGG_PASS(read_parameter(layer, word));
    return CLVGG_STATUS_OK;
}

/* Each layer reads what the one before gives. */
static clvgg_status check_chain(const vgg_ncnn_network *network)
{
    for (size_t i = 0; i < network->count; i++) {
        const vgg_ncnn_layer *layer = &network->layers[i];
        VGG_CHECK((i == 0) == vgg_ncnn_is(layer, "Input"), CLVGG_STATUS_UNSUPPORTED,
                  "layer '%.64s' (%.64s): the first layer, and no other, must be the Input",
                  layer->name, layer->type);
        VGG_CHECK(i == 0 || strcmp(layer->bottom, network->layers[i - 1].top) == 0,
                  CLVGG_STATUS_UNSUPPORTED,
                  "layer '%.64s' reads '%.64s', not what the layer before it gives, '%.64s'; "
                  "networks of layers one behind another are read",
                  layer->name, layer->bottom, i > 0 ? network->layers[i - 1].top : "");
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_ncnn_parse(char *text, size_t length, vgg_ncnn_network *out)
{
    char *at = text, *line;
    long layers = 0, blobs = 0;
    out->text = text;
    VGG_CHECK(strlen(text) == length, CLVGG_STATUS_BAD_FILE, "has a NUL in its text");
    line = next_line(&at);
    const char *word = line != NULL ? next_word(&line) : NULL;
    VGG_CHECK(word != NULL && strcmp(word, VGG_NCNN_MAGIC) == 0, CLVGG_STATUS_BAD_FILE,
              "doesn't begin with " VGG_NCNN_MAGIC);
    line = next_line(&at);
    VGG_CHECK(line != NULL && read_count(next_word(&line), VGG_SEQUENCE_LONGEST, &layers) &&
                  read_count(next_word(&line), INT32_MAX, &blobs) && layers > 0,
              CLVGG_STATUS_BAD_FILE,
              "its second line doesn't say how many layers, up to %d, and "
              "blobs there are",
              VGG_SEQUENCE_LONGEST);
    VGG_NEW_PASS(out->layers, (size_t)layers);
    while ((line = next_line(&at)) != NULL) {
        VGG_CHECK(out->count < (size_t)layers, CLVGG_STATUS_BAD_FILE,
                  "has more layers than the %ld that it claims", layers);
        VGG_PASS(read_layer(line, &out->layers[out->count++]));
    }
    VGG_CHECK(out->count == (size_t)layers, CLVGG_STATUS_BAD_FILE, "claims %ld layers and has %zu",
              layers, out->count);
    return check_chain(out);
}

void vgg_ncnn_free(vgg_ncnn_network *network)
{
    vgg_free(network->text);
    vgg_free(network->layers);
    *network = (vgg_ncnn_network){0};
}

int64_t vgg_ncnn_integer(const vgg_ncnn_layer *layer, int key, int64_t absent)
{
    const double value = layer->value[key];
    if (!layer->has[key])
        return absent;
    if (!(value > INT32_MIN && value <= 1e15) || (double)(int64_t)value != value)
        return INT32_MIN;
    return (int64_t)value;
}

float vgg_ncnn_float(const vgg_ncnn_layer *layer, int key, float absent)
{
    return layer->has[key] ? (float)layer->value[key] : absent;
}

bool vgg_ncnn_is(const vgg_ncnn_layer *layer, const char *type)
{
    return strcmp(layer->type, type) == 0;
}

bool vgg_ncnn_is_convolution(const vgg_ncnn_layer *layer)
{
    return vgg_ncnn_is(layer, "Convolution") || vgg_ncnn_is(layer, "ConvolutionDepthWise");
}
