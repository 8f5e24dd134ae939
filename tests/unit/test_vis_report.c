/* unit/test_vis_report.c — the report's page: names are data, pictures are beside it or inside, and
 * inside they are no more than fit. */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/runtime.h"
#include "report/html.h"
#include "report/vis_report.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/json.h"
#include "support/runtime.h"

static void assert_text(void (*put)(vgg_text *, const char *), const char *from, const char *to)
{
    vgg_text text = {0};
    put(&text, from);
    assert_string_equal(text.bytes, to);
    vgg_text_free(&text);
}

static void markup_is_escaped(void **state)
{
    (void)state;
    assert_text(vgg_text_html, "<a href='x'>\"&\xC3\xA9",
                "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\xC3\xA9");
    assert_text(vgg_text_script, "{\"</script><!--&\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA6\"}",
                "{\"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028\\u2029\xE2\x80\xA6\"}");
}

#define NASTY "</script><script>alert(1)</script> <!-- \" ' & \\ \xE2\x80\xA8"

enum { SIDE = 48 };

/* Noise: it hardly compresses. */
static void write_picture(const char *name)
{
    uint8_t rgb[SIDE * SIDE * 3];
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof rgb; i++) {
        vgg_random_next(&seed);
        rgb[i] = (uint8_t)(seed >> 24);
    }
    assert_int_equal(clvgg_image_write_png(runtime, temp_path(name), SIDE, SIDE, rgb),
                     CLVGG_STATUS_OK);
}

/* A report of one layer with `map_count` maps of nine units, whose pictures are one file. */
typedef struct sample {
    vgg_manifest_unit units[9];
    vgg_manifest_map *maps;
    vgg_manifest_layer layer;
    vgg_manifest manifest;
    vgg_report_figure figure;
    vgg_report_page pages[2]; /* the first is empty */
    vgg_report report;
    int64_t silent[2];
} sample;

static void make_sample(sample *s, size_t map_count)
{
    *s = (sample){.silent = {3, 9}};
    for (size_t i = 0; i < 9; i++)
        s->units[i] = (vgg_manifest_unit){.file = NASTY,
                                          .y = 4,
                                          .x = (int64_t)i,
                                          .value = 7.5,
                                          .projections = {"noise.png", "other.png"},
                                          .patch = "noise.png"};
    s->maps = calloc(map_count, sizeof *s->maps);
    assert_non_null(s->maps);
    for (size_t i = 0; i < map_count; i++)
        s->maps[i] = (vgg_manifest_map){(int64_t)i, s->units, i == 1 ? 0 : 9};
    s->layer = (vgg_manifest_layer){.layer = NASTY,
                                    .modes = {"guided", "deconv"},
                                    .mode_count = 1,
                                    .figures = {"figure.png"},
                                    .map_count = 512,
                                    .size = {92, 90},
                                    .maps = s->maps,
                                    .count = map_count,
                                    .silent = s->silent,
                                    .silent_count = 2};
    s->manifest = (vgg_manifest){.layers = &s->layer, .count = 1};
    s->figure = (vgg_report_figure){"figure.svg", "noise.png", "{\"title\": \"</script>\"}"};
    s->pages[0] = (vgg_report_page){.name = "empty"};
    s->pages[1] = (vgg_report_page){"Figures", NASTY, NULL, &s->figure, 1};
    s->report = (vgg_report){.runtime = runtime,
                             .title = NASTY,
                             .summary = NASTY,
                             .manifest = &s->manifest,
                             .pages = s->pages,
                             .page_count = 2};
}

/* Writes and reads the page; *json is what its script would parse. */
static char *write_page(const sample *s, bool single, size_t *left_out, cJSON **json)
{
    static const char begin[] = "<script type=\"application/json\" id=\"report\">";
    size_t size;
    const char *folder = temp_path("");
    if (vgg_report_write(folder, &s->report, single, left_out) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    char *html = file_read(temp_path("index.html"), &size);
    const char *data = strstr(html, begin);
    assert_non_null(data);
    data += strlen(begin);
    const size_t length = (size_t)(strstr(data, "</script>") - data);
    *json = cJSON_ParseWithLength(data, length);
    assert_non_null(*json);
    return html;
}

static const cJSON *at(const cJSON *json, const char *name, int index)
{
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(json, name), index);
    assert_non_null(item);
    return item;
}

