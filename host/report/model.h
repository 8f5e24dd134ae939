/* report/model.h — how a model's preprocessing and a session's memory are shown, in every verb. */
#ifndef VGG_REPORT_MODEL_H
#define VGG_REPORT_MODEL_H

#include "clvgg/session.h"
#include "report/json.h"

/* Says whether photographs can be prepared for the network: it has one channel or three. */
bool vgg_report_takes_photographs(const clvgg_preprocess *preprocess);
/* `origin` says where the preprocessing comes from. No member where no photograph can be prepared.
 */
void vgg_report_preprocess_json(vgg_json *json, const char *key, const clvgg_preprocess *preprocess,
                                const char *origin);
/* "short side 256, centre 224x224, BGR x 1, mean 103.939 116.779 123.68, std 1 1 1"; or "4 channels
 * of 224x224". */
void vgg_report_preprocess(vgg_text *text, const clvgg_preprocess *preprocess);
/* Sixteen hexadecimal digits; a JSON number wouldn't hold them. */
void vgg_report_fingerprint_json(vgg_json *json, uint64_t fingerprint);
/* Members storage, weight_bytes, arena_bytes, … of the object that is open. */
void vgg_report_memory_json(vgg_json *json, const clvgg_session_stats *stats);
/* Member peak_bytes: the most memory that this process has had. */
void vgg_report_peak_json(vgg_json *json);
/* "weights 66.9 MiB as bf16, activations 24.5 MiB"; f32 goes without saying. */
void vgg_report_memory(vgg_text *text, const clvgg_session_stats *stats);
/* {64, 224, 224} as "64 x 224 x 224". */
void vgg_report_shape(vgg_text *text, const clvgg_shape *shape);

#endif
