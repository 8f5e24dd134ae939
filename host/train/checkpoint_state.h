/* train/checkpoint_state.h — a vgg_train_state as text: 64-bit words in hexadecimal, so that every
 * bit of a double comes back, whatever the locale.
 */
#ifndef VGG_TRAIN_CHECKPOINT_STATE_H
#define VGG_TRAIN_CHECKPOINT_STATE_H

#include "base/text.h"
#include "train/checkpoint.h"

void vgg_train_state_write(const vgg_train_state *state, vgg_text *text);
/* Errors: BAD_FILE, OUT_OF_MEMORY. state->epochs is freed by vgg_free(). */
clvgg_status vgg_train_state_read(const char *text, vgg_train_state *state);

#endif
