/* support/training.c — see training.h. */
#include "support/training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/image.h"
#include "support/files.h"
#include "support/networks.h"

void training_pictures(clvgg_runtime *runtime, const char *folder, int count, unsigned seed)
{
    static uint8_t rgb[TRAINING_SIDE * TRAINING_SIDE * 3];
    static const char *const classes[] = {"green", "red"};
    char path[400];
    assert_int_equal(mkdir(folder, 0700), 0);
    for (int i = 0; i < count; i++) {
        const bool red = i % 2 != 0;
        snprintf(path, sizeof path, "%s/%s", folder, classes[red]);
        mkdir(path, 0700);
        for (size_t v = 0; v < sizeof rgb; v++) {
            vgg_random_next(&seed);
            rgb[v] = (uint8_t)((seed >> 25) + (v % 3 == (red ? 0 : 1) ? 128 : 0));
        }
        snprintf(path, sizeof path, "%s/%s/%02d.png", folder, classes[red], i);
        must(clvgg_image_write_png(runtime, path, TRAINING_SIDE, TRAINING_SIDE, rgb));
    }
}

clvgg_finetune_options training_options(const char *cache_dir)
{
    clvgg_finetune_options options;
    clvgg_finetune_options_defaults(&options);
    options.head_given = 1;
    options.head_layers = 2;
    options.head[0] = 9;
    options.head[1] = 7;
    options.epochs = TRAINING_EPOCHS;
    options.batch = TRAINING_BATCH;
    options.lr = 0.01;
    options.optimizer = CLVGG_OPTIMIZER_ADAM;
    options.memory_limit_bytes = 64 << 20;
    options.cache_dir = cache_dir;
    return options;
}

clvgg_status training_whole(clvgg_device *device, clvgg_model *base, const clvgg_dataset *train,
                            const clvgg_dataset *val, const clvgg_finetune_options *options,
                            const char *path)
{
    clvgg_finetune *finetune = NULL;
    clvgg_status status = clvgg_finetune_create(device, base, train, val, options, &finetune);
    assert_true((status == CLVGG_STATUS_OK) == (finetune != NULL));
    if (status == CLVGG_STATUS_OK)
        status = clvgg_finetune_run(finetune);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_finetune_save(finetune, path, CLVGG_DTYPE_F32);
    clvgg_finetune_free(finetune);
    return status;
}

void training_same_file(const char *one, const char *other)
{
    size_t sizes[2];
    char *bytes[2] = {file_read(one, &sizes[0]), file_read(other, &sizes[1])};
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}
