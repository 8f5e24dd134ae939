/* support/training.h — data sets of red and green noise, and whole fine-tunings on them. */
#ifndef TEST_SUPPORT_TRAINING_H
#define TEST_SUPPORT_TRAINING_H

#include "clvgg/finetune.h"

enum { TRAINING_SIDE = 36, TRAINING_EPOCHS = 2, TRAINING_BATCH = 5 };

/* Folders green and red below `folder`, `count` pictures in all: NN.png, even ones green. */
void training_pictures(clvgg_runtime *runtime, const char *folder, int count, unsigned seed);
/* A head of 9 and 7, two epochs, batches of five. */
clvgg_finetune_options training_options(const char *cache_dir);
/* Trains from the first epoch to the last; the model goes to `path`. */
clvgg_status training_whole(clvgg_device *device, clvgg_model *base, const clvgg_dataset *train,
                            const clvgg_dataset *val, const clvgg_finetune_options *options,
                            const char *path);
void training_same_file(const char *one, const char *other);

#endif
