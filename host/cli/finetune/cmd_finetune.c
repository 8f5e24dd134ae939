/* cli/finetune/cmd_finetune.c — `clvgg finetune`: another dense head for a pretrained
 * network, trained. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/finetune/finetune.h"
#include "cli/interrupt.h"
#include "cli/model_file.h"
#include "cli/run/run_options.h"
#include "cli/value.h"

#define AT(field) offsetof(cli_finetune_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Data and model"},
    {"data", 0, CLI_OPTION_TEXT, AT(data), "DIR", 0, 0,
     "Training photographs: a folder a class (DIR/cat/...), or names as\n"
     "cat.0.jpg"},
    {"val", 0, CLI_OPTION_TEXT, AT(val), "DIR", 0, 0, "Validation photographs, laid out likewise"},
    {"val-split", 0, CLI_OPTION_REAL, AT(val_split), "SHARE", 0.001, 0.9,
     "Without --val: this share of each class (0.1)"},
    CLI_OPTION_ROW_MAX_BAD(AT(max_bad)),
    {"model", 'm', CLI_OPTION_TEXT, AT(model), "F", 0, 0,
     "Pretrained network, safetensors (CLVGG_MODEL, else the default)"},
    {"output", 'o', CLI_OPTION_TEXT, AT(output), "FILE", 0, 0, "The new model, safetensors"},
    {"dtype", 0, CLI_OPTION_CHOICE, AT(dtype), "f32|f16|bf16", 0, 0,
     "Of trained layers in that file (f32); frozen ones keep theirs"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Head"},
    {"train", 0, CLI_OPTION_CHOICE, AT(train), "fc6|fc7|fc8", 0, 0,
     "First dense layer that trains: all three, two, or the last (fc6)"},
    {"head", 0, CLI_OPTION_TEXT, AT(head), "N,N|none", 0, 0,
     "Widths of fc6 and fc7; none: fc8 alone (the base's)"},
    {"head-init", 0, CLI_OPTION_CHOICE, AT(head_init), "fresh|keep", 0, 0,
     "What trained layers begin with (keep for the same classes or with\n"
     "--train, else fresh)"},
    {"activation", 0, CLI_OPTION_CHOICE, AT(activation), "relu|tanh|sigmoid", 0, 0,
     "Behind fc6 and fc7 (the base's, else relu)"},
    {"dropout", 0, CLI_OPTION_REAL, AT(dropout), "RATE", 0, 0.99, "Behind fc6 and fc7 (0.5)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Training"},
    {"epochs", 0, CLI_OPTION_COUNT, AT(epochs), "N", 1, 100000, "Passes over the data (12)"},
    {"batch", 'b', CLI_OPTION_COUNT, AT(batch), "N", 1, 65536, "Images a step (32)"},
    {"optimizer", 0, CLI_OPTION_CHOICE, AT(optimizer), "sgd|adam|adamw", 0, 0, "(sgd)"},
    {"lr", 0, CLI_OPTION_REAL, AT(lr), "RATE", 1e-12, 1e6,
     "Learning rate, for features of unit size (0.001 with sgd, else\n0.0001)"},
    {"lr-schedule", 0, CLI_OPTION_CHOICE, AT(lr_schedule), "constant|step|cosine", 0, 0,
     "(cosine)"},
    {"warmup", 0, CLI_OPTION_REAL, AT(warmup), "EPOCHS", 0, 100000,
     "Over which the learning rate rises (0.5)"},
    {"momentum", 0, CLI_OPTION_REAL, AT(momentum), "M", 0, 0.9999, "Adam's beta1 too (0.9)"},
    {"nesterov", 0, CLI_OPTION_FLAG, AT(nesterov), NULL, 0, 0, "Nesterov's momentum, with sgd"},
    {"weight-decay", 0, CLI_OPTION_REAL, AT(weight_decay), "D", 0, 1000, "(0.0005)"},
    {"clip-norm", 0, CLI_OPTION_REAL, AT(clip_norm), "N", 0, 1e12,
     "Largest norm of all gradients together (0: any)"},
    {"label-smoothing", 0, CLI_OPTION_REAL, AT(label_smoothing), "S", 0, 0.99, "(0)"},
    {"augment", 0, CLI_OPTION_WORDS, AT(augment), "flip,crop,color", 0, 0,
     "Views of training photographs beside the photograph itself"},
    {"views", 0, CLI_OPTION_COUNT, AT(views), "N", 1, 1000,
     "Views of a photograph with --augment (4)"},
    {"seed", 0, CLI_OPTION_COUNT, AT(seed), "N", 0, 2147483647, "(1)"},
    {"keep", 0, CLI_OPTION_CHOICE, AT(keep), "best|last", 0, 0,
     "Epoch whose weights the new model has: of the lowest validation\n"
     "loss, or the last, so that validation only measures (best)"},
    {"patience", 0, CLI_OPTION_COUNT, AT(patience), "N", 0, 100000,
     "Epochs without a lower validation loss before it ends (0: never)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Memory, disk, device"},
    {"cache", 0, CLI_OPTION_TEXT, AT(cache), "DIR|off", 0, 0,
     "Where features of the frozen layers are kept (features, beside\n"
     "clvgg's cache); off: computed anew in each epoch"},
    {"cache-limit", 0, CLI_OPTION_SIZE, AT(cache_limit_bytes), "SIZE", 1048576, 0,
     "Most that this folder may hold (20G)"},
    {"mem-limit", 0, CLI_OPTION_SIZE, AT(memory_limit_bytes), "SIZE", 16777216, 0,
     "Of host memory for reading, decoding and streaming (1G)"},
    {"device", 'd', CLI_OPTION_TEXT, AT(device), "D", 0, 0,
     "Index, P:D, part of a name, gpu, cpu, accelerator or uuid:...\n"
     "(CLVGG_DEVICE, else the first GPU, else the first device)"},
    {"compute-units", 0, CLI_OPTION_COUNT, AT(compute_units), "N", 1, 65535,
     "Use only N compute units of a CPU"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Run"},
    {"run-dir", 0, CLI_OPTION_TEXT, AT(run_dir), "DIR", 0, 0,
     "Checkpoints, metrics and curves (FILE with .run for .safetensors)"},
    {"resume", 0, CLI_OPTION_TEXT, AT(resume), "CKPT", 0, 0,
     "Go on from a checkpoint: the same options, the same result; a run\n"
     "that has none yet begins"},
    {"checkpoint-every", 0, CLI_OPTION_DURATION, AT(checkpoint_seconds), "TIME", 0, 0,
     "Between checkpoints inside an epoch (5m)"},
    {"dry-run", 'n', CLI_OPTION_FLAG, AT(dry_run), NULL, 0, 0,
     "Say what would be done, what it needs and about how long it takes"},
    {"json", 0, CLI_OPTION_FLAG, AT(json), NULL, 0, 0, "Print one JSON object"},
    {"quiet", 'q', CLI_OPTION_FLAG, AT(quiet), NULL, 0, 0, "Only results and errors"},
    {"no-cache", 0, CLI_OPTION_FLAG, AT(no_cache), NULL, 0, 0,
     "Neither use nor keep compiled programs and tuning results"},
    {0},
};

/* "4096,4096" or "none". */
static bool read_head(const char *text, clvgg_finetune_options *out)
{
    cli_counts widths;
    out->head_given = 1;
    if (strcmp(text, "none") == 0)
        return true;
    if (!cli_value_counts(text, 1, 1 << 20, &widths) || widths.count != 2)
        return false;
    out->head_layers = 2;
    out->head[0] = widths.values[0];
    out->head[1] = widths.values[1];
    return true;
}

