/* cli/info/info_formats.c — `clvgg info --formats`: which files this build reads and writes. */
#include "cli/info/info.h"
#include "clvgg/convert.h"
#include "report/json.h"
#include "report/table.h"

/* Why a format isn't read, or nothing. */
static void put_reason(const clvgg_weight_format *format, vgg_text *text)
{
    if (format->reads)
        return;
    if (format->needs != NULL)
        vgg_text_printf(text, "built without %s", format->needs);
    else if (format->advice != NULL)
        vgg_text_puts(text, format->advice);
    else
        vgg_text_puts(text, "convert it to safetensors");
}

static clvgg_status print_text(cli_program *cli)
{
    static const vgg_column columns[] = {{"format", false}, {"read", false}, {"", false}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < clvgg_weight_format_count(); i++) {
        clvgg_weight_format format = {.struct_size = sizeof format};
        VGG_PASS(clvgg_weight_format_at(i, &format));
        vgg_table_put(&table, format.name);
        vgg_table_put(&table, format.reads ? "yes" : "no");
        put_reason(&format, vgg_table_cell(&table));
        vgg_table_next(&table);
    }
    vgg_table_finish(&table, &cli->out_style, &cli->out.text);
    vgg_text_puts(&cli->out.text, "\nclvgg convert writes:");
    for (int i = 0; clvgg_export_format_name((clvgg_export_format)i) != NULL; i++)
        vgg_text_printf(&cli->out.text, " %s", clvgg_export_format_name((clvgg_export_format)i));
    vgg_text_puts(&cli->out.text, "\n");
    return CLVGG_STATUS_OK;
}

static clvgg_status print_json(cli_program *cli)
{
    vgg_json json = {0};
    vgg_json_begin(&json, &cli->out.text);
    vgg_json_begin_array(&json, "reads");
    for (size_t i = 0; i < clvgg_weight_format_count(); i++) {
        clvgg_weight_format format = {.struct_size = sizeof format};
        VGG_PASS(clvgg_weight_format_at(i, &format));
        vgg_json_begin_object(&json, NULL);
        vgg_json_string(&json, "name", format.name);
        vgg_json_bool(&json, "read", format.reads != 0);
        if (format.needs != NULL)
            vgg_json_string(&json, "needs", format.needs);
        if (format.advice != NULL)
            vgg_json_string(&json, "advice", format.advice);
        vgg_json_end(&json);
    }
    vgg_json_end(&json);
    vgg_json_begin_array(&json, "writes");
    for (int i = 0; clvgg_export_format_name((clvgg_export_format)i) != NULL; i++)
        vgg_json_string(&json, NULL, clvgg_export_format_name((clvgg_export_format)i));
    vgg_json_end(&json);
    vgg_json_end(&json);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_info_print_formats(cli_program *cli, bool as_json)
{
    return as_json ? print_json(cli) : print_text(cli);
}
