/* report/vis_report.c — the report's data as JSON, inside a page that shows it. */
#include "report/vis_report.h"

#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/json.h"
#include "report/page.h"
#include "report/text_file.h"
#include "report/thumbnail.h"

/* ---- pictures: names of files, or small versions of them ---- */

typedef struct page_writer {
    const vgg_report *report;
    const char *folder;
    bool single_file;
    int unit_side, figure_side; /* longest sides of small versions */
    size_t used, left_out;      /* bytes of them; pictures without one */
    vgg_text source;            /* of the latest picture */
    vgg_json json;
    vgg_text data; /* what `json` writes into */
} page_writer;

static const size_t most_bytes = (size_t)VGG_REPORT_SINGLE_MEGABYTES * 1000 * 1000;
/* Shares of most_bytes: for everything that is no picture, and for figures. */
enum { RESERVED_BYTES = 2000000, FIGURE_BYTES = 8000000 };

/* Appends a small version to `text`; its length, or 0 where there is none. */
static clvgg_status embed(const page_writer *w, const char *file, int side, vgg_text *text,
                          size_t *length, int *width, int *height)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    const size_t before = text->length;
    vgg_text_printf(&path, "%s/%s", w->folder, file);
    *length = 0;
    VGG_TRY(vgg_text_check(&path, "a picture's path"));
    status = vgg_thumbnail_append(text, w->report->runtime, path.bytes, side, width, height);
    if (status == CLVGG_STATUS_OUT_OF_MEMORY || status == CLVGG_STATUS_UNSUPPORTED)
        goto cleanup;
    status = vgg_text_check(text, "the pictures of the page");
    *length = text->length - before;
cleanup:
    vgg_text_free(&path);
    return status;
}

/* The member `key` of the open object: where the picture is, or null. */
static clvgg_status put_picture(page_writer *w, const char *key, const char *file, int side)
{
    size_t length = 0;
    int width = 0, height = 0;
    if (file == NULL || !w->single_file) {
        vgg_json_string(&w->json, key, file != NULL ? file : "");
        return CLVGG_STATUS_OK;
    }
    w->source.length = 0;
    vgg_text_puts(&w->source, "");
    VGG_PASS(embed(w, file, side, &w->source, &length, &width, &height));
    if (w->used + length > most_bytes - RESERVED_BYTES || length == 0) {
        w->left_out++;
        vgg_json_string(&w->json, key, "");
        return CLVGG_STATUS_OK;
    }
    w->used += length;
    vgg_json_string(&w->json, key, w->source.bytes);
    return CLVGG_STATUS_OK;
}

/* All files of units, or all sheets of figures, one after the other. NULL behind the last. */
static const char *file_at(const vgg_report *report, bool figures, size_t index)
{
    for (size_t p = 0; figures && p < report->page_count; p++) {
        if (index < report->pages[p].count)
            return report->pages[p].figures[index].sheet;
        index -= report->pages[p].count;
    }
    const vgg_manifest *manifest = figures ? NULL : report->manifest;
    for (size_t l = 0; manifest != NULL && l < manifest->count; l++)
        for (size_t m = 0; m < manifest->layers[l].count; m++) {
            const vgg_manifest_map *map = &manifest->layers[l].maps[m];
            const size_t ways = manifest->layers[l].mode_count, each = ways + 1;
            if (index < each * map->unit_count) {
                const vgg_manifest_unit *unit = &map->units[index / each];
                const size_t way = index % each;
                const char *file = way < ways ? unit->projections[way] : unit->patch;
                return file != NULL ? file : "";
            }
            index -= each * map->unit_count;
        }
    return NULL;
}

/* The largest of `sides` (ascending ends with 0) at which all pictures fit into `bytes`, judged by
 * a sample of them; else the smallest. */
