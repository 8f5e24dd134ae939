/* support/finetune_program.c — see finetune_program.h. */
#include "support/finetune_program.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/image.h"
#include "support/json.h"
#include "support/scratch.h"

enum { SIDE = 40 };

char net[300], train_dir[300], val_dir[300], features[300], cut_dir[300], one_dir[300];

/* Red or blue noise, no two pictures the same. */
static void write_picture(clvgg_runtime *runtime, const char *path, bool red, unsigned seed)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof rgb; i++) {
        vgg_random_next(&seed);
        const bool strong = (i % 3 == 0) == red && i % 3 != 1;
        rgb[i] = (uint8_t)((seed >> 25) + (strong ? 128 : 0));
    }
    assert_int_equal(clvgg_image_write_png(runtime, path, SIDE, SIDE, rgb), CLVGG_STATUS_OK);
}

static void write_pictures(clvgg_runtime *runtime, const char *folder, int count, unsigned seed)
{
    static const char *const names[] = {"blue", "red"};
    char path[400];
    assert_true(mkdir(folder, 0777) == 0);
    for (int c = 0; c < 2; c++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[c]);
        assert_true(mkdir(path, 0777) == 0);
        for (int i = 0; i < count / 2; i++) {
            snprintf(path, sizeof path, "%s/%s/%03d.png", folder, names[c], i);
            write_picture(runtime, path, c == 1, seed++);
        }
    }
}

int finetune_setup(void **state)
{
    (void)state;
    clvgg_runtime *runtime;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(train_dir, sizeof train_dir, "%s", test_scratch_path("train"));
    snprintf(val_dir, sizeof val_dir, "%s", test_scratch_path("val"));
    snprintf(features, sizeof features, "%s", test_scratch_path("features"));
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    write_pictures(runtime, train_dir, TRAIN_IMAGES, 1);
    write_pictures(runtime, val_dir, VAL_IMAGES, 1000);
    snprintf(cut_dir, sizeof cut_dir, "%s", test_scratch_path("cut"));
    write_pictures(runtime, cut_dir, TRAIN_IMAGES, 1);
    test_scratch_broken_image("cut/blue/broken.png");
    test_scratch_write("cut/red/cut.png", "\x89PNG\r\n\x1a\n", 8);
    snprintf(one_dir, sizeof one_dir, "%s", test_scratch_path("one"));
    write_pictures(runtime, one_dir, 2, 5);
    clvgg_runtime_free(runtime);
    return 0;
}

int finetune_teardown(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

cJSON *finetune_json(const char *output, const char *option, const char *value)
{
    test_program ran = {0};
    FINETUNE(&ran, output, "--json", option, value);
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    test_program_free(&ran);
    return json;
}

char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("no file %s", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

void assert_same_file(const char *one, const char *other)
{
    size_t sizes[2];
    char *bytes[2] = {read_file(one, &sizes[0]), read_file(other, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* The model that all runs with the same options must come to. */
const char *reference(void)
{
    static char path[300];
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "%s", test_scratch_path("reference.safetensors"));
        cJSON_Delete(finetune_json(path, NULL, NULL));
    }
    return path;
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void assert_fails(test_program *ran, int exit_code, const char *words)
{
    if (ran->exit_code != exit_code || strstr(ran->err, words) == NULL)
        fail_msg("exit code %d instead of %d, or no '%s' in: %s", ran->exit_code, exit_code, words,
                 ran->err);
    test_program_free(ran);
}
