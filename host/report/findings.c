/* report/findings.c — a list of texts in one piece of memory. */
#include "report/findings.h"

#include <stdio.h>
#include <string.h>

static void put(vgg_findings *findings, const char *text)
{
    vgg_text_append(&findings->texts, text, strlen(text) + 1);
}

void vgg_findings_add(vgg_findings *findings, const char *member, const char *actual,
                      const char *expected, ...)
{
    char words[512];
    va_list arguments;
    va_start(arguments, expected);
    vsnprintf(words, sizeof words, expected, arguments);
    va_end(arguments);
    put(findings, member);
    put(findings, words);
    put(findings, actual);
    findings->count++;
}

bool vgg_findings_next(const vgg_findings *findings, vgg_finding *finding)
{
    const char *end = findings->texts.bytes + findings->texts.length;
    const char *next = finding->actual != NULL ? finding->actual + strlen(finding->actual) + 1
                                               : findings->texts.bytes;
    if (findings->texts.failed || findings->count == 0 || next == end)
        return false;
    finding->member = next;
    finding->expected = finding->member + strlen(finding->member) + 1;
    finding->actual = finding->expected + strlen(finding->expected) + 1;
    return true;
}

void vgg_findings_free(vgg_findings *findings)
{
    vgg_text_free(&findings->texts);
    *findings = (vgg_findings){0};
}
