/* cli/finetune/cmd_finetune.c — `clvgg finetune`: another dense head for a pretrained
 * network, trained. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/finetune/finetune.h"
#include "cli/interrupt.h"
#include "cli/value.h"

#define AT(field) offsetof(cli_finetune_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, NULL, 0, 0, ": name photographs by --data"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Data and model"},
    {"data", 0, CLI_OPTION_TEXT, AT(data), "DIR", 0, 0,
     "Training photographs: a folder a class (DIR/cat/...), or names as\n"
     "cat.0.jpg"},
    {"val", 0, CLI_OPTION_TEXT, AT(val), "DIR", 0, 0, "Validation photographs, laid out likewise"},
    {"val-split", 0, CLI_OPTION_REAL, AT(val_split), "SHARE", 0.001, 0.9,
     "Without --val: this share of each class (0.1)"},
    CLI_ROW_MAX_BAD(cli_finetune_arguments, max_bad),
    {"model", 'm', CLI_OPTION_TEXT, AT(context.model), "F", 0, 0,
     "Pretrained network (CLVGG_MODEL, else the default)"},
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
    {"dropout", 0, CLI_OPTION_REAL, AT(options.dropout), "RATE", 0, 0.99,
     "Behind fc6 and fc7 (0.5)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Training"},
    {"epochs", 0, CLI_OPTION_COUNT, AT(options.epochs), "N", 1, 100000,
     "Passes over the data (12)"},
    {"batch", 'b', CLI_OPTION_COUNT, AT(options.batch), "N", 1, 65536, "Images a step (32)"},
    {"optimizer", 0, CLI_OPTION_CHOICE, AT(options.optimizer), "sgd|adam|adamw", 0, 0, "(sgd)"},
    {"lr", 0, CLI_OPTION_REAL, AT(options.lr), "RATE", 1e-12, 1e6,
     "Learning rate, for features of unit size (0.001 with sgd, else\n0.0001)"},
    {"lr-schedule", 0, CLI_OPTION_CHOICE, AT(options.lr_schedule), "constant|step|cosine", 0, 0,
     "(cosine)"},
    {"warmup", 0, CLI_OPTION_REAL, AT(options.warmup_epochs), "EPOCHS", 0, 100000,
     "Over which the learning rate rises (0.5)"},
    {"momentum", 0, CLI_OPTION_REAL, AT(options.momentum), "M", 0, 0.9999,
     "Adam's beta1 too (0.9)"},
    {"nesterov", 0, CLI_OPTION_FLAG, AT(nesterov), NULL, 0, 0, "Nesterov's momentum, with sgd"},
    {"weight-decay", 0, CLI_OPTION_REAL, AT(options.weight_decay), "D", 0, 1000, "(0.0005)"},
    {"clip-norm", 0, CLI_OPTION_REAL, AT(options.clip_norm), "N", 0, 1e12,
     "Largest norm of all gradients together (0: any)"},
    {"label-smoothing", 0, CLI_OPTION_REAL, AT(options.label_smoothing), "S", 0, 0.99, "(0)"},
    {"augment", 0, CLI_OPTION_WORDS, AT(options.augment), "flip,crop,color", 0, 0,
     "Views of training photographs beside the photograph itself"},
    {"views", 0, CLI_OPTION_COUNT, AT(options.views), "N", 1, 1000,
     "Views of a photograph with --augment (4)"},
    {"seed", 0, CLI_OPTION_COUNT, AT(seed), "N", 0, 2147483647, "(1)"},
    {"keep", 0, CLI_OPTION_CHOICE, AT(options.keep), "best|last", 0, 0,
     "Epoch whose weights the new model has: of the lowest validation\n"
     "loss, or the last, so that validation only measures (best)"},
    {"patience", 0, CLI_OPTION_COUNT, AT(options.patience), "N", 0, 100000,
     "Epochs without a lower validation loss before it ends (0: never)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Memory, disk, device"},
    {"cache", 0, CLI_OPTION_TEXT, AT(cache), "DIR|off", 0, 0,
     "Where features of the frozen layers are kept (features, beside\n"
     "clvgg's cache); off: computed anew in each epoch"},
    {"cache-limit", 0, CLI_OPTION_SIZE, AT(options.cache_limit_bytes), "SIZE", 1048576, 0,
     "Most that this folder may hold (20G)"},
    {"mem-limit", 0, CLI_OPTION_SIZE, AT(options.memory_limit_bytes), "SIZE", 16777216, 0,
     "Of host memory for reading, decoding and streaming (1G)"},
    CLI_ROWS_DEVICE(cli_finetune_arguments, context),
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
    CLI_ROW_JSON(cli_finetune_arguments, json),
    {"quiet", 'q', CLI_OPTION_FLAG, AT(quiet), NULL, 0, 0, "Only results and errors"},
    {"no-cache", 0, CLI_OPTION_FLAG, AT(context.no_cache), NULL, 0, 0,
     "Neither use nor keep compiled programs and tuning results"},
    CLI_ROW_NO_VERIFY(cli_finetune_arguments, context),
    {0},
};

static void take_options(const cli_finetuning *run, clvgg_finetune_options *out)
{
    static const clvgg_train_from from[] = {CLVGG_TRAIN_FC6, CLVGG_TRAIN_FC7, CLVGG_TRAIN_FC8};
    static const clvgg_head_init init[] = {CLVGG_HEAD_FRESH, CLVGG_HEAD_KEEP};
    const cli_finetune_arguments *arguments = run->arguments;
    *out = arguments->options;
    if (arguments->train >= 0)
        out->train = from[arguments->train];
    if (arguments->head_init >= 0)
        out->head_init = init[arguments->head_init];
    out->activation_given = arguments->activation >= 0;
    if (out->activation_given)
        out->activation = (clvgg_activation)arguments->activation;
    out->nesterov = arguments->nesterov;
    out->seed = (uint64_t)arguments->seed;
    out->cache_dir = run->cache_dir.bytes;
    out->run_dir = run->run_dir.bytes;
    out->resume = cli_finetune_checkpoint(run);
    out->checkpoint_seconds = (double)arguments->checkpoint_seconds;
    out->max_bad_share = arguments->max_bad.share;
    out->max_bad_images = arguments->max_bad.count;
    out->progress = cli_finetune_note;
    out->user = (void *)run;
}

/* Chooses the folders of checkpoints and features. */
static clvgg_status choose_folders(cli_finetuning *run)
{
    static const char suffix[] = ".safetensors";
    clvgg_status status = CLVGG_STATUS_OK;
    const cli_finetune_arguments *arguments = run->arguments;
    vgg_text features = {0};
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
    VGG_TRY(vgg_text_check(&run->run_dir, "the path of the run's folder"));
    VGG_TRY(cli_beside_cache(run->cli, "features", &features));
    if (arguments->cache != NULL) {
        if (strcmp(arguments->cache, "off") != 0)
            vgg_text_puts(&run->cache_dir, arguments->cache);
    } else if (features.bytes != NULL) {
        vgg_text_puts(&run->cache_dir, features.bytes);
    } else if (run->run_dir.bytes != NULL) {
        vgg_text_printf(&run->cache_dir, "%s/features", run->run_dir.bytes);
    }
    VGG_TRY(vgg_text_check(&run->cache_dir, "the path of kept features"));
cleanup:
    vgg_text_free(&features);
    return status;
}