static void take_options(const cli_finetuning *run, clvgg_finetune_options *out)
{
    static const clvgg_train_from from[] = {CLVGG_TRAIN_FC6, CLVGG_TRAIN_FC7, CLVGG_TRAIN_FC8};
    static const clvgg_head_init init[] = {CLVGG_HEAD_FRESH, CLVGG_HEAD_KEEP};
    const cli_finetune_arguments *arguments = run->arguments;
    if (arguments->train >= 0)
        out->train = from[arguments->train];
    if (arguments->head_init >= 0)
        out->head_init = init[arguments->head_init];
    out->activation_given = arguments->activation >= 0;
    if (out->activation_given)
        out->activation = (clvgg_activation)arguments->activation;
    out->epochs = arguments->epochs;
    out->batch = arguments->batch;
    out->optimizer = (clvgg_optimizer)arguments->optimizer;
    out->nesterov = arguments->nesterov;
    out->lr = arguments->lr;
    out->lr_schedule = (clvgg_lr_schedule)arguments->lr_schedule;
    out->warmup_epochs = arguments->warmup;
    out->momentum = arguments->momentum;
    out->weight_decay = arguments->weight_decay;
    out->clip_norm = arguments->clip_norm;
    out->dropout = arguments->dropout;
    out->label_smoothing = arguments->label_smoothing;
    out->augment = arguments->augment;
    out->views = arguments->views;
    out->seed = (uint64_t)arguments->seed;
    out->keep = (clvgg_keep)arguments->keep;
    out->patience = arguments->patience;
    out->cache_dir = run->cache_dir.bytes;
    out->cache_limit_bytes = arguments->cache_limit_bytes;
    out->memory_limit_bytes = arguments->memory_limit_bytes;
    out->run_dir = run->run_dir.bytes;
    out->resume = cli_finetune_checkpoint(run);
    out->checkpoint_seconds = (double)arguments->checkpoint_seconds;
    out->max_bad_share = arguments->max_bad.share;
    out->max_bad_images = arguments->max_bad.count;
    out->progress = cli_finetune_note;
    out->user = (void *)run;
}