static clvgg_status choose_side(const page_writer *w, bool figures, const int *sides, size_t bytes,
                                int *side)
{
    enum { SAMPLE = 24 };
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text text = {0};
    size_t count = 0;
    while (file_at(w->report, figures, count) != NULL)
        count++;
    const size_t step = count / SAMPLE + 1;
    for (; sides[1] != 0; sides++) {
        size_t sum = 0, sampled = 0, length = 0;
        int width, height;
        for (size_t i = 0; i < count; i += step, sampled++) {
            text.length = 0;
            VGG_TRY(embed(w, file_at(w->report, figures, i), sides[0], &text, &length, &width,
                          &height));
            sum += length;
        }
        if (sampled == 0 || (double)sum / (double)sampled * (double)count * 1.05 < (double)bytes)
            break;
    }
    *side = sides[0];
cleanup:
    vgg_text_free(&text);
    return status;
}

static clvgg_status choose_sides(page_writer *w)
{
    static const int figure_sides[] = {1400, 1100, 800, 600, 400, 0};
    static const int unit_sides[] = {144, 120, 104, 88, 72, 56, 48, 0};
    VGG_PASS(choose_side(w, true, figure_sides, FIGURE_BYTES, &w->figure_side));
    return choose_side(w, false, unit_sides, most_bytes - RESERVED_BYTES - FIGURE_BYTES,
                       &w->unit_side);
}

/* ---- the data ---- */

static clvgg_status put_unit(page_writer *w, const vgg_manifest_unit *unit, size_t mode_count)
{
    vgg_json_begin_object(&w->json, NULL);
    vgg_json_string(&w->json, "file", unit->file);
    vgg_json_integer(&w->json, "y", unit->y);
    vgg_json_integer(&w->json, "x", unit->x);
    vgg_json_number(&w->json, "value", unit->value);
    vgg_json_begin_array(&w->json, "projections");
    for (size_t i = 0; i < mode_count; i++)
        VGG_PASS(put_picture(w, NULL, unit->projections[i], w->unit_side));
    vgg_json_end(&w->json);
    VGG_PASS(put_picture(w, "patch", unit->patch, w->unit_side));
    vgg_json_end(&w->json);
    return CLVGG_STATUS_OK;
}

static clvgg_status put_layer(page_writer *w, const vgg_manifest_layer *layer)
{
    vgg_json *json = &w->json;
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "name", layer->layer);
    vgg_json_integer(json, "maps", layer->map_count);
    vgg_json_integers(json, "size", layer->size, 2);
    vgg_json_begin_array(json, "modes");
    for (size_t i = 0; i < layer->mode_count; i++)
        vgg_json_string(json, NULL, layer->modes[i]);
    vgg_json_end(json);
    vgg_json_begin_array(json, "figures");
    for (size_t i = 0; i < layer->mode_count && !w->single_file; i++)
        vgg_json_string(json, NULL, layer->figures[i] != NULL ? layer->figures[i] : "");
    vgg_json_end(json);
    vgg_json_integers(json, "silent", layer->silent, layer->silent_count);
    vgg_json_begin_array(json, "cards");
    for (size_t m = 0; m < layer->count; m++) {
        vgg_json_begin_object(json, NULL);
        vgg_json_integer(json, "map", layer->maps[m].map);
        vgg_json_begin_array(json, "units");
        for (size_t i = 0; i < layer->maps[m].unit_count; i++)
            VGG_PASS(put_unit(w, &layer->maps[m].units[i], layer->mode_count));
        vgg_json_end(json);
        vgg_json_end(json);
    }
    vgg_json_end(json);
    vgg_json_end(json);
    return CLVGG_STATUS_OK;
}

static clvgg_status put_page(page_writer *w, const vgg_report_page *page)
{
    vgg_json_begin_object(&w->json, NULL);
    vgg_json_string(&w->json, "group", page->group);
    vgg_json_string(&w->json, "name", page->name);
    vgg_json_string(&w->json, "note", page->note != NULL ? page->note : "");
    vgg_json_begin_array(&w->json, "figures");
    for (size_t i = 0; i < page->count; i++) {
        const vgg_report_figure *figure = &page->figures[i];
        vgg_json_begin_object(&w->json, NULL);
        vgg_json_string(&w->json, "figure", w->single_file ? "" : figure->file);
        VGG_PASS(put_picture(w, "sheet", figure->sheet, w->figure_side));
        vgg_json_raw(&w->json, "about", figure->about);
        vgg_json_end(&w->json);
    }
    vgg_json_end(&w->json);
    vgg_json_end(&w->json);
    return CLVGG_STATUS_OK;
}