/* Reports how it ended, and behind a failure how to go on. */
static void end(cli_finetuning *run, clvgg_status status)
{
    vgg_message_hold(); /* it is printed behind the report */
    cli_finetune_report(run, status != CLVGG_STATUS_OK ? vgg_message_of(status) : NULL);
    vgg_message_release();
    if (status == CLVGG_STATUS_OK)
        return;
    cli_fail(run->cli, status);
    run->cli->exit_code = CLI_EXIT_FAILED; /* the options were good enough to begin */
    if (!run->written)
        cli_finetune_say_what_goes_on(run, status);
}

static void train(cli_finetuning *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    run->cli->silent = run->arguments->quiet;
    if (!run->arguments->quiet)
        cli_finetune_announce(run);
    cli_interrupt_watch();
    status = clvgg_finetune_run(run->finetune);
    vgg_progress_finish(&run->progress);
    VGG_TRY(status);
    VGG_TRY(clvgg_finetune_save(run->finetune, run->arguments->output,
                                (clvgg_dtype)run->arguments->dtype));
    run->written = true;
    VGG_TRY(cli_finetune_write_files(run));
cleanup:
    end(run, status);
}

/* The errno that keeps a file from being written, or 0. */
static int find_obstacle(const char *path)
{
    char folder[4096];
    struct stat info;
    const char *slash = strrchr(path, '/');
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return S_ISDIR(info.st_mode) ? EISDIR : 0;
    const int length =
        snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
                 slash != NULL ? path : ".");
    return length >= (int)sizeof folder ? ENAMETOOLONG : access(folder, W_OK) == 0 ? 0 : errno;
}

