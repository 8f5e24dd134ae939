/* train/checkpoint_state.c — words: those of the state, then those of each epoch. */
#include "train/checkpoint_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"

enum { WORD_DIGITS = 16, MOST_EPOCHS = 1 << 20 };
enum { EPOCH, POSITION, STEP, LOSS_SUM, CORRECT, SECONDS, BEST_EPOCH, EPOCH_COUNT, STATE_WORDS };
enum { EPOCH_WORDS = 10 };

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_words(vgg_text *text, const uint64_t *words, int count)
{
    for (int i = 0; i < count; i++)
        vgg_text_printf(text, "%016" PRIx64, words[i]);
}

void vgg_train_state_write(const vgg_train_state *state, vgg_text *text)
{
    const uint64_t words[STATE_WORDS] = {
        [EPOCH] = (uint64_t)state->epoch,
        [POSITION] = state->position,
        [STEP] = state->step,
        [LOSS_SUM] = bits_of(state->loss_sum),
        [CORRECT] = state->correct,
        [SECONDS] = bits_of(state->seconds),
        [BEST_EPOCH] = (uint64_t)state->best_epoch,
        [EPOCH_COUNT] = state->epoch_count,
    };
    put_words(text, words, STATE_WORDS);
    for (size_t i = 0; i < state->epoch_count; i++) {
        const clvgg_finetune_epoch *e = &state->epochs[i];
        const uint64_t epoch[EPOCH_WORDS] = {(uint64_t)e->epoch,
                                             e->step,
                                             bits_of(e->lr),
                                             bits_of(e->train_loss),
                                             bits_of(e->train_accuracy),
                                             bits_of(e->val_loss),
                                             bits_of(e->val_accuracy),
                                             bits_of(e->val_auc),
                                             bits_of(e->seconds),
                                             (uint64_t)e->best};
        put_words(text, epoch, EPOCH_WORDS);
    }
}

/* Reads `count` words from *text on, which moves behind them. */
static clvgg_status take_words(const char **text, uint64_t *words, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t word = 0;
        for (int d = 0; d < WORD_DIGITS; d++, (*text)++) {
            static const char digits[] = "0123456789abcdef";
            const char *digit = **text != '\0' ? strchr(digits, **text) : NULL;
            VGG_CHECK(digit != NULL, CLVGG_STATUS_BAD_FILE, "the checkpoint's state is malformed");
            word = word << 4 | (uint64_t)(digit - digits);
        }
        words[i] = word;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status take_epoch(const char **text, int number, clvgg_finetune_epoch *epoch)
{
    uint64_t words[EPOCH_WORDS];
    VGG_PASS(take_words(text, words, EPOCH_WORDS));
    VGG_CHECK(words[0] == (uint64_t)number, CLVGG_STATUS_BAD_FILE,
              "the checkpoint's state is malformed");
    *epoch = (clvgg_finetune_epoch){.struct_size = sizeof *epoch,
                                    .epoch = number,
                                    .step = words[1],
                                    .lr = double_of(words[2]),
                                    .train_loss = double_of(words[3]),
                                    .train_accuracy = double_of(words[4]),
                                    .val_loss = double_of(words[5]),
                                    .val_accuracy = double_of(words[6]),
                                    .val_auc = double_of(words[7]),
                                    .seconds = double_of(words[8]),
                                    .best = words[9] != 0};
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_train_state_read(const char *text, vgg_train_state *state)
{
    clvgg_status status = CLVGG_STATUS_OK;
    uint64_t words[STATE_WORDS];
    *state = (vgg_train_state){0};
    VGG_TRY(take_words(&text, words, STATE_WORDS));
    /* Epochs 0 to the one before that in work have been evaluated. */
    VGG_REQUIRE(words[EPOCH] >= 1 && words[EPOCH] <= MOST_EPOCHS &&
                    words[BEST_EPOCH] < words[EPOCH] && words[EPOCH_COUNT] == words[EPOCH] &&
                    strlen(text) == words[EPOCH_COUNT] * EPOCH_WORDS * WORD_DIGITS,
                CLVGG_STATUS_BAD_FILE, "the checkpoint's state is malformed");
    *state = (vgg_train_state){.epoch = (int)words[EPOCH],
                               .position = words[POSITION],
                               .step = words[STEP],
                               .loss_sum = double_of(words[LOSS_SUM]),
                               .correct = words[CORRECT],
                               .seconds = double_of(words[SECONDS]),
                               .best_epoch = (int)words[BEST_EPOCH],
                               .epoch_count = (size_t)words[EPOCH_COUNT]};
    VGG_NEW(state->epochs, state->epoch_count);
    for (size_t i = 0; i < state->epoch_count; i++)
        VGG_TRY(take_epoch(&text, (int)i, &state->epochs[i]));
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_free(state->epochs);
        *state = (vgg_train_state){0};
    }
    return status;
}
