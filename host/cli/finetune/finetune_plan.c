/* cli/finetune/finetune_plan.c — what a fine-tuning will do, before it does it. */
#include "cli/finetune/finetune.h"
#include "cli/interrupt.h"
#include "report/device.h"
#include "report/format.h"

static clvgg_finetune_plan plan_of(const cli_finetuning *run)
{
    clvgg_finetune_plan plan = {.struct_size = sizeof plan};
    clvgg_finetune_get_plan(run->finetune, &plan);
    return plan;
}

/* "fc6: 25088 to 128, fresh (begins anew), trains". */
static void write_layers(const cli_finetuning *run, vgg_text *text)
{
    for (size_t i = 0; i < clvgg_finetune_layer_count(run->finetune); i++) {
        clvgg_finetune_layer layer = {.struct_size = sizeof layer};
        clvgg_finetune_layer_at(run->finetune, i, &layer);
        vgg_text_printf(text, "%s: %d to %d, %s", layer.name, layer.inputs, layer.outputs,
                        layer.kept ? "the base's weights" : "random weights");
        if (layer.why[0] != '\0')
            vgg_text_printf(text, " (%s)", layer.why);
        vgg_text_printf(text, ", %s\n",
                        !layer.frozen ? "trains"
                        : layer.kept  ? "frozen"
                                      : "frozen: random features");
    }
}

static void write_memory(const cli_finetuning *run, vgg_text *text)
{
    const clvgg_finetune_plan plan = plan_of(run);
    vgg_text_name(text, "features: ", plan.features, ", ");
    vgg_text_printf(text, "%s values a view; %s in all (%d view%s), %s known",
                    VGG_COUNT(plan.feature_count), VGG_COUNT(plan.feature_images), plan.views,
                    plan.views > 1 ? "s" : "", VGG_COUNT(plan.cached_images));
    if (run->cache_dir.bytes != NULL) {
        vgg_text_printf(text, "; the rest takes %s", VGG_SIZE(plan.cache_bytes));
        vgg_text_name(text, " in ", run->cache_dir.bytes, ", which has room for ");
        vgg_text_puts(text, VGG_SIZE(plan.free_disk_bytes));
    } else {
        vgg_text_puts(text, "; none is kept");
    }
    vgg_text_printf(text,
                    "\nmemory: on the device %s for features, then %s for %s trained parameters; "
                    "buffers of the host %s",
                    VGG_SIZE(plan.frozen_device_bytes), VGG_SIZE(plan.head_device_bytes),
                    VGG_COUNT(plan.trained_parameters), VGG_SIZE(plan.host_buffer_bytes));
}

static void write_plan(const cli_finetuning *run, vgg_text *text)
{
    const clvgg_finetune_plan plan = plan_of(run);
    vgg_text_puts(text, "device: ");
    vgg_report_device_name(text, &run->context.device_info);
    vgg_text_name(text, "\nbase: ", clvgg_model_name(run->context.model), "\n");
    write_layers(run, text);
    write_memory(run, text);
    vgg_text_printf(
        text, "\n%d %s of %s %s", plan.epochs, vgg_plural((uint64_t)plan.epochs, "epoch", "epochs"),
        VGG_COUNT(plan.steps_an_epoch), vgg_plural(plan.steps_an_epoch, "step", "steps"));
    if (plan.first_epoch > 1 || run->arguments->resume != NULL)
        vgg_text_printf(text, ", from epoch %d on", plan.first_epoch);
    if (run->arguments->options.keep == CLVGG_KEEP_LAST)
        vgg_text_puts(text, ", the last of which is kept");
}

void cli_finetune_announce(const cli_finetuning *run)
{
    vgg_text text = {0};
    write_plan(run, &text);
    cli_note_text(run->cli, &text, "the lines about what will be done");
}

/* ---- JSON ---- */

