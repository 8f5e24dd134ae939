/* unit/test_host_cache.c — caches of made-up processors, and of this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "measure/host_cache.h"
#include "support/files.h"
#include "support/scratch.h"

static void put(const char *root, int processor, int index, const char *size, const char *shared)
{
    char path[4096];
    const char *const names[] = {"size", "shared_cpu_list"}, *const texts[] = {size, shared};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cache/index%d/%s", root,
                 processor, index, names[i]);
        file_write_deep(path, texts[i], strlen(texts[i]));
    }
}

/* Processors 0 and 1 share a die's cache, 2 and 4 another's; 3 is switched off; 5 has its own. */
static void slices_are_counted_once(void **state)
{
    (void)state;
    const char *root = test_scratch_make();
    assert_int_equal(vgg_host_caches(root).all, 0);
    put(root, 0, 0, "48K\n", "0\n");
    put(root, 0, 3, "32768K\n", "0-1\n");
    put(root, 1, 3, "32768K\n", "0-1\n");
    put(root, 2, 3, "65536K\n", "2,4\n");
    put(root, 4, 3, "65536K\n", "2,4\n");
    put(root, 5, 3, "1024K\n", "5\n");
    const vgg_caches caches = vgg_host_caches(root);
    assert_int_equal(caches.one, 64 << 20);
    assert_int_equal(caches.all, (32 + 64 + 1) << 20);
    test_scratch_remove();
}

static void this_machine(void **state)
{
    (void)state;
    const vgg_caches caches = vgg_host_caches("");
    assert_true(caches.all >= caches.one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_counted_once),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
