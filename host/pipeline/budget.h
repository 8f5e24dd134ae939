/* pipeline/budget.h — shares a number of bytes among decoding threads.
 *
 * A thread that asks for more than there is gets it once all others have given theirs back: the
 * largest picture still decodes, alone.
 */
#ifndef VGG_PIPELINE_BUDGET_H
#define VGG_PIPELINE_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct vgg_budget {
    uint64_t limit_bytes, taken_bytes;
    pthread_mutex_t mutex;
    pthread_cond_t given_back;
} vgg_budget;

void vgg_budget_init(vgg_budget *budget, uint64_t limit_bytes);
void vgg_budget_free(vgg_budget *budget);
/* Waits for the bytes. A thread that holds some already must call vgg_budget_grow() instead. */
void vgg_budget_take(vgg_budget *budget, uint64_t bytes);
/* Takes more for a thread that holds `held` bytes, or returns false at once. */
bool vgg_budget_grow(vgg_budget *budget, uint64_t held, uint64_t more);
void vgg_budget_give_back(vgg_budget *budget, uint64_t bytes);

#endif