static void put_classes(const cli_finetuning *run, vgg_json *json)
{
    const clvgg_dataset *train = clvgg_finetune_train(run->finetune);
    const clvgg_dataset *val = clvgg_finetune_val(run->finetune);
    vgg_json_begin_array(json, "classes");
    for (size_t i = 0; i < clvgg_dataset_class_count(train); i++) {
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "name", clvgg_dataset_class_name(train, i));
        vgg_json_integer(json, "train", (int64_t)clvgg_dataset_class_size(train, i));
        vgg_json_integer(json, "val", (int64_t)clvgg_dataset_class_size(val, i));
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void put_layers(const cli_finetuning *run, vgg_json *json)
{
    vgg_json_begin_array(json, "layers");
    for (size_t i = 0; i < clvgg_finetune_layer_count(run->finetune); i++) {
        clvgg_finetune_layer layer = {.struct_size = sizeof layer};
        clvgg_finetune_layer_at(run->finetune, i, &layer);
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "name", layer.name);
        vgg_json_integer(json, "inputs", layer.inputs);
        vgg_json_integer(json, "outputs", layer.outputs);
        vgg_json_bool(json, "kept", layer.kept);
        vgg_json_bool(json, "frozen", layer.frozen);
        vgg_json_string(json, "why", layer.why);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void put_skipped(const clvgg_dataset *dataset, vgg_json *json)
{
    for (size_t i = 0; dataset != NULL && i < clvgg_dataset_skipped_count(dataset); i++) {
        const char *path, *reason;
        clvgg_dataset_skipped(dataset, i, &path, &reason);
        vgg_json_file(json, path, "reason", reason);
    }
}

void cli_finetune_put_left_out(const cli_finetuning *run, vgg_json *json)
{
    vgg_json_begin_array(json, "left_out");
    for (size_t i = 0; i < clvgg_finetune_left_out_count(run->finetune); i++) {
        const char *path, *reason;
        clvgg_finetune_left_out(run->finetune, i, &path, &reason);
        vgg_json_file(json, path, "reason", reason);
    }
    vgg_json_end(json);
}

void cli_finetune_put_plan(const cli_finetuning *run, vgg_json *json)
{
    const clvgg_finetune_plan plan = plan_of(run);
    vgg_json_integer(json, "schema", 1);
    vgg_report_device_json(json, "device", &run->context.device_info);
    vgg_json_string(json, "model", clvgg_model_name(run->context.model));
    put_classes(run, json);
    vgg_json_integer(json, "in_both", (int64_t)run->common);
    vgg_json_begin_array(json, "skipped");
    put_skipped(run->whole != NULL ? run->whole : run->train, json);
    put_skipped(run->whole != NULL ? NULL : run->val, json);
    vgg_json_end(json);
    cli_finetune_put_left_out(run, json);
    put_layers(run, json);
    vgg_json_string(json, "features", plan.features);
    vgg_json_integer(json, "feature_count", (int64_t)plan.feature_count);
    vgg_json_integer(json, "train_images", (int64_t)plan.train_images);
    vgg_json_integer(json, "val_images", (int64_t)plan.val_images);
    vgg_json_integer(json, "views", plan.views);
    vgg_json_integer(json, "feature_images", (int64_t)plan.feature_images);
    vgg_json_integer(json, "cached_images", (int64_t)plan.cached_images);
    vgg_json_bytes(json, "cache_bytes", plan.cache_bytes);
    vgg_json_bytes(json, "room_bytes", plan.free_disk_bytes);
    vgg_json_integer(json, "trained_parameters", (int64_t)plan.trained_parameters);
    vgg_json_bytes(json, "frozen_device_bytes", plan.frozen_device_bytes);
    vgg_json_bytes(json, "head_device_bytes", plan.head_device_bytes);
    vgg_json_bytes(json, "host_buffer_bytes", plan.host_buffer_bytes);
    vgg_json_integer(json, "steps_an_epoch", (int64_t)plan.steps_an_epoch);
    vgg_json_integer(json, "epochs_planned", plan.epochs);
}

/* ---- dry run ---- */

static void write_seconds(vgg_text *text, double seconds)
{
    if (seconds < 120)
        vgg_text_printf(text, "%.1f s", seconds);
    else if (seconds < 7200)
        vgg_text_printf(text, "%.0f min", seconds / 60);
    else
        vgg_text_printf(text, "%.1f h", seconds / 3600);
}

static void print_dry_run(const cli_finetuning *run, double features_seconds, double epoch_seconds)
{
    vgg_text *text = &run->cli->out.text;
    const clvgg_finetune_plan plan = plan_of(run);
    const int epochs = plan.epochs - plan.first_epoch + 1;
    const double total = features_seconds + epochs * epoch_seconds;
    if (run->arguments->json) {
        vgg_json json = {.text = text};
        vgg_json_begin_object(&json, NULL);
        cli_finetune_put_plan(run, &json);
        vgg_json_number(&json, "features_seconds", features_seconds);
        vgg_json_number(&json, "epoch_seconds", epoch_seconds);
        vgg_json_number(&json, "seconds", total);
        vgg_json_end(&json);
        return;
    }
    write_plan(run, text);
    vgg_text_puts(text, "\ntime: about ");
    write_seconds(text, features_seconds);
    vgg_text_puts(text, " for features, ");
    write_seconds(text, epoch_seconds);
    vgg_text_puts(text, " an epoch, ");
    write_seconds(text, total);
    vgg_text_puts(text, " in all\n");
}

clvgg_status cli_finetune_dry_run(cli_finetuning *run)
{
    double features_seconds = 0, epoch_seconds = 0;
    cli_interrupt_watch();
    const clvgg_status status = clvgg_finetune_check(run->finetune);
    vgg_progress_finish(&run->progress);
    VGG_PASS(status);
    cli_finetune_say_left(run);
    VGG_PASS(clvgg_finetune_project(run->finetune, &features_seconds, &epoch_seconds));
    print_dry_run(run, features_seconds, epoch_seconds);
    return CLVGG_STATUS_OK;
}
