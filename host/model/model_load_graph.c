/* model/model_load_graph.c — the network that a weight file states, or that its tensors' names and
 * shapes tell, and the preprocessing that goes with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/assemble.h"
#include "model/model_load.h"

enum { MAX_ORIGIN_BYTES = 200 }; /* of words about preprocessing, which are printed */

static clvgg_status check_format(const vgg_weights *weights)
{
    const char *text = vgg_weights_metadata(weights, "clvgg.format");
    if (text == NULL)
        return CLVGG_STATUS_OK;
    errno = 0;
    char *end;
    unsigned long version = strtoul(text, &end, 10);
    bool digits = strspn(text, "0123456789") == strlen(text) && text[0] != '\0';
    VGG_CHECK(digits && version > 0, CLVGG_STATUS_BAD_FILE, "clvgg.format '%.32s' is no version",
              text);
    VGG_CHECK(errno == 0 && version <= VGG_FORMAT_VERSION, CLVGG_STATUS_UNSUPPORTED,
              "clvgg.format %.32s is newer than %d, the newest that this version reads", text,
              VGG_FORMAT_VERSION);
    return CLVGG_STATUS_OK;
}

/* What a converted file says where the file that it was made from said nothing. */
static clvgg_status find_assumption(vgg_load *load)
{
    const char *words = vgg_weights_metadata(load->weights, VGG_PREPROCESS_ASSUMED);
    if (load->stated == NULL || words == NULL)
        return CLVGG_STATUS_OK;
    const size_t length = strlen(words);
    VGG_CHECK(length > 0 && length <= MAX_ORIGIN_BYTES, CLVGG_STATUS_BAD_FILE,
              VGG_PREPROCESS_ASSUMED " has %zu bytes, must have 1 to %d", length, MAX_ORIGIN_BYTES);
    for (size_t i = 0; i < length; i++)
        VGG_CHECK((unsigned char)words[i] >= 32 && words[i] != 127, CLVGG_STATUS_BAD_FILE,
                  VGG_PREPROCESS_ASSUMED " has a control character at byte %zu", i);
    load->assumed = true;
    load->origin = words;
    return CLVGG_STATUS_OK;
}

static clvgg_status find_preprocess(vgg_load *load)
{
    load->stated = vgg_weights_metadata(load->weights, "clvgg.preprocess");
    load->origin = vgg_weights_preprocess_origin(load->weights);
    if (load->origin == NULL)
        load->origin = "stated in the file";
    VGG_PASS(find_assumption(load));
    if (load->stated != NULL)
        VGG_PASS(vgg_model_preprocess_read_json(load->stated, &load->preprocess));
    else
        load->preprocess = vgg_binding_preprocess(&load->binding, &load->origin);
    return CLVGG_STATUS_OK;
}

/* The graph that the file states, in words of ours where `json` isn't NULL, resized where the
 * caller asks for it. */
static clvgg_status read_graph(vgg_load *load, const char *json, int64_t height, int64_t width)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *own = NULL;
    const vgg_graph *stated = vgg_weights_graph(load->weights);
    const clvgg_preprocess *crop = &load->preprocess;
    if (json != NULL) {
        VGG_TRY(vgg_prefixed(vgg_graph_read_json(json, strlen(json), &own), "clvgg.graph"));
        stated = own;
    }
    const int64_t *input = stated->nodes[0].output.dims;
    VGG_REQUIRE(crop->height == 0 || (crop->height == input[1] && crop->width == input[2]),
                CLVGG_STATUS_BAD_FILE,
                "its preprocessing crops to %d x %d, its network takes %lld x %lld", crop->height,
                crop->width, (long long)input[1], (long long)input[2]);
    const vgg_graph_copy_options resized = {
        .extent = {height > 0 ? height : input[1], width > 0 ? width : input[2]}};
    VGG_TRY(vgg_graph_copy(stated, &resized, &load->graph));
cleanup:
    vgg_graph_free(own);
    return status;
}

/* The graph that names and shapes tell; the input's size is the caller's choice, else the crop that
 * the file states, else what fc6 was made for. */
static clvgg_status infer_graph(vgg_load *load, int64_t height, int64_t width)
{
    int64_t input[2] = {load->preprocess.height, load->preprocess.width};
    if (input[0] == 0 && (height == 0 || width == 0))
        VGG_PASS(vgg_binding_input(&load->binding, load->weights, input));
    if (height > 0)
        input[0] = height;
    if (width > 0)
        input[1] = width;
    return vgg_binding_graph(&load->binding, load->weights, input, &load->graph);
}

/* Checks that the file's preprocessing is for as many channels as its network has. */
static clvgg_status check_channels(const vgg_load *load)
{
    const int64_t channels = load->graph->nodes[0].output.dims[0];
    VGG_CHECK(load->stated == NULL || load->preprocess.channels == channels, CLVGG_STATUS_BAD_FILE,
              "clvgg.preprocess is for %d channel%s, the network takes %lld",
              load->preprocess.channels, load->preprocess.channels == 1 ? "" : "s",
              (long long)channels);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_load_graph(vgg_load *load, const clvgg_model_options *options)
{
    const char *json = vgg_weights_metadata(load->weights, "clvgg.graph");
    const bool stated = json != NULL || vgg_weights_graph(load->weights) != NULL;
    VGG_PASS(check_format(load->weights));
    if (!stated)
        VGG_PASS(vgg_binding_detect(load->weights, &load->binding));
    VGG_PASS(find_preprocess(load));
    if (stated)
        VGG_PASS(read_graph(load, json, options->input_height, options->input_width));
    else
        VGG_PASS(infer_graph(load, options->input_height, options->input_width));
    return check_channels(load);
}
