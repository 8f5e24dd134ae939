/* unit/test_markdown.c — names in Markdown are shown as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/format.h"

static void names_are_no_markup(void **state)
{
    static const char *const names[][2] = {
        {"conv1_1+relu1_1", "conv1_1+relu1_1"},
        {"_a_ b__c", "\\_a\\_ b\\_\\_c"},
        {"~~a~~", "\\~\\~a\\~\\~"},
        {"&lt;", "\\&lt;"},
        {"[a](b)", "\\[a\\](b)"},
        {"a|b<c`d*e\\", "a\\|b\\<c\\`d\\*e\\\\"},
        {"@somebody", "@&#8203;somebody"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vgg_text text = {0};
        vgg_text_markdown(&text, names[i][0]);
        assert_string_equal(vgg_text_string(&text), names[i][1]);
        vgg_text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_no_markup)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
