/* test_storage.c — names of storages there and back, and their numbers, which files hold. */
#define _DEFAULT_SOURCE /* strsep */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/status.h"
#include "tensor/storage.h"

static void numbers_stay(void **state)
{
    (void)state;
    assert_int_equal(CLVGG_STORAGE_F32, 0);
    assert_int_equal(CLVGG_STORAGE_F16, 1);
    assert_int_equal(CLVGG_STORAGE_BF16, 2);
    assert_int_equal(CLVGG_STORAGE_INT8, 3);
}

/* The list for people names each storage at its number, and no other. */
static void names_are_listed_in_order(void **state)
{
    (void)state;
    char words[] = CLVGG_STORAGE_NAMES, *rest = words;
    int count = 0;
    for (char *word; (word = strsep(&rest, "|")) != NULL; count++) {
        clvgg_storage storage = CLVGG_STORAGE_F32;
        assert_int_equal(clvgg_storage_parse(word, &storage), CLVGG_STATUS_OK);
        assert_int_equal(storage, count);
        assert_string_equal(clvgg_storage_name(storage), word);
    }
    assert_int_equal(count, VGG_STORAGE_COUNT);
    assert_null(clvgg_storage_name((clvgg_storage)count));
    assert_null(clvgg_storage_name((clvgg_storage)-1));
}

static void other_names_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "F32", "f3", "f321", "f64", CLVGG_STORAGE_NAMES};
    clvgg_storage storage = CLVGG_STORAGE_BF16;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(clvgg_storage_parse(wrong[i], &storage), CLVGG_STATUS_INVALID_ARGUMENT);
        assert_non_null(strstr(clvgg_status_message(), "needs one of f32|f16|bf16|int8, got"));
    }
    assert_int_equal(clvgg_storage_parse(NULL, &storage), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_storage_parse("f16", NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(storage, CLVGG_STORAGE_BF16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_stay),
                                       cmocka_unit_test(names_are_listed_in_order),
                                       cmocka_unit_test(other_names_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
