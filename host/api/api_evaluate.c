/* api/api_evaluate.c — implements clvgg/evaluate.h. */
#include "api/scope.h"
#include "train/evaluation.h"

clvgg_status clvgg_evaluation_create(clvgg_runtime *runtime, size_t class_count,
                                     clvgg_evaluation **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(class_count >= 1 && class_count <= CLVGG_EVALUATION_MOST_CLASSES);
    VGG_API_RETURN(&runtime->scope, vgg_evaluation_create(runtime, class_count, out));
}

void clvgg_evaluation_free(clvgg_evaluation *evaluation)
{
    vgg_evaluation_free(evaluation);
}

clvgg_status clvgg_evaluation_add(clvgg_evaluation *evaluation, size_t truth,
                                  const float *probabilities)
{
    VGG_API_GIVEN(evaluation, probabilities);
    return vgg_evaluation_add(evaluation, truth, probabilities);
}

clvgg_status clvgg_evaluation_summarize(clvgg_evaluation *evaluation,
                                        clvgg_evaluation_summary *summary)
{
    VGG_API_REQUIRE(evaluation != NULL);
    VGG_API_STRUCT(summary);
    vgg_evaluation_summarize(evaluation, summary);
    return CLVGG_STATUS_OK;
}

uint64_t clvgg_evaluation_confusion(const clvgg_evaluation *evaluation, size_t truth,
                                    size_t predicted)
{
    return vgg_evaluation_confusion(evaluation, truth, predicted);
}

double clvgg_evaluation_precision(const clvgg_evaluation *evaluation, size_t class_index)
{
    return vgg_evaluation_precision(evaluation, class_index);
}

double clvgg_evaluation_recall(const clvgg_evaluation *evaluation, size_t class_index)
{
    return vgg_evaluation_recall(evaluation, class_index);
}
