/* cli/context.h — what verbs work with: runtime, model, labels, device, preprocessing, opened here
 * and nowhere else; and the rows of option tables that say which. */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include "cli/options.h"
#include "clvgg/class_map.h"
#include "clvgg/session.h"

/* Which device and model, and how photographs are prepared for it. */
typedef struct cli_context_arguments {
    const char *device, *model, *labels;
    int compute_units;
    bool no_cache, no_verify, quiet;
    cli_extent input_size;
    int resize_mode, resize_short, channels; /* -1, 0, -1: the model's own */
    cli_values mean, std;
    float scale; /* 0: the model's own */
} cli_context_arguments;
#define CLI_CONTEXT_DEFAULTS                                                                       \
    {                                                                                              \
        .resize_mode = -1, .channels = -1                                                          \
    }

/* How networks run: clvgg_execution, and the batch. */
typedef struct cli_execution_arguments {
    int batch, gemm;
    clvgg_storage storage;
    uint64_t memory_limit_bytes;
    cli_list variants;
} cli_execution_arguments;

/* Rows of option tables. `type` is the verb's struct, `context` and `execution` are its members of
 * the types above. */
/* clang-format off */
#define CLI_ROWS_DEVICE(type, context) \
    {"device", 'd', CLI_OPTION_TEXT, offsetof(type, context.device), "D", 0, 0, \
     "Index, P:D, part of a name, gpu, cpu, accelerator or uuid:...\n" \
     "(CLVGG_DEVICE, else the first GPU, else the first device)"}, \
    {"compute-units", 0, CLI_OPTION_COUNT, offsetof(type, context.compute_units), "N", 1, 65535, \
     "Use only N compute units of a CPU"}

#define CLI_ROW_MODEL(type, context) \
    {"model", 'm', CLI_OPTION_TEXT, offsetof(type, context.model), "FILE", 0, 0, \
     "File of weights, as 'clvgg info --formats' lists them\n" \
     "(CLVGG_MODEL, else the model installed with clvgg)"}

#define CLI_ROW_LABELS(type, context) \
    {"labels", 'l', CLI_OPTION_TEXT, offsetof(type, context.labels), "FILE", 0, 0, \
     "Names of the classes, one a line"}

#define CLI_ROW_MAP(type, map) \
    {"map", 0, CLI_OPTION_TEXT, offsetof(type, map), "FILE", 0, 0, \
     "Sum classes into groups: a line \"GROUP<tab>CLASS\" each, CLASS an\n" \
     "index, a range 151-268 or a label (imagenet-cat-dog.tsv is shipped)"}

#define CLI_ROW_MAX_BAD(type, max_bad) \
    {"max-bad", 0, CLI_OPTION_ALLOWANCE, offsetof(type, max_bad), "N|P%", 0, 0, \
     "Photographs that can't be read are left out; more than these are\n" \
     "an error: a number, or a share, which allows one always (1%)"}

#define CLI_ROWS_BATCH(type, execution) \
    {"batch", 'b', CLI_OPTION_COUNT, offsetof(type, execution.batch), "N", 1, 4096, \
     "Run N images at once (8, or as many as there are)"}, \
    {"mem-limit", 0, CLI_OPTION_SIZE, offsetof(type, execution.memory_limit_bytes), "SIZE", \
     1048576.0, 0, \
     "At most SIZE (512M, 2G) for images waiting on the host, and as\n" \
     "much for activations on the device; batches shrink to fit (256M\n" \
     "for images, no limit but the device's)"}

#define CLI_ROW_JSON(type, json) \
    {"json", 0, CLI_OPTION_FLAG, offsetof(type, json), NULL, 0, 0, "Print one JSON object"}

#define CLI_ROW_QUIET(type, context) \
    {"quiet", 'q', CLI_OPTION_FLAG, offsetof(type, context.quiet), NULL, 0, 0, \
     "Nothing but errors on standard error"}

#define CLI_ROW_INPUT_SIZE(type, context) \
    {"input-size", 0, CLI_OPTION_EXTENT, offsetof(type, context.input_size), "HxW", 1, 65535, \
     "Input of H rows and W columns, or N for a square"}

#define CLI_ROWS_PREPROCESS(type, context) \
    CLI_ROW_INPUT_SIZE(type, context), \
    {"resize-mode", 0, CLI_OPTION_CHOICE, offsetof(type, context.resize_mode), "crop|squash", 0, 0, \
     "Short side to --resize-short, then the centre; or straight to\n" \
     "the input size, whatever the shape"}, \
    {"resize-short", 0, CLI_OPTION_COUNT, offsetof(type, context.resize_short), "N", 1, 65535, \
     "Length of the short side before the crop"}, \
    {"channels", 0, CLI_OPTION_CHOICE, offsetof(type, context.channels), "RGB|BGR", 0, 0, \
     "Order of the channels, of --mean and of --std"}, \
    {"scale", 0, CLI_OPTION_NUMBER, offsetof(type, context.scale), "X", 0, 0, \
     "An input is (pixel x scale - mean) / std, pixel in 0...255"}, \
    {"mean", 0, CLI_OPTION_VALUES, offsetof(type, context.mean), "A,B,C", -1e30, 0, \
     "Mean of each channel; one number for a network of grey"}, \
    {"std", 0, CLI_OPTION_VALUES, offsetof(type, context.std), "A,B,C", 0, 0, \
     "Standard deviation of each channel"}

