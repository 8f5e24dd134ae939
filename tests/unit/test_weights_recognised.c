/* tests/unit/test_weights_recognised.c — formats that aren't read are named, with what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/files.h"
#include "weights/weights.h"

static void assert_refused(const char *path, const char *says, const char *advice)
{
    vgg_weights *weights;
    const clvgg_status status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_UNSUPPORTED || strstr(vgg_message(), says) == NULL ||
        strstr(vgg_message(), advice) == NULL || strstr(vgg_message(), path) == NULL)
        fail_msg("%s, \"%s\" and \"%s\" were expected: %s", vgg_status_name(status), says, advice,
                 vgg_message());
    assert_null(weights);
}

static void files_are_named(void **state)
{
    (void)state;
    /* The first bytes of files that TensorFlow 2.21, SciPy, h5py, OpenVINO, gguf, coremltools and
     * PaddlePaddle wrote. */
    static const struct {
        const char *head;
        const char *says, *advice;
    } cases[] = {
        {"\x93NUMPYxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "a single NumPy array (.npy)", "numpy.savez"},
        /* saved_model.pb */
        {"\010\001\022\204\130\012\335\016\022\255\016\012\136\012\020\101\163\163\151\147\156\126"
         "\141\162\151\141\142\154\145\117\160\022\014\012\010\162\145\163\157\165\162\143\145\030"
         "\024\022\016\012",
         "a TensorFlow SavedModel", "--saved-model"},
        /* frozen.pb */
        {"\012\072\012\001\170\022\013\120\154\141\143\145\150\157\154\144\145\162\052\013\012\005"
         "\144\164\171\160\145\022\002\060\001\052\033\012\005\163\150\141\160\145\022\022\072\020"
         "\022\002\010\001",
         "a TensorFlow graph (.pb)", "--graphdef"},
        /* model.ckpt.meta */
        {"\012\247\011\022\200\011\012\104\012\005\101\144\144\126\062\022\006\012\001\170\042\001"
         "\124\022\006\012\001\171\042\001\124\032\006\012\001\172\042\001\124\042\035\012\001\124"
         "\022\004\164\171",
         "a TensorFlow checkpoint (.meta)", "--checkpoint"},
        /* checkpoint */
        {"\155\157\144\145\154\137\143\150\145\143\153\160\157\151\156\164\137\160\141\164\150\072"
         "\040\042\155\157\144\145\154\056\143\153\160\164\042\012\141\154\154\137\155\157\144\145"
         "\154\137\143\150",
         "a TensorFlow checkpoint", "model.save"},
        /* vgg.tflite */
        {"\034\000\000\000\124\106\114\063\024\000\040\000\034\000\030\000\024\000\020\000\014\000"
         "\000\000\010\000\004\000\024\000\000\000\034\000\000\000\214\000\000\000\344\000\000\000"
         "\164\003\000\000",
         "a TensorFlow Lite model", "--tflite"},
        /* net.mat */
        {"\115\101\124\114\101\102\040\065\056\060\040\115\101\124\055\146\151\154\145\040\120\154"
         "\141\164\146\157\162\155\072\040\160\157\163\151\170\054\040\103\162\145\141\164\145\144"
         "\040\157\156\072",
         "a MATLAB file", "biases as b.ravel()"},
        /* net73.mat */
        {"\115\101\124\114\101\102\040\067\056\063\040\115\101\124\055\146\151\154\145\054\040\120"
         "\154\141\164\146\157\162\155\072\040\107\114\116\130\101\066\064\054\040\103\162\145\141"
         "\164\145\144\040",
         "a MATLAB 7.3 file", "w[()].transpose(0, 1, 3, 2)"},
        /* ov.xml */
        {"\074\077\170\155\154\040\166\145\162\163\151\157\156\075\042\061\056\060\042\077\076\012"
         "\074\156\145\164\040\156\141\155\145\075\042\115\157\144\145\154\060\042\040\166\145\162"
         "\163\151\157\156",
         "an OpenVINO model", "made from"},
        /* a.gguf */
        {"\107\107\125\106\003\000\000\000\001\000\000\000\000\000\000\000\001\000\000\000\000\000"
         "\000\000\024\000\000\000\000\000\000\000\147\145\156\145\162\141\154\056\141\162\143\150"
         "\151\164\145\143",
         "a GGUF file", "made from"},
        /* a.mlmodel */
        {"\010\001\022\044\012\023\012\004\144\141\164\141\032\013\052\011\012\003\003\010\010\020"
         "\300\200\004\122\015\012\003\157\165\164\032\006\052\004\020\300\200\004\242\037\025\012"
         "\023\012\001\162",
         "a Core ML model", "made from"},
        /* p.json */
        {"\173\042\142\141\163\145\137\143\157\144\145\042\072\173\042\155\141\147\151\143\042\072"
         "\042\160\151\162\042\054\042\164\162\141\151\156\141\142\154\145\042\072\164\162\165\145"
         "\054\042\166\145",
         "a PaddlePaddle model", "paddle2onnx"},
        /* p.pdiparams */
        {"\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\004\000\000\000\010\005"
         "\020\004\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000"
         "\000\000\000\000",
         "a PaddlePaddle model", "paddle2onnx"},
        {"\xDD\x85\x76\0\0\0\0\0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "in binary (.param.bin)",
         ".param"},
        {"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "a zip archive", "name the weights"},
    };
    const char *path = temp_path("other");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_write(path, cases[i].head, cases[i].head[0] == 'P' ? 22 : 48);
        assert_refused(path, cases[i].says, cases[i].advice);
    }
}

