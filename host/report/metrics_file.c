/* report/metrics_file.c — one table of columns, printed as CSV and as JSON. A further figure of an
 * epoch is a row in it. */
#include "report/metrics_file.h"

#include <inttypes.h>
#include <math.h>

#include "report/text_file.h"

typedef enum column_kind { COLUMN_INT, COLUMN_UINT64, COLUMN_DOUBLE, COLUMN_BOOL } column_kind;

static const struct column {
    const char *name;
    column_kind kind;
    size_t offset; /* in clvgg_finetune_epoch */
} columns[] = {
    {"epoch", COLUMN_INT, offsetof(clvgg_finetune_epoch, epoch)},
    {"step", COLUMN_UINT64, offsetof(clvgg_finetune_epoch, step)},
    {"lr", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, lr)},
    {"train_loss", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, train_loss)},
    {"train_accuracy", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, train_accuracy)},
    {"val_loss", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, val_loss)},
    {"val_accuracy", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, val_accuracy)},
    {"val_auc", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, val_auc)},
    {"seconds", COLUMN_DOUBLE, offsetof(clvgg_finetune_epoch, seconds)},
    {"best", COLUMN_BOOL, offsetof(clvgg_finetune_epoch, best)},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static void print_field(vgg_text *text, const struct column *column, const void *field)
{
    switch (column->kind) {
    case COLUMN_UINT64:
        vgg_text_printf(text, "%" PRIu64, *(const uint64_t *)field);
        break;
    case COLUMN_DOUBLE:
        if (isfinite(*(const double *)field))
            vgg_text_json_number(text, *(const double *)field);
        break;
    case COLUMN_INT:
    case COLUMN_BOOL:
        vgg_text_printf(text, "%d", *(const int *)field);
        break;
    }
}

clvgg_status vgg_metrics_write_csv(const char *path, const clvgg_finetune_epoch *epochs,
                                   size_t count)
{
    vgg_text text = {0};
    for (size_t c = 0; c < COLUMN_COUNT; c++)
        vgg_text_printf(&text, "%s%s", c > 0 ? "," : "", columns[c].name);
    vgg_text_puts(&text, "\n");
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            vgg_text_puts(&text, c > 0 ? "," : "");
            print_field(&text, &columns[c], (const char *)&epochs[i] + columns[c].offset);
        }
        vgg_text_puts(&text, "\n");
    }
    clvgg_status status = vgg_text_save(&text, path, "the metrics");
    vgg_text_free(&text);
    return status;
}

static void print_member(vgg_json *json, const struct column *column, const void *field)
{
    switch (column->kind) {
    case COLUMN_INT:
        vgg_json_integer(json, column->name, *(const int *)field);
        break;
    case COLUMN_UINT64:
        vgg_json_bytes(json, column->name, *(const uint64_t *)field);
        break;
    case COLUMN_DOUBLE:
        vgg_json_number(json, column->name, *(const double *)field);
        break;
    case COLUMN_BOOL:
        vgg_json_bool(json, column->name, *(const int *)field != 0);
        break;
    }
}

void vgg_metrics_epochs_json(vgg_json *json, const clvgg_finetune_epoch *epochs, size_t count)
{
    vgg_json_begin_array(json, "epochs");
    for (size_t i = 0; i < count; i++) {
        vgg_json_begin_object(json, NULL);
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            print_member(json, &columns[c], (const char *)&epochs[i] + columns[c].offset);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static void print_confusion(vgg_json *json, const vgg_metrics *metrics)
{
    vgg_json_begin_array(json, "confusion");
    for (size_t t = 0; t < metrics->class_count; t++) {
        vgg_json_begin_array(json, NULL);
        for (size_t p = 0; p < metrics->class_count; p++)
            vgg_json_bytes(json, NULL, metrics->confusion[t * metrics->class_count + p]);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

clvgg_status vgg_metrics_write_json(const char *path, const vgg_metrics *metrics)
{
    vgg_text text = {0};
    vgg_json json;
    const clvgg_finetune_epoch *best = NULL;
    for (size_t i = 0; i < metrics->count; i++)
        if (metrics->epochs[i].best)
            best = &metrics->epochs[i];
    vgg_json_begin(&json, &text);
    vgg_json_begin_object(&json, "options");
    if (metrics->options != NULL)
        metrics->options(&json, metrics->user);
    vgg_json_end(&json);
    vgg_json_begin_array(&json, "classes");
    for (size_t i = 0; i < metrics->class_count; i++)
        vgg_json_string(&json, NULL, metrics->classes[i]);
    vgg_json_end(&json);
    if (metrics->left_out != NULL)
        metrics->left_out(&json, metrics->user);
    if (best != NULL)
        vgg_json_integer(&json, "best_epoch", best->epoch);
    else
        vgg_json_number(&json, "best_epoch", (double)NAN); /* null */
    print_confusion(&json, metrics);
    vgg_metrics_epochs_json(&json, metrics->epochs, metrics->count);
    vgg_json_end(&json);
    clvgg_status status = vgg_text_save(&text, path, "the metrics");
    vgg_text_free(&text);
    return status;
}
