/* weights/recognised_others.c — formats of other frameworks that aren't read, each with the way to
 * a file that is. They are known by what is in them; only weights that have no mark of their own
 * are known by the description beside them.
 */
#include <stdio.h>
#include <string.h>

#include "weights/format.h"
#include "weights/peek.h"

enum { LONGEST_PATH = 4096 };

static bool begins_with(const vgg_candidate *candidate, const char *magic, size_t length)
{
    return candidate->bytes >= length && memcmp(candidate->head, magic, length) == 0;
}

static bool has_at(const vgg_candidate *candidate, size_t at, const char *text)
{
    const size_t length = strlen(text);
    return candidate->bytes >= at + length && memcmp(candidate->head + at, text, length) == 0;
}

static bool head_has(const vgg_candidate *candidate, const char *text)
{
    for (size_t at = 0; at < candidate->bytes; at++)
        if (has_at(candidate, at, text))
            return true;
    return false;
}

/* The first bytes of another file; 0: it isn't there. */
static size_t peek(const char *path, char head[256])
{
    const size_t bytes = vgg_peek(path, head, 255);
    head[bytes] = '\0';
    return bytes;
}

static bool folder_has(const vgg_candidate *candidate, const char *name, char head[256])
{
    char path[LONGEST_PATH];
    const int length = snprintf(path, sizeof path, "%s/%s", candidate->path, name);
    return candidate->file == NULL && length > 0 && (size_t)length < sizeof path &&
           peek(path, head) > 0;
}

/* The first bytes of the file whose name is this one's, with another ending from its last `mark`
 * on; 0: there is none. */
static size_t peek_beside(const vgg_candidate *candidate, const char *mark, const char *ending,
                          char head[256])
{
    char path[LONGEST_PATH];
    const char *found = NULL;
    for (const char *at = strstr(candidate->path, mark); at != NULL; at = strstr(at + 1, mark))
        found = at;
    if (candidate->file == NULL || found == NULL || strchr(found, '/') != NULL)
        return 0;
    const int length = snprintf(path, sizeof path, "%.*s%s", (int)(found - candidate->path),
                                candidate->path, ending);
    return length > 0 && (size_t)length < sizeof path ? peek(path, head) : 0;
}

/* ---- protobuf: no magic, but what must come first ---- */

/* Steps over a key and the length behind it; 0: something else is there. */
static size_t enter(const vgg_candidate *candidate, size_t at, unsigned char key)
{
    if (at >= candidate->bytes || candidate->head[at] != key)
        return 0;
    for (int i = 0; i < 5 && ++at < candidate->bytes; i++)
        if (candidate->head[at] < 0x80)
            return at + 1;
    return 0;
}

/* Behind a short printable text with this key. */
static size_t pass_text(const vgg_candidate *candidate, size_t at, unsigned char key)
{
    const size_t start = enter(candidate, at, key);
    if (start == 0 || candidate->head[start - 1] == 0)
        return 0;
    const size_t end = start + candidate->head[start - 1];
    for (size_t i = start; i < end; i++)
        if (i >= candidate->bytes || candidate->head[i] < 0x20 || candidate->head[i] > 0x7E)
            return 0;
    return start == at + 2 ? end : 0;
}

/* ---- TensorFlow ---- */

/* A table of LevelDB, whose mark is at the end. */
static bool is_checkpoint_index(const vgg_candidate *candidate)
{
    static const unsigned char mark[8] = {0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB};
    unsigned char tail[8];
    const uint64_t size = candidate->file != NULL ? vgg_file_size(candidate->file) : 0;
    return size >= 48 && vgg_file_read(candidate->file, size - 8, tail, 8) == CLVGG_STATUS_OK &&
           memcmp(tail, mark, sizeof mark) == 0;
}

static bool matches_tf_checkpoint(const vgg_candidate *candidate)
{
    char head[256];
    if (folder_has(candidate, "checkpoint", head))
        return strstr(head, "model_checkpoint_path") != NULL;
    return is_checkpoint_index(candidate) || begins_with(candidate, "model_checkpoint_path", 21) ||
           peek_beside(candidate, ".data-", ".index", head) > 0;
}

/* A graph with its saver (.ckpt.meta): a MetaGraphDef, whose MetaInfoDef lists operators. */
static bool matches_tf_meta(const vgg_candidate *candidate)
{
    const size_t info = enter(candidate, 0, 0x0A), operators = enter(candidate, info, 0x12);
    const size_t op = enter(candidate, operators, 0x0A);
    return info > 0 && operators > 0 && op > 0 && pass_text(candidate, op, 0x0A) > 0;
}

