/* cli/eval/eval_json.c — an evaluation as one JSON object. Errors come as they happen, so that
 * nothing that grows with the images is kept. */
#include "cli/eval/eval.h"
#include "report/device.h"
#include "report/model.h"

void cli_eval_begin_json(cli_eval *eval)
{
    cli_run *run = &eval->run;
    vgg_json *json = &run->json;
    vgg_json_begin(json, &run->cli->out.text);
    vgg_report_device_json(json, "device", &run->context.device_info);
    vgg_json_string(json, "model", clvgg_model_name(run->context.model));
    if (run->map != NULL)
        vgg_json_string(json, "map", run->arguments->map);
    vgg_json_string(json, "data", eval->arguments->data);
    vgg_report_preprocess_json(json, "preprocess", &run->context.preprocess,
                               run->context.preprocess_origin);
    vgg_json_begin_array(json, "skipped");
    for (size_t i = 0; i < clvgg_dataset_skipped_count(eval->dataset); i++) {
        const char *file = NULL, *reason = NULL;
        clvgg_dataset_skipped(eval->dataset, i, &file, &reason);
        vgg_json_file(json, file, "reason", reason);
    }
    vgg_json_end(json);
    vgg_json_begin_array(json, "errors");
}

/* Figures that are an array over all classes. */
static void print_classes(cli_eval *eval)
{
    const size_t count = eval->run.ranked_count;
    vgg_json *json = &eval->run.json;
    vgg_json_begin_array(json, "classes");
    for (size_t i = 0; i < count; i++)
        vgg_json_string(json, NULL, cli_run_name(&eval->run, i));
    vgg_json_end(json);
    vgg_json_begin_array(json, "confusion");
    for (size_t truth = 0; truth < count; truth++) {
        vgg_json_begin_array(json, NULL);
        for (size_t i = 0; i < count; i++)
            vgg_json_bytes(json, NULL, clvgg_evaluation_confusion(eval->evaluation, truth, i));
        vgg_json_end(json);
    }
    vgg_json_end(json);
    vgg_json_begin_array(json, "precision");
    for (size_t i = 0; i < count; i++)
        vgg_json_number(json, NULL, clvgg_evaluation_precision(eval->evaluation, i));
    vgg_json_end(json);
    vgg_json_begin_array(json, "recall");
    for (size_t i = 0; i < count; i++)
        vgg_json_number(json, NULL, clvgg_evaluation_recall(eval->evaluation, i));
    vgg_json_end(json);
}

static void print_mistakes(cli_eval *eval)
{
    vgg_json *json = &eval->run.json;
    vgg_json_begin_array(json, "mistakes");
    for (size_t i = 0; i < eval->mistake_count; i++) {
        const cli_mistake *mistake = &eval->mistakes[i];
        const size_t truth = cli_eval_truth(eval, mistake->item);
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "file", eval->paths[mistake->item]);
        vgg_json_string(json, "truth", cli_run_name(&eval->run, truth));
        vgg_json_string(json, "predicted", cli_run_name(&eval->run, mistake->predicted));
        vgg_json_number(json, "probability", (double)mistake->probability);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

void cli_eval_end_json(cli_eval *eval, const char *error)
{
    vgg_json *json = &eval->run.json;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    clvgg_evaluation_summarize(eval->evaluation, &summary);
    vgg_json_end(json); /* errors */
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_bytes(json, "images", summary.images);
    vgg_json_number(json, "accuracy", summary.accuracy);
    vgg_json_number(json, "loss", summary.loss);
    vgg_json_number(json, "auc", summary.auc);
    print_classes(eval);
    if (eval->run.has_other) {
        vgg_json_begin_object(json, "other");
        vgg_json_number(json, "mean", eval->other_sum / (double)summary.images);
        vgg_json_bytes(json, "images", eval->other_first_count);
        vgg_json_end(json);
    }
    print_mistakes(eval);
    cli_eval_against_json(eval, json);
    cli_run_costs_json(&eval->run, json);
    vgg_json_end(json);
}
