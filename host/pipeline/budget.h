/* pipeline/budget.h — shares a number of bytes among decoding threads.
 *
 * One who asks for more than there is gets it once all others have given theirs back: the largest
 * picture still decodes, alone.
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
/* Waits for the bytes. Whoever holds some must not take more: vgg_budget_grow() is for that. */
void vgg_budget_take(vgg_budget *budget, uint64_t bytes);
/* More for one who holds `held` bytes, or false at once. */
bool vgg_budget_grow(vgg_budget *budget, uint64_t held, uint64_t more);
void vgg_budget_give_back(vgg_budget *budget, uint64_t bytes);

#endif