/* Version 1, then a MetaGraphDef. Core ML's begins so too, but with a name where that has a list.
 */
static bool matches_saved_model(const vgg_candidate *candidate)
{
    char head[256];
    if (folder_has(candidate, "saved_model.pb", head) ||
        folder_has(candidate, "saved_model.pbtxt", head))
        return true;
    if (!begins_with(candidate, "\x08\x01", 2))
        return false;
    const size_t graph = enter(candidate, 2, 0x12),
                 info = graph > 0 ? enter(candidate, graph, 0x0A) : 0;
    return info > 0 && info < candidate->bytes && candidate->head[info] != 0x0A;
}

/* A node: its name, then its operator. */
static bool matches_tf_graph(const vgg_candidate *candidate)
{
    const size_t node = enter(candidate, 0, 0x0A);
    const size_t op = node > 0 ? pass_text(candidate, node, 0x0A) : 0;
    return op > 0 && pass_text(candidate, op, 0x12) > 0;
}

static bool matches_tflite(const vgg_candidate *candidate)
{
    return has_at(candidate, 4, "TFL3");
}

/* ---- others ---- */

static bool matches_matlab(const vgg_candidate *candidate)
{
    return begins_with(candidate, "MATLAB 5.0 MAT-file", 19);
}

/* HDF5, whose dimensions are MATLAB's in reverse. */
static bool matches_matlab_hdf5(const vgg_candidate *candidate)
{
    return begins_with(candidate, "MATLAB 7.3 MAT-file", 19);
}

static bool is_openvino(const char *text)
{
    const char *net = strstr(text, "<net ");
    return net != NULL && text[strspn(text, "\xEF\xBB\xBF \t\r\n")] == '<';
}

static bool matches_openvino(const vgg_candidate *candidate)
{
    char head[256];
    const size_t bytes = candidate->bytes < 255 ? candidate->bytes : 255;
    if (peek_beside(candidate, ".bin", ".xml", head) > 0 && is_openvino(head))
        return true;
    memcpy(head, candidate->head, bytes);
    head[bytes] = '\0';
    return is_openvino(head);
}

static bool matches_gguf(const vgg_candidate *candidate)
{
    return begins_with(candidate, "GGUF", 4);
}

/* A version, then a description that begins with an input, whose name comes first; or a package,
 * which is a folder. */
static bool matches_core_ml(const vgg_candidate *candidate)
{
    char head[256];
    if (folder_has(candidate, "Manifest.json", head))
        return folder_has(candidate, "Data/com.apple.CoreML/model.mlmodel", head);
    if (candidate->bytes < 8 || candidate->head[0] != 0x08 || candidate->head[1] > 32)
        return false;
    const size_t description = enter(candidate, 2, 0x12);
    const size_t input = description > 0 ? enter(candidate, description, 0x0A) : 0;
    return input > 0 && pass_text(candidate, input, 0x0A) > 0;
}

/* A program's block 0; a program as JSON; or parameters, each with two versions, no levels, and a
 * description that begins with its element type. */
static bool matches_paddle(const vgg_candidate *candidate)
{
    static const char zeros[16] = {0};
    const size_t block = enter(candidate, 0, 0x0A);
    if (block > 0 && has_at(candidate, block, "\x08") && block + 2 < candidate->bytes &&
        candidate->head[block + 1] == 0 && candidate->head[block + 2] == 0x10)
        return true;
    if (begins_with(candidate, "{\"base_code\"", 12))
        return head_has(candidate, "\"magic\":\"pir\"");
    return begins_with(candidate, zeros, 16) && candidate->bytes > 24 && candidate->head[16] >= 4 &&
           candidate->head[16] < 64 && candidate->head[17] == 0 && candidate->head[20] == 0x08 &&
           candidate->head[22] == 0x10;
}

/* Versions 0.1 and 0.2, a revision, and how many images were seen. */
static bool matches_darknet(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    const uint64_t size = candidate->file != NULL ? vgg_file_size(candidate->file) : 0;
    static const char zeros[4] = {0};
    return size > 64 && size % 4 == 0 && begins_with(candidate, zeros, 4) &&
           (head[4] == 1 || head[4] == 2) && memcmp(head + 5, zeros, 3) == 0 && head[8] <= 5 &&
           memcmp(head + 9, zeros, 3) == 0;
}

/* The magic of ncnn's text, as a number. */
static bool matches_ncnn_binary(const vgg_candidate *candidate)
{
    return begins_with(candidate, "\xDD\x85\x76\x00", 4);
}

