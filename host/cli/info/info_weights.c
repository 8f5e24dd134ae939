/* cli/info/info_weights.c — what a plan's weights take on the device, by kind, and why. */
#include <stdio.h>
#include <string.h>

#include "cli/info/info.h"

#include "report/format.h"
#include "report/table.h"

/* The row that weights of the kind belong to, a new one where there is none; NULL: no room. */
static cli_info_weights *find_row(cli_info_weights *rows, size_t *count,
                                  const cli_info_weights *kind)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(rows[i].type, kind->type) == 0 && rows[i].storage == kind->storage &&
            rows[i].winograd_tile == kind->winograd_tile)
            return &rows[i];
    if (*count == CLI_INFO_WEIGHTS - 1) /* the last is for biases */
        return NULL;
    rows[*count] = *kind;
    return &rows[(*count)++];
}

size_t cli_info_weights_of(const clvgg_session *session, cli_info_weights rows[CLI_INFO_WEIGHTS])
{
    size_t count = 0;
    cli_info_weights biases = {.type = "bias", .storage = CLVGG_STORAGE_F32};
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(session, &stats);
    for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(session, i, &step) != CLVGG_STATUS_OK || step.weight_bytes == 0)
            continue;
        cli_info_weights *row =
            find_row(rows, &count,
                     &(cli_info_weights){step.type, step.winograd_tile, step.weight_storage,
                                         .kept = step.weight_storage != stats.storage});
        if (row == NULL)
            continue;
        row->layers++;
        row->values += step.weight_count;
        row->model_bytes += step.model_weight_bytes;
        row->device_bytes += step.weight_bytes;
        biases.layers++;
        biases.model_bytes += step.model_bias_bytes;
        biases.device_bytes += step.bias_bytes;
    }
    if (count > 0)
        rows[count++] = biases;
    return count;
}

/* Writes `words`, behind a comma where they aren't the first. */
static void add_reason(vgg_text *text, const char *words)
{
    vgg_text_printf(text, "%s%s", text->length > 0 ? ", " : "", words);
}

static void give_reason(const cli_info_weights *row, vgg_text *text)
{
    enum { WINDOW = 9 };
    const bool int8 = row->storage == CLVGG_STORAGE_INT8;
    const uint64_t size = int8 ? 1 : row->storage == CLVGG_STORAGE_F32 ? 4 : 2;
    const int side = row->winograd_tile + 2, taken = row->winograd_tile > 0 ? side * side : WINDOW;
    char words[96];
    if (row->winograd_tile > 0) {
        snprintf(words, sizeof words, "transformed for F(%dx%d): %d values for each %d",
                 row->winograd_tile, row->winograd_tile, taken, WINDOW);
        add_reason(text, words);
    }
    if (row->model_bytes != row->values * size) {
        snprintf(words, sizeof words, "%d %s a value, %.3g in the model", (int)size,
                 vgg_plural(size, "byte", "bytes"),
                 (double)row->model_bytes / (double)row->values);
        add_reason(text, words);
    }
    if (row->kept)
        add_reason(text, row->winograd_tile > 0 ? "not rounded: that would cost more than it saves"
                                                : "its kernel reads float32 alone");
    if (int8)
        add_reason(text, "a scale and a sum for each channel");
    else if (row->device_bytes * WINDOW > row->values * size * (uint64_t)taken)
        add_reason(text, "zeros up to whole vectors");
}

void cli_info_weights_reason(const cli_info_weights *row, vgg_text *text)
{
    vgg_text reason = {0};
    if (row->values > 0)
        give_reason(row, &reason);
    else if (row->device_bytes != row->model_bytes)
        add_reason(&reason, "float32 and zeros up to whole vectors");
    vgg_text_join(text, &reason);
    vgg_text_free(&reason);
}

/* "convolution, F(4x4)"; other layers' types as they are. */
static void put_kind(vgg_text *cell, const cli_info_weights *row)
{
    const bool conv = strcmp(row->type, "conv2d") == 0;
    vgg_text_puts(cell, conv ? "convolution" : row->type);
    if (row->winograd_tile > 0)
        vgg_text_printf(cell, ", F(%dx%d)", row->winograd_tile, row->winograd_tile);
}

void cli_info_print_weights(const clvgg_session *session, const vgg_style *style, vgg_text *text)
{
    static const vgg_column columns[] = {{"weights", false},     {"layers", true},
                                         {"in the model", true}, {"on the device", true},
                                         {"as", false},          {"why", false}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    cli_info_weights rows[CLI_INFO_WEIGHTS];
    const size_t count = cli_info_weights_of(session, rows);
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        put_kind(vgg_table_cell(&table), &rows[i]);
        vgg_table_next(&table);
        vgg_table_put(&table, VGG_COUNT((uint64_t)rows[i].layers));
        vgg_table_put(&table, VGG_SIZE(rows[i].model_bytes));
        vgg_table_put(&table, VGG_SIZE(rows[i].device_bytes));
        vgg_table_put(&table, clvgg_storage_name(rows[i].storage));
        cli_info_weights_reason(&rows[i], vgg_table_cell(&table));
        vgg_table_next(&table);
    }
    vgg_text_puts(text, "\n");
    vgg_table_finish(&table, style, text);
}

void cli_info_weights_json(const clvgg_session *session, vgg_json *json)
{
    cli_info_weights rows[CLI_INFO_WEIGHTS];
    const size_t count = cli_info_weights_of(session, rows);
    vgg_json_begin_array(json, "weights");
    for (size_t i = 0; i < count; i++) {
        vgg_text reason = {0};
        cli_info_weights_reason(&rows[i], &reason);
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "kind", rows[i].type);
        vgg_json_integer(json, "winograd_tile", rows[i].winograd_tile);
        vgg_json_string(json, "storage", clvgg_storage_name(rows[i].storage));
        vgg_json_integer(json, "layers", rows[i].layers);
        vgg_json_bytes(json, "model_bytes", rows[i].model_bytes);
        vgg_json_bytes(json, "device_bytes", rows[i].device_bytes);
        vgg_json_string(json, "reason", vgg_text_string(&reason));
        vgg_json_end(json);
        json->text->failed |= reason.failed;
        vgg_text_free(&reason);
    }
    vgg_json_end(json);
}