static void names_are_data(void **state)
{
    (void)state;
    sample s;
    size_t left_out = 7;
    cJSON *json;
    write_picture("noise.png");
    make_sample(&s, 3);
    char *html = write_page(&s, false, &left_out, &json);
    assert_int_equal(left_out, 0);
    assert_null(strstr(html, "<script>alert"));
    assert_null(strstr(html, "<!-- \""));
    assert_null(strstr(html, "http:"));
    assert_null(strstr(html, "https:"));
    const cJSON *layer = at(json, "layers", 0), *card = at(layer, "cards", 0);
    const cJSON *unit = at(card, "units", 8);
    assert_string_equal(string(json, "title"), NASTY);
    assert_string_equal(string(layer, "name"), NASTY);
    assert_string_equal(string(unit, "file"), NASTY);
    assert_string_equal(string(unit, "patch"), "noise.png");
    assert_string_equal(at(unit, "projections", 0)->valuestring, "noise.png");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(unit, "projections")), 1);
    assert_string_equal(at(layer, "modes", 0)->valuestring, "guided");
    assert_string_equal(at(layer, "figures", 0)->valuestring, "figure.png");
    const cJSON *figure = at(at(json, "pages", 0), "figures", 0);
    assert_string_equal(string(figure, "figure"), "figure.svg");
    assert_string_equal(string(figure, "sheet"), "noise.png");
    assert_string_equal(string(cJSON_GetObjectItem(figure, "about"), "title"), "</script>");
    assert_string_equal(string(at(json, "pages", 0), "name"), NASTY);
    assert_string_equal(string(at(json, "pages", 0), "note"), "");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(at(layer, "cards", 1), "units")), 0);
    assert_int_equal(at(layer, "silent", 1)->valueint, 9);
    assert_int_equal(at(layer, "size", 0)->valueint, 92);
    cJSON_Delete(json);
    free(html);
    free(s.maps);
}

#ifdef CLVGG_HAVE_JPEG

/* A small page has everything inside; a picture that isn't there is left out, and said. */
static void pictures_go_inside(void **state)
{
    (void)state;
    sample s;
    size_t left_out = 0;
    cJSON *json;
    write_picture("noise.png");
    make_sample(&s, 3);
    s.units[8].patch = "absent.png";
    char *html = write_page(&s, true, &left_out, &json);
    assert_int_equal(left_out, 2); /* of two maps */
    assert_non_null(strstr(html, "2 pictures left out, so that this file stays within 25 MB"));
    const cJSON *unit = at(at(at(json, "layers", 0), "cards", 0), "units", 8);
    static const char begin[] = "data:image/jpeg;base64,/9j/";
    assert_memory_equal(at(unit, "projections", 0)->valuestring, begin, strlen(begin));
    assert_string_equal(string(unit, "patch"), "");
    const cJSON *figure = at(at(json, "pages", 0), "figures", 0);
    assert_memory_equal(string(figure, "sheet"), begin, strlen(begin));
    assert_string_equal(string(figure, "figure"), "");
    assert_null(strstr(html, "noise.png"));
    cJSON_Delete(json);
    free(html);
    free(s.maps);
}

static void a_single_file_is_bounded(void **state)
{
    (void)state;
    sample s;
    size_t left_out = 0;
    cJSON *json;
    write_picture("noise.png");
    make_sample(&s, 700);
    char *html = write_page(&s, true, &left_out, &json);
    const size_t length = strlen(html);
    assert_in_range(length, 20000000, 25000000);
    assert_in_range(left_out, 1, 700 * 18);
    cJSON_Delete(json);
    free(html);
    free(s.maps);
}

#endif

static clvgg_status write_sample(void *user)
{
    size_t left_out;
    const sample *s = user;
    return vgg_report_write(temp_path(""), &s->report, false, &left_out);
}

static void pages_are_whole_or_absent(void **state)
{
    (void)state;
    sample s;
    size_t left_out;
    make_sample(&s, 3);
    assert_int_equal(vgg_report_write(temp_path("no/such"), &s.report, false, &left_out),
                     CLVGG_STATUS_NOT_FOUND);
    assert_non_null(strstr(clvgg_status_message(), "no/such/index.html"));
    assert_true(failing_allocator_sweep(write_sample, &s) > 5);
    free(s.maps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_escaped),         cmocka_unit_test(names_are_data),
#ifdef CLVGG_HAVE_JPEG
        cmocka_unit_test(pictures_go_inside),        cmocka_unit_test(a_single_file_is_bounded),
#endif
        cmocka_unit_test(pages_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
