/* report/html.c — escaping for HTML, and the head of a page that needs no other file. */
#include "report/html.h"

#include <string.h>

void vgg_text_script(vgg_text *text, const char *json)
{
    for (const char *c = json; *c != '\0'; c++) {
        if (*c == '<' || *c == '>' || *c == '&')
            vgg_text_printf(text, "\\u%04x", (unsigned)*c);
        else if (strncmp(c, "\xE2\x80\xA8", 3) == 0 || strncmp(c, "\xE2\x80\xA9", 3) == 0) {
            vgg_text_puts(text, c[2] == '\xA8' ? "\\u2028" : "\\u2029");
            c += 2;
        } else {
            vgg_text_append(text, c, 1);
        }
    }
}

void vgg_text_html(vgg_text *text, const char *string)
{
    static const char specials[] = "&<>\"'";
    static const char *const escaped[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (const char *c = string; *c != '\0'; c++) {
        const char *special = strchr(specials, *c);
        if (special != NULL)
            vgg_text_puts(text, escaped[special - specials]);
        else
            vgg_text_append(text, c, 1);
    }
}

void vgg_html_element(vgg_text *text, const char *tag, const char *attributes, const char *words)
{
    vgg_text_printf(text, "<%s%s%s>", tag, attributes[0] != '\0' ? " " : "", attributes);
    vgg_text_html(text, words);
    vgg_text_printf(text, "</%s>", tag);
}

void vgg_html_begin(vgg_text *text, const char *title, const char *const *styles)
{
    vgg_text_puts(text,
                  "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    vgg_html_element(text, "title", "", title);
    vgg_text_puts(text, "\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    for (; *styles != NULL; styles++)
        vgg_text_puts(text, *styles);
    vgg_text_puts(text, "</style>\n</head>\n");
}