/* ---- rows ---- */

const vgg_weights_format vgg_weights_tf_checkpoint = {
    .name = "a TensorFlow checkpoint",
    .matches = matches_tf_checkpoint,
    .advice =
        "load it into the Keras model that wrote it and save that, model.save(\"vgg.keras\"), "
        "or make ONNX of it: python -m tf2onnx.convert --checkpoint NAME.meta --inputs IN:0 "
        "--outputs OUT:0 --output vgg.onnx"};
const vgg_weights_format vgg_weights_tf_meta = {
    .name = "the graph of a TensorFlow checkpoint (.meta)",
    .matches = matches_tf_meta,
    .advice = "make ONNX of it: python -m tf2onnx.convert --checkpoint NAME.meta --inputs IN:0 "
              "--outputs OUT:0 --output vgg.onnx"};
const vgg_weights_format vgg_weights_saved_model = {
    .name = "a TensorFlow SavedModel",
    .matches = matches_saved_model,
    .advice = "make ONNX of it: python -m tf2onnx.convert --saved-model FOLDER --output vgg.onnx"};
const vgg_weights_format vgg_weights_tf_graph = {
    .name = "a TensorFlow graph (.pb)",
    .matches = matches_tf_graph,
    .advice = "make ONNX of it: python -m tf2onnx.convert --graphdef FILE --inputs IN:0 --outputs "
              "OUT:0 --output vgg.onnx"};
const vgg_weights_format vgg_weights_tflite = {
    .name = "a TensorFlow Lite model",
    .matches = matches_tflite,
    .advice = "make ONNX of it: python -m tf2onnx.convert --tflite FILE --output vgg.onnx"};
const vgg_weights_format vgg_weights_matlab = {
    .name = "a MATLAB file (.mat; MatConvNet's networks are some)",
    .matches = matches_matlab,
    .advice =
        "in Python, load it by scipy.io.loadmat() and save each layer's arrays, weights as "
        "w.transpose(3, 2, 0, 1), biases as b.ravel(): numpy.savez(\"vgg.npz\", conv1_1_w=..., "
        "conv1_1_b=..., ...)"};
const vgg_weights_format vgg_weights_matlab_hdf5 = {
    .name = "a MATLAB 7.3 file (.mat)",
    .matches = matches_matlab_hdf5,
    .advice = "in Python, open it by h5py.File() and save each layer's arrays, weights as "
              "w[()].transpose(0, 1, 3, 2), biases as b[()].ravel(): numpy.savez(\"vgg.npz\", "
              "conv1_1_w=..., conv1_1_b=..., ...)"};
const vgg_weights_format vgg_weights_openvino = {
    .name = "an OpenVINO model (.xml and .bin)",
    .matches = matches_openvino,
    .advice = "name the model that it was made from, of ONNX, PyTorch or Keras"};
const vgg_weights_format vgg_weights_gguf = {
    .name = "a GGUF file",
    .matches = matches_gguf,
    .advice = "name the safetensors or PyTorch file that it was made from, or save its tensors, if "
              "they are F32 or F16, in Python: numpy.savez(\"vgg.npz\", **{t.name: t.data for t in "
              "gguf.GGUFReader(FILE).tensors})"};
const vgg_weights_format vgg_weights_core_ml = {
    .name = "a Core ML model",
    .matches = matches_core_ml,
    .advice = "name the model that it was made from, of PyTorch, Keras or Caffe"};
const vgg_weights_format vgg_weights_paddle = {
    .name = "a PaddlePaddle model",
    .matches = matches_paddle,
    .advice = "make ONNX of it: paddle2onnx --model_dir FOLDER --model_filename NAME.json "
              "--params_filename NAME.pdiparams --save_file vgg.onnx"};
const vgg_weights_format vgg_weights_darknet = {
    .name = "a file of Darknet weights",
    .matches = matches_darknet,
    .advice =
        "in Python, load it by OpenCV 4, net = cv2.dnn.readNetFromDarknet(\"NAME.cfg\", FILE), "
        "and save each layer's net.getParam(LAYER, 0), its weights, and "
        "net.getParam(LAYER, 1).ravel(), its biases: numpy.savez(\"vgg.npz\", "
        "conv1_1_w=..., conv1_1_b=..., ...)"};
const vgg_weights_format vgg_weights_ncnn_binary = {
    .name = "an ncnn description in binary (.param.bin)",
    .matches = matches_ncnn_binary,
    .advice = "name the text that it was made from, NAME.param"};
