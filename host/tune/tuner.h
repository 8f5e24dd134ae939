/* tune/tuner.h — the search for the fastest variant, and the best values of its tunables, for one
 * chain of layers on a device. It tries every variant with its defaults, then varies one tunable
 * after the other of the variants that came near the best. The order is drawn from a seed.
 */
#ifndef VGG_TUNE_TUNER_H
#define VGG_TUNE_TUNER_H

#include "tune/trial.h"

/* A candidate that was judged. */
typedef struct vgg_tuner_event {
    const vgg_variant *variant;
    const vgg_choice *choice;
    vgg_verdict verdict;
    double ms;
    const char *reason; /* why it was refused, or "" */
} vgg_tuner_event;

typedef struct vgg_tuner {
    clvgg_device *device;
    bool clblast; /* CLBlast's variants are candidates */
    uint64_t seed;
    double deadline_ms; /* by base/clock.h: no candidate is begun after it */
    void (*report)(void *user, const vgg_tuner_event *event); /* or NULL */
    bool (*stop)(void *user); /* asked often; true ends the search; or NULL */
    void *user;
} vgg_tuner;

typedef struct vgg_tuner_result {
    const vgg_variant *variant; /* the default, where nothing is 3 % faster */
    vgg_choice choice;
    double ms, default_ms;
    int timed, dropped, refused, wrong;
    bool stopped; /* by stop(): what a search found so far isn't worth keeping */
} vgg_tuner_result;

/* A candidate replaces the default only if it is this share faster where both are timed in turn. */
#define VGG_TUNER_GAIN 0.03

/* `like` is what a plan runs untuned. Errors: those of preparing and running it, UNSUPPORTED (too
 * large to run on a GPU at all). */
clvgg_status vgg_tuner_search(const vgg_tuner *tuner, const vgg_op *like, const vgg_node *pool,
                              vgg_tuner_result *result);

/* Says whether a status rejects one candidate without ending the search. */
bool vgg_tuner_is_refusal(clvgg_status status);
/* Counts a candidate's verdict, and reports it. */
void vgg_tuner_note(const vgg_tuner *tuner, vgg_tuner_result *result,
                    const vgg_tuner_event *event);

#endif
