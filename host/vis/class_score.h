/* vis/class_score.h — how sure a network is of a class, from its logits, in double precision. */
#ifndef VGG_VIS_CLASS_SCORE_H
#define VGG_VIS_CLASS_SCORE_H

#include <stddef.h>

typedef struct vgg_class_score {
    double probability; /* softmax */
    double log_odds; /* ln p / (1 − p), from the logits, so that it goes on where p rounds to 1:
                        with two classes the difference of their logits */
} vgg_class_score;

/* Score of class `index` among `count` ≥ 2; NaN where a logit is no number. */
vgg_class_score vgg_class_score_of(const float *logits, size_t count, size_t index);
/* The greatest logit's index (ties: the lowest), or -1 where one is no number. */
int vgg_class_most_probable(const float *logits, size_t count);

#endif
