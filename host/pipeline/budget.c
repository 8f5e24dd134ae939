/* pipeline/budget.c — see budget.h. */
#include "pipeline/budget.h"

void vgg_budget_init(vgg_budget *budget, uint64_t limit_bytes)
{
    budget->limit_bytes = limit_bytes;
    budget->taken_bytes = 0;
    pthread_mutex_init(&budget->mutex, NULL);
    pthread_cond_init(&budget->given_back, NULL);
}

void vgg_budget_free(vgg_budget *budget)
{
    pthread_cond_destroy(&budget->given_back);
    pthread_mutex_destroy(&budget->mutex);
}

static bool fits(const vgg_budget *budget, uint64_t held, uint64_t more)
{
    return budget->taken_bytes == held || budget->taken_bytes + more <= budget->limit_bytes;
}

void vgg_budget_take(vgg_budget *budget, uint64_t bytes)
{
    pthread_mutex_lock(&budget->mutex);
    while (!fits(budget, 0, bytes))
        pthread_cond_wait(&budget->given_back, &budget->mutex);
    budget->taken_bytes += bytes;
    pthread_mutex_unlock(&budget->mutex);
}

bool vgg_budget_grow(vgg_budget *budget, uint64_t held, uint64_t more)
{
    pthread_mutex_lock(&budget->mutex);
    bool granted = fits(budget, held, more);
    if (granted)
        budget->taken_bytes += more;
    pthread_mutex_unlock(&budget->mutex);
    return granted;
}

void vgg_budget_give_back(vgg_budget *budget, uint64_t bytes)
{
    pthread_mutex_lock(&budget->mutex);
    budget->taken_bytes -= bytes;
    pthread_cond_broadcast(&budget->given_back);
    pthread_mutex_unlock(&budget->mutex);
}
