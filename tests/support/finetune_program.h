/* support/finetune_program.h — `clvgg finetune` on a small network and coloured noise. */
#ifndef TEST_SUPPORT_FINETUNE_PROGRAM_H
#define TEST_SUPPORT_FINETUNE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "support/json.h"
#include "support/program.h"

struct cJSON;

enum { TRAIN_IMAGES = 24, VAL_IMAGES = 8, EPOCHS = 3 };

/* Paths: the network; data sets of blue and red noise, of which `cut_dir` is train_dir and two
 * pictures that can't be read, `one_dir` a picture of each; a folder for features. */
extern char net[300], train_dir[300], val_dir[300], features[300], cut_dir[300], one_dir[300];

/* cmocka group fixtures. */
int finetune_setup(void **state);
int finetune_teardown(void **state);

/* `clvgg finetune` with the data above, three epochs, a small head, and what a test adds. */
#define FINETUNE(program, output, ...)                                                             \
    test_program_run(program, (const char *[]){PROGRAM,       "finetune", "--model",   net,        \
                                               "--data",      train_dir,  "--val",     val_dir,    \
                                               "--output",    output,     "--epochs",  "3",        \
                                               "--batch",     "5",        "--head",    "16,12",    \
                                               "--cache",     features,   "--lr",      "0.01",     \
                                               "--mem-limit", "64M",      __VA_ARGS__, NULL})

/* Runs with one more option and returns its JSON, to be freed by cJSON_Delete(). */
struct cJSON *finetune_json(const char *output, const char *option, const char *value);
/* The model that all runs with the same options must come to. */
const char *reference(void);
/* Reads a whole file, with a NUL behind it; to be freed. */
char *read_file(const char *path, size_t *size);
void assert_same_file(const char *one, const char *other);
bool exists(const char *path);
/* The exit code, and words on standard error; frees the program. */
void assert_fails(test_program *ran, int exit_code, const char *words);

#endif
