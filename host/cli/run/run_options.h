/* cli/run/run_options.h — rows of option tables that verbs which run images share: `at` gives the
 * offset of a field of cli_run_arguments. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include "cli/run/run.h"

/* clang-format off */
#define CLI_RUN_OPTIONS_DEVICE(at) \
    {"device", 'd', CLI_OPTION_TEXT, at(device), "D", 0, 0, \
     "Index, P:D, part of a name, gpu, cpu, accelerator or uuid:...\n" \
     "(CLVGG_DEVICE, else the first GPU, else the first device)"}, \
    {"compute-units", 0, CLI_OPTION_COUNT, at(compute_units), "N", 1, 65535, \
     "Use only N compute units of a CPU"}, \
    {"model", 'm', CLI_OPTION_TEXT, at(model), "FILE", 0, 0, \
     "Safetensors file (CLVGG_MODEL, else the model installed with clvgg)"}

#define CLI_RUN_OPTIONS_CLASSES(at) \
    {"labels", 'l', CLI_OPTION_TEXT, at(labels), "FILE", 0, 0, "Names of the classes, one a line"}, \
    {"map", 0, CLI_OPTION_TEXT, at(map), "FILE", 0, 0, \
     "Sum classes into groups: a line \"GROUP<tab>CLASS\" each, CLASS an\n" \
     "index, a range 151-268 or a label (imagenet-cat-dog.tsv is shipped)"}

#define CLI_OPTION_ROW_MAX_BAD(offset) \
    {"max-bad", 0, CLI_OPTION_ALLOWANCE, offset, "N|P%", 0, 0, \
     "Photographs that can't be read are left out; more than these are\n" \
     "an error: a number, or a share, which allows one always (1%)"}

#define CLI_RUN_OPTIONS_BATCH(at) \
    {"batch", 'b', CLI_OPTION_COUNT, at(batch), "N", 1, 4096, \
     "Run N images at once (8, or as many as there are)"}, \
    {"mem-limit", 0, CLI_OPTION_SIZE, at(memory_limit_bytes), "SIZE", 1048576.0, 0, \
     "At most SIZE (512M, 2G) for images waiting on the host, and as\n" \
     "much for activations on the device; batches shrink to fit (256M\n" \
     "for images, no limit but the device's)"}

#define CLI_RUN_OPTIONS_PREPROCESS(at) \
    {"input-size", 0, CLI_OPTION_EXTENT, at(input_size), "HxW", 1, 65535, \
     "Input of H rows and W columns, or N for a square"}, \
    {"resize-mode", 0, CLI_OPTION_CHOICE, at(resize_mode), "crop|squash", 0, 0, \
     "Short side to --resize-short, then the centre; or straight to\n" \
     "the input size, whatever the shape"}, \
    {"resize-short", 0, CLI_OPTION_COUNT, at(resize_short), "N", 1, 65535, \
     "Length of the short side before the crop"}, \
    {"channels", 0, CLI_OPTION_CHOICE, at(channels), "RGB|BGR", 0, 0, \
     "Order of the channels, of --mean and of --std"}, \
    {"scale", 0, CLI_OPTION_NUMBER, at(scale), "X", 0, 0, \
     "An input is (pixel x scale - mean) / std, pixel in 0...255"}, \
    {"mean", 0, CLI_OPTION_VALUES, at(mean), "A,B,C", -1e30, 0, \
     "Mean of each channel; one number for a network of grey"}, \
    {"std", 0, CLI_OPTION_VALUES, at(std), "A,B,C", 0, 0, "Standard deviation of each channel"}

#define CLI_RUN_OPTIONS_KERNELS(at) \
    {"gemm", 0, CLI_OPTION_CHOICE, at(gemm), "auto|own|clblast", 0, 0, \
     "Whose matrix multiplication serves dense layers"}, \
    {"variant", 0, CLI_OPTION_LIST, at(variants), "LAYER=NAME", 0, 0, \
     "Force a kernel for a layer, or for all with *=NAME; repeatable"}, \
    {"storage", 0, CLI_OPTION_STORAGE, at(storage), CLVGG_STORAGE_NAMES, 0, 0, \
     "Weights on the device in 32 bits, or in half the bytes: rounded;\n" \
     "arithmetic stays float32 (f32)"}, \
    {"no-cache", 0, CLI_OPTION_FLAG, at(no_cache), NULL, 0, 0, \
     "Compile every program, and keep none"}
/* clang-format on */

#endif