/* A version, 0.2.0, and the number of images seen, in front of values alone. */
static void darknet_is_known_by_its_version(void **state)
{
    (void)state;
    const char *path = temp_path("vgg.weights");
    unsigned char bytes[72] = {[4] = 2};
    for (size_t i = 20; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    file_write(path, bytes, sizeof bytes);
    assert_refused(path, "a file of Darknet weights", "cv2.dnn.readNetFromDarknet");
}

static void write_in(const char *folder, const char *name, const char *content)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file_write_deep(path, content, strlen(content));
}

static void folders_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *file, *content, *says;
    } cases[] = {
        {"saved_model.pb", "x", "a TensorFlow SavedModel"},
        {"checkpoint", "model_checkpoint_path: \"model-1\"\n", "a TensorFlow checkpoint"},
    };
    char folder[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(folder, sizeof folder, "%s", temp_path(i == 0 ? "a" : "b"));
        write_in(folder, cases[i].file, cases[i].content);
        assert_refused(folder, cases[i].says, "tf2onnx");
    }
    snprintf(folder, sizeof folder, "%s", temp_path("net.mlpackage"));
    write_in(folder, "Manifest.json", "{}");
    write_in(folder, "Data/com.apple.CoreML/model.mlmodel", "x");
    assert_refused(folder, "a Core ML model", "made from");
}

/* Weights without a mark of their own. */
static void files_are_named_by_those_beside(void **state)
{
    (void)state;
    static const unsigned char table_end[] = {0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB};
    static const char xml[] = "<?xml version=\"1.0\"?>\n<net name=\"Model0\" version=\"11\">";
    char index[64] = {0};
    memcpy(index + 56, table_end, 8);
    file_write(temp_path("model.index"), index, sizeof index);
    assert_refused(temp_path("model.index"), "a TensorFlow checkpoint", "tf2onnx");
    file_write(temp_path("model.data-00000-of-00001"), "values", 6);
    assert_refused(temp_path("model.data-00000-of-00001"), "a TensorFlow checkpoint", "tf2onnx");
    file_write(temp_path("ov.xml"), xml, sizeof xml - 1);
    file_write(temp_path("ov.bin"), "values", 6);
    assert_refused(temp_path("ov.bin"), "an OpenVINO model", "made from");
}

/* Whatever comes first in them. */
static void damaged_heads_do_no_harm(void **state)
{
    (void)state;
    static const unsigned char first[] = {0x00, 0x08, 0x0A, 0x12, 0x3A, 0x47, 0x54, 0x7B, 0xA2};
    const char *path = temp_path("head");
    unsigned seed = 1;
    for (int i = 0; i < 2000; i++) {
        vgg_weights *weights;
        unsigned char head[24];
        for (size_t k = 0; k < sizeof head; k++) {
            seed = seed * 1103515245 + 12345;
            head[k] = (unsigned char)((seed >> 16) % 3 == 0 ? first[(seed >> 20) % 9] : seed >> 24);
        }
        file_write(path, head, (size_t)i % sizeof head);
        (void)vgg_weights_open(path, &weights);
        vgg_weights_close(weights);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_named),
        cmocka_unit_test(darknet_is_known_by_its_version),
        cmocka_unit_test(folders_are_named),
        cmocka_unit_test(files_are_named_by_those_beside),
        cmocka_unit_test(damaged_heads_do_no_harm),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