/* Chooses the folders of checkpoints and features. */
static bool choose_folders(cli_finetuning *run)
{
    static const char suffix[] = ".safetensors";
    const cli_finetune_arguments *arguments = run->arguments;
    if (arguments->run_dir != NULL) {
        vgg_text_puts(&run->run_dir, arguments->run_dir);
    } else if (arguments->output != NULL) {
        size_t length = strlen(arguments->output);
        const size_t tail = sizeof suffix - 1;
        if (length > tail && strcmp(arguments->output + length - tail, suffix) == 0)
            length -= tail;
        vgg_text_append(&run->run_dir, arguments->output, length);
        vgg_text_puts(&run->run_dir, ".run");
    }
    vgg_text features = cli_features_path(run->cli);
    if (arguments->cache != NULL) {
        if (strcmp(arguments->cache, "off") != 0)
            vgg_text_puts(&run->cache_dir, arguments->cache);
    } else if (features.bytes != NULL) {
        vgg_text_puts(&run->cache_dir, features.bytes);
    } else if (run->run_dir.bytes != NULL) {
        vgg_text_printf(&run->cache_dir, "%s/features", run->run_dir.bytes);
    }
    const bool good = !run->run_dir.failed && !run->cache_dir.failed && !features.failed;
    vgg_text_free(&features);
    return good;
}

static int train(cli_finetuning *run)
{
    run->cli->silent = run->arguments->quiet;
    if (!run->arguments->quiet)
        cli_finetune_announce(run);
    cli_interrupt_watch();
    clvgg_status status = clvgg_finetune_run(run->finetune);
    vgg_progress_finish(&run->progress);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_finetune_save(run->finetune, run->arguments->output,
                                     (clvgg_dtype)run->arguments->dtype);
    run->written = status == CLVGG_STATUS_OK;
    if (status == CLVGG_STATUS_OK)
        status = cli_finetune_write_files(run);
    cli_finetune_report(run, status != CLVGG_STATUS_OK ? clvgg_status_message() : NULL);
    if (status == CLVGG_STATUS_OK)
        return CLI_EXIT_OK;
    cli_fail(run->cli, status);
    if (!run->written)
        cli_finetune_say_what_goes_on(run, status);
    return CLI_EXIT_FAILED;
}

