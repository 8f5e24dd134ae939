/* weights/write.h — writers of weight files: what each is given, and how values get into a file.
 *
 * A writer knows the file's whole structure before the first value, and takes values as they come,
 * in pieces: its memory doesn't grow with the weights. Equal input gives equal bytes. The file
 * appears under its name at the caller's commit.
 */
#ifndef VGG_WEIGHTS_WRITE_H
#define VGG_WEIGHTS_WRITE_H

#include "base/text.h"
#include "weights/weights.h"

enum { VGG_PIECE_BYTES = 4 << 20 };

typedef struct vgg_weights_output {
    const char *path;                /* for messages */
    const vgg_tensor_entry *tensors; /* name, dtype and shape, in the order of the file */
    size_t count;
    const vgg_metadata_entry *metadata;
    size_t metadata_count;
    /* The network, for formats that hold one: `tensors` are the parameters of its nodes, in order.
     * NULL elsewhere. */
    const struct vgg_graph *graph;
    vgg_tensor_reader read; /* as they are in the file, at most VGG_PIECE_BYTES a call */
    void *user;
} vgg_weights_output;

/* A kind of file that is written. */
typedef struct vgg_weights_writer {
    const char *name;                        /* for options: "onnx" */
    const char *words;                       /* "an ONNX model" */
    const char *suffix;                      /* ".onnx"; NULL: none asks for it */
    bool holds_graph;                        /* the format holds the network */
    bool torch_names;                        /* tensors have torchvision's names */
    bool int8;                               /* holds int8 weights, with their scales */
    const struct vgg_weights_format *format; /* that reads what is written */
    clvgg_status (*write)(vgg_writer *writer, const vgg_weights_output *output);
} vgg_weights_writer;
/* NULL behind the last. In the order of clvgg_export_format. */
const vgg_weights_writer *vgg_weights_writer_at(size_t index);
/* Says whether this build reads what the writer writes. */
bool vgg_weights_writer_is_read(const vgg_weights_writer *writer);

/* Metadata sorted by key, so equal input gives equal bytes. Errors: INVALID_ARGUMENT (names that no
 * file of this format can have, a key twice), and those of reading and of the file. */
clvgg_status vgg_safetensors_write(vgg_writer *writer, const vgg_weights_output *output);
/* A zip of .npy members, stored; metadata is one of them. Errors also: UNSUPPORTED (BF16, which
 * NumPy lacks; more than 4 GiB; a pipe). */
clvgg_status vgg_npz_write(vgg_writer *writer, const vgg_weights_output *output);
/* Errors also: UNSUPPORTED (a layer that ONNX has no operator for; more than 2 GiB). */
clvgg_status vgg_onnx_write(vgg_writer *writer, const vgg_weights_output *output);

/* For writers: appends a tensor's values through `piece` [VGG_PIECE_BYTES], and takes them into
 * *crc where it isn't NULL. */
clvgg_status vgg_weights_put_values(vgg_writer *writer, const vgg_weights_output *output,
                                    size_t tensor, void *piece, uint32_t *crc);
/* Bytes of one value in the file. */
size_t vgg_weights_value_size(const vgg_tensor_entry *tensor);
/* Bytes of a tensor's values. False: they overflow. */
bool vgg_weights_value_bytes(const vgg_tensor_entry *tensor, uint64_t *bytes);
/* Checks what every format needs of metadata: UTF-8, no key twice. *sorted, by key, is freed by
 * vgg_free(). */
clvgg_status vgg_weights_sort_metadata(const vgg_weights_output *output,
                                       vgg_metadata_entry **sorted);
/* Appends it as a JSON object of strings. */
void vgg_weights_metadata_json(const vgg_metadata_entry *sorted, size_t count, vgg_text *text);

#endif
