/* report/metrics_file.h — a training's figures as files for other programs. */
#ifndef VGG_REPORT_METRICS_FILE_H
#define VGG_REPORT_METRICS_FILE_H

#include "clvgg/finetune.h"
#include "report/json.h"

/* A line an epoch below a line of names: epoch, step, lr, train_loss, train_accuracy, val_loss,
 * val_accuracy, val_auc, seconds, best (0 or 1). What is no number is an empty field. The file
 * appears whole. Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_metrics_write_csv(const char *path, const clvgg_finetune_epoch *epochs,
                                   size_t count);

typedef struct vgg_metrics {
    const clvgg_finetune_epoch *epochs; /* [count], ascending */
    size_t count;
    const char *const *classes; /* [class_count] */
    size_t class_count;
    const uint64_t *confusion; /* of the kept epoch: [class_count][class_count], rows are truth */
    /* Writes the members of "options"; NULL: there are none. */
    void (*options)(vgg_json *json, void *user);
    /* Writes the member "left_out"; NULL: there is none. */
    void (*left_out)(vgg_json *json, void *user);
    void *user;
} vgg_metrics;

/* Writes the member "epochs": [{the columns of the CSV}, …]. */
void vgg_metrics_epochs_json(vgg_json *json, const clvgg_finetune_epoch *epochs, size_t count);

/* {"schema": 1, "options": {…}, "classes": […], "left_out": [{"file", "reason"}, …], "best_epoch":
 * N or null, "confusion": [[…]], "epochs": [{the columns of the CSV}, …]}. The file appears whole.
 * Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_metrics_write_json(const char *path, const vgg_metrics *metrics);

#endif