/* The errno that keeps a file from being written, or 0. */
static int find_obstacle(const char *path)
{
    vgg_text folder = {0};
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return S_ISDIR(info.st_mode) ? EISDIR : 0;
    vgg_text_append(&folder, slash != NULL ? path : ".",
                    slash != NULL ? (size_t)(slash - path + 1) : 1);
    const int obstacle = folder.failed ? ENOMEM : access(folder.bytes, W_OK) == 0 ? 0 : errno;
    vgg_text_free(&folder);
    return obstacle;
}

/* Hours of training shouldn't end at a folder that isn't there. */
static int check_output(const cli_finetuning *run)
{
    const char *output = run->arguments->output;
    if (cli_replaces(output, clvgg_model_name(run->base))) {
        cli_error(run->cli, "--output would replace '%s', which is to be read", output);
        return cli_options_try_help(run->cli);
    }
    const int obstacle = output != NULL ? find_obstacle(output) : 0;
    if (obstacle == 0)
        return CLI_EXIT_OK;
    cli_error(run->cli, "%s: can't be written: %s", output, strerror(obstacle));
    return CLI_EXIT_FAILED;
}

static int set_up(cli_finetuning *run)
{
    const cli_finetune_arguments *arguments = run->arguments;
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    const char *labels = NULL;
    int exit_code = CLI_EXIT_OK;
    run->base = cli_load_model(run->cli, run->runtime, arguments->model, &model_options, &labels,
                               &exit_code);
    if (run->base == NULL)
        return exit_code;
    exit_code = check_output(run);
    if (exit_code == CLI_EXIT_OK)
        exit_code = cli_finetune_open_data(run);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    clvgg_device_options device_options;
    clvgg_device_options_defaults(&device_options);
    device_options.compute_units = (uint32_t)arguments->compute_units;
    clvgg_status status = clvgg_device_open(
        run->runtime, arguments->device != NULL ? arguments->device : run->cli->device,
        &device_options, &run->device);
    run->device_info.struct_size = sizeof run->device_info;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_get_info(run->device, &run->device_info);
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(run->cli, status);
}