/* A checkpoint may be a model too. A run that goes on has files of its own in the folder. */
static clvgg_status check_run_dir(const cli_finetuning *run)
{
    static const char *const names[] = {"best.ckpt",    "last.ckpt",  "metrics.csv",
                                        "metrics.json", "curves.svg", "curves.png"};
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    if (run->run_dir.bytes == NULL || run->arguments->resume != NULL)
        return CLVGG_STATUS_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path.length = 0;
        vgg_text_printf(&path, "%s/%s", run->run_dir.bytes, names[i]);
        VGG_TRY(vgg_text_check(&path, "the path of a run's file"));
        VGG_TRY(cli_context_keep_model(&run->context, "the run", path.bytes));
    }
cleanup:
    vgg_text_free(&path);
    return status;
}

/* Hours of training shouldn't end at a folder that isn't there. */
static clvgg_status check_output(const cli_finetuning *run)
{
    const char *output = run->arguments->output;
    VGG_PASS(cli_context_keep_model(&run->context, "--output", output));
    VGG_PASS(check_run_dir(run));
    const int obstacle = output != NULL ? find_obstacle(output) : 0;
    return obstacle == 0 ? CLVGG_STATUS_OK
                         : vgg_fail(CLVGG_STATUS_IO, "%s: can't be written: %s", output,
                                    strerror(obstacle));
}

static clvgg_status create(cli_finetuning *run)
{
    clvgg_finetune_options finetune_options;
    cli_counts widths = {.count = 0};
    take_options(run, &finetune_options);
    finetune_options.head_given = run->arguments->head != NULL;
    if (finetune_options.head_given && !cli_value_head(run->arguments->head, &widths))
        return cli_misuse(run->cli, "--head: needs two widths as 128,128, or none, got '%s'",
                          run->arguments->head);
    finetune_options.head_layers = (int)widths.count;
    memcpy(finetune_options.head, widths.values, sizeof finetune_options.head);
    return clvgg_finetune_create(run->context.device, run->context.model, run->train, run->val,
                                 &finetune_options, &run->finetune);
}

static void release(cli_finetuning *run)
{
    clvgg_finetune_free(run->finetune);
    clvgg_dataset_free(run->whole);
    clvgg_dataset_free(run->train);
    clvgg_dataset_free(run->val);
    cli_context_close(&run->context);
    vgg_text_free(&run->run_dir);
    vgg_text_free(&run->cache_dir);
    vgg_memory_free(run->epochs);
}

static clvgg_status run_finetune(cli_program *cli, const void *given)
{
    const cli_finetune_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    cli_finetuning run = {.cli = cli, .arguments = arguments};
    cli->no_cache = arguments->context.no_cache;
    VGG_TRY(choose_folders(&run));
    VGG_TRY(cli_context_begin(&run.context, cli, &arguments->context));
    VGG_TRY(cli_context_load_model(&run.context));
    VGG_TRY(check_output(&run));
    VGG_TRY(cli_finetune_open_data(&run));
    VGG_TRY(cli_context_open_device(&run.context));
    VGG_TRY(create(&run));
    VGG_TRY(cli_finetune_take_epochs(&run));
    if (arguments->dry_run)
        VGG_TRY(cli_finetune_dry_run(&run));
    else
        train(&run);
cleanup:
    release(&run);
    return status;
}

/* The fault of the command line, an option missing or contradicted, or NULL. */
static const char *check(const void *given)
{
    const cli_finetune_arguments *arguments = given;
    if (arguments->data == NULL)
        return "needs --data, a folder of photographs";
    if (arguments->output == NULL && !arguments->dry_run)
        return "needs --output, the file of the new model";
    if (arguments->val != NULL && arguments->val_split > 0)
        return "--val and --val-split exclude each other";
    if (arguments->options.views > 1 && arguments->options.augment == 0)
        return "--views needs --augment: views would all be the same";
    if (arguments->nesterov && arguments->options.optimizer != CLVGG_OPTIMIZER_SGD)
        return "--nesterov goes with --optimizer sgd";
    if (arguments->options.patience > 0 && arguments->options.keep == CLVGG_KEEP_LAST)
        return "--patience goes with --keep best: it lets validation choose the last epoch";
    return NULL;
}

static void set_defaults(void *given)
{
    cli_finetune_arguments *arguments = given;
    *arguments = (cli_finetune_arguments){
        .train = -1, .head_init = -1, .activation = -1, .max_bad = CLI_ALLOWANCE_DEFAULT};
    clvgg_finetune_options_defaults(&arguments->options);
    arguments->seed = (int)arguments->options.seed;
    arguments->checkpoint_seconds = (float)arguments->options.checkpoint_seconds;
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
    .arguments_size = sizeof(cli_finetune_arguments),
    .set_defaults = set_defaults,
    .check = check,
    .run = run_finetune,
};
