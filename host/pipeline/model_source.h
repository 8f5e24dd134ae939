/* pipeline/model_source.h — a model as the place where a plan gets its parameters from. */
#ifndef VGG_PIPELINE_MODEL_SOURCE_H
#define VGG_PIPELINE_MODEL_SOURCE_H

#include "model/model.h"
#include "plan/weight_store.h"

/* The model must outlive the source; plans of one model share weights on a device. */
vgg_parameter_source vgg_model_parameter_source(const clvgg_model *model);

#endif