#define CLI_ROW_STORAGE(type, execution) \
    {"storage", 0, CLI_OPTION_STORAGE, offsetof(type, execution.storage), CLVGG_STORAGE_NAMES, \
     0, 0, \
     "Weights on the device in 32 bits, or in half the bytes: rounded;\n" \
     "arithmetic stays float32 (f32)"}

#define CLI_ROW_NO_CACHE(type, context) \
    {"no-cache", 0, CLI_OPTION_FLAG, offsetof(type, context.no_cache), NULL, 0, 0, \
     "Compile every program, and keep none"}

#define CLI_ROW_NO_VERIFY(type, context) \
    {"no-verify", 0, CLI_OPTION_FLAG, offsetof(type, context.no_verify), NULL, 0, 0, \
     "Trust this device's kernels without a check at their first use\n" \
     "(CLVGG_VERIFY=off)"}

#define CLI_ROWS_KERNELS(type, context, execution) \
    {"gemm", 0, CLI_OPTION_CHOICE, offsetof(type, execution.gemm), "auto|own|clblast", 0, 0, \
     "Whose matrix multiplication serves dense layers"}, \
    {"variant", 0, CLI_OPTION_LIST, offsetof(type, execution.variants), "LAYER=NAME", 0, 0, \
     "Force a kernel for a layer, or for all with *=NAME; repeatable"}, \
    CLI_ROW_STORAGE(type, execution), \
    CLI_ROW_NO_CACHE(type, context)
/* clang-format on */

typedef struct cli_context {
    cli_program *cli;
    const cli_context_arguments *arguments;
    clvgg_runtime *runtime;
    clvgg_model *model;
    const char *labels_path; /* file in use; NULL: the model's own */
    bool random_weights;
    bool keep_batch_norm; /* to be set before the model is loaded: clvgg_model_options' */
    clvgg_device *device;
    clvgg_device_info device_info;
    const clvgg_preprocess *stated; /* instead of the model's preprocessing; NULL: nothing */
    clvgg_preprocess preprocess;    /* the model's, as options change it */
    const char *preprocess_origin;  /* the model's own string where they leave it alone */
    double start_ms; /* when the verb began, by report/clock.h */
} cli_context;

/* Begins with a runtime; each of the others below needs what stands above it. Close the context
 * whatever fails. */
clvgg_status cli_context_begin(cli_context *context, cli_program *cli,
                               const cli_context_arguments *arguments);
/* Loads --model, else CLVGG_MODEL, else the default model (installed, or beside the build tree). A
 * model of ImageNet's 1,000 classes that brings no labels gets those of imagenet-1k.txt, when it is
 * found beside the default model; labels_path then says so. */
clvgg_status cli_context_load_model(cli_context *context);
/* Instead, for verbs that don't need trained weights: --model, else CLVGG_MODEL, else vgg16 is a
 * file, or an architecture, whose weights are random. */
clvgg_status cli_context_find_model(cli_context *context);
/* Fails with UNSUPPORTED, and what to do, where the model can't classify. */
clvgg_status cli_context_check_classifier(const cli_context *context);
clvgg_status cli_context_open_device(cli_context *context);
/* Fails with a misuse where writing the file `path` (NULL: none), which `option` asks for, would
 * replace one that the loaded model or its --labels are read from. */
clvgg_status cli_context_keep_model(const cli_context *context, const char *option,
                                    const char *path);
clvgg_status cli_context_settle_preprocess(cli_context *context);
/* Says how many photographs were damaged, and frees everything. */
void cli_context_close(cli_context *context);

/* Reads the groups of --map: `path`, or where there is no such file and no slash in it, the file of
 * that name that is installed beside the default model. */
clvgg_status cli_context_load_map(const cli_context *context, const char *path,
                                  clvgg_class_map **map);
/* Fails with UNSUPPORTED where photographs can't be prepared for the model. */
clvgg_status cli_context_check_photographs(const cli_context *context);
/* Floats of one prepared image. */
size_t cli_context_input_elements(const cli_context *context);
/* The layer of that name; "logits" is the last dense layer, unless a layer has that name. Unknown:
 * INVALID_ARGUMENT, with the valid ones. */
clvgg_status cli_context_find_layer(const cli_context *context, const char *name,
                                    clvgg_layer_info *info, size_t *index);

/* The largest batch to try for `image_count` images (0: unknown), by --batch and --mem-limit, where
 * this process holds host_elements floats for each image. */
int cli_execution_batch(const cli_execution_arguments *arguments, uint64_t host_elements,
                        size_t image_count);
/* What the other arguments say, as the library takes it; its strings are the arguments'. */
clvgg_execution cli_execution(const cli_execution_arguments *arguments);

#endif