/* A contradiction in the options is a wrong command line, anything else is work that failed. */
static int create(cli_finetuning *run)
{
    clvgg_finetune_options finetune_options;
    clvgg_finetune_options_defaults(&finetune_options);
    take_options(run, &finetune_options);
    if (run->arguments->head != NULL && !read_head(run->arguments->head, &finetune_options)) {
        cli_error(run->cli, "--head: needs two widths as 128,128, or none, got '%s'",
                  run->arguments->head);
        return cli_options_try_help(run->cli);
    }
    const clvgg_status status = clvgg_finetune_create(run->device, run->base, run->train, run->val,
                                                      &finetune_options, &run->finetune);
    if (status == CLVGG_STATUS_OK)
        return CLI_EXIT_OK;
    cli_fail(run->cli, status);
    return status == CLVGG_STATUS_INVALID_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

static void release(cli_finetuning *run)
{
    clvgg_finetune_free(run->finetune);
    clvgg_dataset_free(run->whole);
    clvgg_dataset_free(run->train);
    clvgg_dataset_free(run->val);
    clvgg_device_free(run->device);
    clvgg_model_free(run->base);
    cli_runtime_free(run->cli, run->runtime);
    vgg_text_free(&run->run_dir);
    vgg_text_free(&run->cache_dir);
    vgg_free(run->epochs);
}

static int work(cli_program *cli, const cli_finetune_arguments *arguments)
{
    cli_finetuning run = {.cli = cli, .arguments = arguments};
    cli->no_cache = arguments->no_cache;
    clvgg_status status =
        choose_folders(&run) ? cli_runtime(cli, &run.runtime) : CLVGG_STATUS_OUT_OF_MEMORY;
    int exit_code = status == CLVGG_STATUS_OK ? set_up(&run) : cli_fail(cli, status);
    if (exit_code == CLI_EXIT_OK)
        exit_code = create(&run);
    if (exit_code == CLI_EXIT_OK && !cli_finetune_take_epochs(&run)) {
        cli_error(cli, "out of memory");
        exit_code = CLI_EXIT_FAILED;
    }
    if (exit_code == CLI_EXIT_OK)
        exit_code = arguments->dry_run ? cli_finetune_dry_run(&run) : train(&run);
    release(&run);
    return exit_code;
}

/* The fault of the command line, an option missing or contradicted, or NULL. */
static const char *find_wrong(const cli_finetune_arguments *arguments)
{
    if (arguments->data == NULL)
        return "needs --data, a folder of photographs";
    if (arguments->output == NULL && !arguments->dry_run)
        return "needs --output, the file of the new model";
    if (arguments->val != NULL && arguments->val_split > 0)
        return "--val and --val-split exclude each other";
    if (arguments->views > 1 && arguments->augment == 0)
        return "--views needs --augment: views would all be the same";
    if (arguments->nesterov && arguments->optimizer != CLVGG_OPTIMIZER_SGD)
        return "--nesterov goes with --optimizer sgd";
    if (arguments->patience > 0 && arguments->keep == CLVGG_KEEP_LAST)
        return "--patience goes with --keep best: it lets validation choose the last epoch";
    return NULL;
}

static int run_finetune(cli_program *cli, int argc, char **argv)
{
    clvgg_finetune_options defaults;
    clvgg_finetune_options_defaults(&defaults);
    cli_finetune_arguments arguments = {.train = -1,
                                        .head_init = -1,
                                        .activation = -1,
                                        .epochs = defaults.epochs,
                                        .batch = defaults.batch,
                                        .optimizer = (int)defaults.optimizer,
                                        .lr_schedule = (int)defaults.lr_schedule,
                                        .warmup = defaults.warmup_epochs,
                                        .momentum = defaults.momentum,
                                        .weight_decay = defaults.weight_decay,
                                        .dropout = defaults.dropout,
                                        .seed = (int)defaults.seed,
                                        .cache_limit_bytes = defaults.cache_limit_bytes,
                                        .memory_limit_bytes = defaults.memory_limit_bytes,
                                        .checkpoint_seconds = (float)defaults.checkpoint_seconds,
                                        .max_bad = CLI_ALLOWANCE_DEFAULT};
    size_t operand_count = 0;
    const cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_finetune, argc, argv, &arguments, &operand_count);
    if (parsed != CLI_PARSED)
        return parsed == CLI_PARSED_HELP ? CLI_EXIT_OK : CLI_EXIT_USAGE;
    const char *wrong = find_wrong(&arguments);
    if (operand_count > 0)
        cli_error(cli, "takes no argument, got '%s': name photographs by --data", argv[1]);
    else if (wrong != NULL)
        cli_error(cli, "%s", wrong);
    if (operand_count > 0 || wrong != NULL)
        return cli_options_try_help(cli);
    return work(cli, &arguments);
}

const cli_verb cli_verb_finetune = {
    .name = "finetune",
    .summary = "train a pretrained network's dense head for your classes",
    .usage = "--data DIR --output FILE [OPTION]...",
    .description =
        "Replaces the dense head of a pretrained VGG and trains it for the classes of your\n"
        "photographs. The convolutional layers stay as they are: what they give for a photograph\n"
        "is computed once and kept on disk, so memory doesn't grow with the number of\n"
        "photographs. The model with the lowest validation loss is what remains, or the last\n"
        "one (--keep). Stopped by Ctrl-C or killed, the same command with --resume goes on to the\n"
        "same result.",
    .examples =
        "  clvgg finetune --data photographs/ --output mine.safetensors\n"
        "  clvgg finetune --data train/ --val val/ --augment flip,crop -o mine.safetensors\n"
        "  clvgg finetune --data train/ --model vgg16.safetensors --train fc8 -o m.safetensors\n"
        "  clvgg finetune --data train/ --head 128,128 --optimizer adamw --dry-run\n",
    .options = options,
    .run = run_finetune,
};
