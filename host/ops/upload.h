/* ops/upload.h — brings weights from where they come from to the device.
 *
 * Values go through two staging buffers of a few MiB, never through host memory as a whole: while a
 * kernel (cl/pack.cl, cl/pack_turned.cl, cl/pack_winograd.cl) converts and permutes one chunk, the
 * host reads the next, be it of the next tensor. A chunk is a run of rows, or, of a weight that
 * lies turned, a run of columns, so that either is read from its file in one piece. Only
 * vgg_uploader_free() waits for the device.
 */
#ifndef VGG_OPS_UPLOAD_H
#define VGG_OPS_UPLOAD_H

#include "ocl/program.h"
#include "ops/packed_weights.h"

typedef struct vgg_uploader vgg_uploader;

/* Lists the program that packs a weight of elements `dtype`, so that it is there when it is wanted;
 * its kernel too unless `kernel` is NULL. */
void vgg_upload_list_program(vgg_kernel_list *list, const vgg_pack *pack, clvgg_dtype dtype,
                             bool turned, vgg_kernel **kernel);
/* The file of that program. */
const char *vgg_upload_file(const vgg_pack *pack, bool turned);
/* Creates an uploader on `queue`, which must be in order and outlive it. Device memory is taken at
 * the first use. */
clvgg_status vgg_uploader_create(clvgg_device *device, cl_command_queue queue, vgg_uploader **out);
/* Reads a weight and sees to its packing into new buffers; out->written tells when it is done.
 * Values are rounded to the nearest of pack->storage, ties to even. Errors: OUT_OF_DEVICE_MEMORY
 * with the size, UNSUPPORTED (a value that would become infinite), those of `input`. */
clvgg_status vgg_upload(vgg_uploader *uploader, const vgg_pack *pack, const vgg_tensor_input *input,
                        vgg_packed_weights *out);
/* Says whether vgg_upload_turned() can pack so: what is transformed has to come in order. */
bool vgg_upload_takes_turned(const vgg_pack *pack);
/* The same of a weight that `input` gives as it lies in its file, with rows across: [columns /
 * inner][inner][rows], column c of a row at [c % (columns / inner)][c / (columns / inner)]. `inner`
 * 0: in order. */
clvgg_status vgg_upload_turned(vgg_uploader *uploader, const vgg_pack *pack,
                               const vgg_tensor_input *input, uint64_t inner,
                               vgg_packed_weights *out);
/* The same into buffers that exist already. On failure their content is undefined. */
clvgg_status vgg_upload_into(vgg_uploader *uploader, const vgg_pack *pack,
                             const vgg_tensor_input *input, uint64_t inner,
                             vgg_packed_weights *weights);
/* Waits for all that was begun. Accepts NULL. */
void vgg_uploader_free(vgg_uploader *uploader);

/* Uploads one weight by itself, as vgg_upload_turned() does, and waits for it. */
clvgg_status vgg_packed_weights_create(clvgg_device *device, cl_command_queue queue,
                                       const vgg_pack *pack, const vgg_tensor_input *input,
                                       uint64_t inner, vgg_packed_weights *out);

#endif
