/* tests/unit/test_checksum.c — XXH64 against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

/* Buffer and results are those of xxHash's own sanity checks. */
static void gives_the_published_values(void **state)
{
    (void)state;
    const uint64_t prime = 2654435761u;
    uint8_t buffer[101];
    uint64_t generator = prime;
    for (size_t i = 0; i < sizeof buffer; i++, generator = (uint32_t)(generator * generator))
        buffer[i] = (uint8_t)(generator >> 24);
    assert_true(vgg_checksum(NULL, 0, 0) == 0xEF46DB3751D8E999u);
    assert_true(vgg_checksum(buffer, 1, 0) == 0x4FCE394CC88952D8u);
    assert_true(vgg_checksum(buffer, 14, 0) == 0xCFFA8DB881BC3A3Du);
    assert_true(vgg_checksum(buffer, 101, prime) == 0xCAA65939306F1E21u);
    assert_true(vgg_checksum("abc", 3, 0) == 0x44BC2CF5AD770999u);
    const char *text = "Nobody inspects the spammish repetition";
    assert_true(vgg_checksum(text, strlen(text), 0) == 0xFBCEA83C8A378BF1u);
}

static void sees_every_bit_wherever_it_lies(void **state)
{
    (void)state;
    uint8_t bytes[80];
    for (size_t size = 0; size < sizeof bytes - 1; size++) {
        memset(bytes, 0x5A, sizeof bytes);
        const uint64_t whole = vgg_checksum(bytes + 1, size, 9); /* unaligned */
        assert_true(whole != vgg_checksum(bytes + 1, size, 8));
        assert_true(whole != vgg_checksum(bytes + 1, size + 1, 9));
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_true(whole != vgg_checksum(bytes + 1, size, 9));
            bytes[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_values),
        cmocka_unit_test(sees_every_bit_wherever_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