static clvgg_status put_data(page_writer *w)
{
    const vgg_report *report = w->report;
    const vgg_manifest *manifest = report->manifest;
    w->json = (vgg_json){.text = &w->data};
    vgg_json_begin_object(&w->json, NULL);
    vgg_json_string(&w->json, "title", report->title);
    vgg_json_begin_array(&w->json, "pages");
    for (size_t i = 0; i < report->page_count; i++)
        if (report->pages[i].count > 0)
            VGG_PASS(put_page(w, &report->pages[i]));
    vgg_json_end(&w->json);
    vgg_json_begin_array(&w->json, "layers");
    for (size_t i = 0; manifest != NULL && i < manifest->count; i++)
        VGG_PASS(put_layer(w, &manifest->layers[i]));
    vgg_json_end(&w->json);
    vgg_json_end(&w->json);
    return vgg_text_check(&w->data, "the page's data");
}

/* ---- the page ---- */

static void put_html(const page_writer *w, vgg_text *html)
{
    vgg_html_begin(html, w->report->title, (const char *const[]){vgg_page_css, NULL});
    vgg_text_puts(html, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the figures</a>\n"
                        "<header class=\"top\"><h1>");
    vgg_text_html(html, w->report->title);
    vgg_text_puts(html, "</h1><p>");
    vgg_text_html(html, w->report->summary);
    if (w->left_out > 0)
        vgg_text_printf(html,
                        " \xC2\xB7 %zu picture%s left out, so that this file stays within %d MB",
                        w->left_out, w->left_out == 1 ? "" : "s", VGG_REPORT_SINGLE_MEGABYTES);
    vgg_text_puts(
        html,
        "</p></header>\n<div class=\"frame\">\n"
        "<nav id=\"nav\" aria-label=\"Layers and figures\"></nav>\n"
        "<main id=\"main\" tabindex=\"-1\"><noscript>This page needs JavaScript; the figures are "
        "files beside it.</noscript></main>\n</div>\n"
        "<dialog id=\"viewer\" aria-labelledby=\"viewer-title\">\n<div class=\"bar\">"
        "<h2 id=\"viewer-title\"></h2><span id=\"viewer-way\"></span>"
        "<button id=\"previous\" type=\"button\" aria-label=\"previous map\">\xE2\x86\x90</button>"
        "<button id=\"next\" type=\"button\" aria-label=\"next map\">\xE2\x86\x92</button>"
        "<button id=\"close\" type=\"button\" autofocus aria-label=\"close\">\xC3\x97</button></div>\n"
        "<div id=\"pairs\" class=\"pairs\"></div>\n</dialog>\n"
        "<script type=\"application/json\" id=\"report\">\n");
    vgg_text_script(html, w->data.bytes);
    vgg_text_puts(html, "</script>\n<script>\n");
    vgg_text_puts(html, vgg_page_js);
    vgg_text_puts(html, "</script>\n</body>\n</html>\n");
}

clvgg_status vgg_report_write(const char *folder, const vgg_report *report, bool single_file,
                              size_t *left_out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    page_writer w = {.report = report, .folder = folder, .single_file = single_file};
    vgg_text html = {0}, path = {0};
    vgg_text_printf(&path, "%s/index.html", folder);
    VGG_TRY(vgg_text_check(&path, "the page's path"));
    if (single_file)
        VGG_TRY(choose_sides(&w));
    VGG_TRY(put_data(&w));
    put_html(&w, &html);
    VGG_TRY(vgg_text_save(&html, path.bytes, "the page"));
    *left_out = w.left_out;
cleanup:
    vgg_text_free(&w.source);
    vgg_text_free(&w.data);
    vgg_text_free(&html);
    vgg_text_free(&path);
    return status;
}
