/* weights/format_list.h — every format, a line each: X(NAME) stands for the row vgg_weights_NAME,
 * which a file weights_NAME.c or recognised*.c defines.
 *
 * They are asked in this order. Safetensors comes before pickles, as the length in its front can look
 * like a pickle's beginning, but a pickle has no '{' at byte 8; Keras's list of parts before other
 * lists; protobuf, which has no magic, at the end.
 */
#ifndef VGG_WEIGHTS_FORMAT_LIST_H
#define VGG_WEIGHTS_FORMAT_LIST_H

/* clang-format off */
#define VGG_WEIGHTS_FORMATS(X) \
    X(keras) \
    X(npz) \
    X(torch_zip) \
    X(torch_export) \
    X(zip) \
    X(safetensors) \
    X(torch_stream) \
    X(torch_tar) \
    X(hdf5) \
    X(keras_shards) \
    X(keras_folder) \
    X(sharded) \
    X(npy) \
    X(npy_folder) \
    X(ncnn) \
    X(ncnn_binary) \
    X(tf_checkpoint) \
    X(tf_meta) \
    X(saved_model) \
    X(tf_graph) \
    X(tflite) \
    X(matlab) \
    X(matlab_hdf5) \
    X(openvino) \
    X(gguf) \
    X(core_ml) \
    X(paddle) \
    X(darknet) \
    X(onnx) \
    X(caffe)
/* clang-format on */

#endif
