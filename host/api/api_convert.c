/* api/api_convert.c — implements clvgg/convert.h. */
#include <stdio.h>
#include <string.h>

#include "api/scope.h"
#include "base/alloc.h"
#include "base/file.h"
#include "clvgg/convert.h"
#include "measure/export_check.h"
#include "model/preprocess.h"

enum { LARGEST_PREPROCESS = 65536 };

const char *clvgg_export_format_name(clvgg_export_format format)
{
    const vgg_weights_writer *writer = vgg_weights_writer_at((size_t)format);
    return writer != NULL ? writer->name : NULL;
}

clvgg_export_format clvgg_export_format_of(const char *path)
{
    const size_t length = path != NULL ? strlen(path) : 0;
    const vgg_weights_writer *writer;
    for (size_t i = 0; (writer = vgg_weights_writer_at(i)) != NULL; i++) {
        const size_t tail = writer->suffix != NULL ? strlen(writer->suffix) : length + 1;
        if (length >= tail && strcmp(path + length - tail, writer->suffix) == 0)
            return (clvgg_export_format)i;
    }
    return CLVGG_EXPORT_SAFETENSORS;
}

void clvgg_export_options_defaults(clvgg_export_options *options)
{
    if (options != NULL)
        *options = (clvgg_export_options){.struct_size = sizeof *options, .keep_dtype = 1};
}

static clvgg_status export_model(const clvgg_model *model, const char *path,
                                 const clvgg_export_options *options, clvgg_export_report *report)
{
    const vgg_weights_writer *writer = vgg_weights_writer_at((size_t)options->format);
    vgg_export_check check = {.device = options->check_device, .writer = writer, .why_not = ""};
    const vgg_export_options request = {
        .writer = writer,
        .keep_dtype = options->keep_dtype != 0,
        .dtype = options->dtype,
        .preprocess = options->preprocess,
        .progress = options->progress,
        .progress_user = options->progress_user,
        .check = options->check_device != NULL ? vgg_export_check_file : NULL,
        .check_user = &check,
    };
    vgg_export made = {0};
    const clvgg_status status = vgg_model_export(model, path, &request, &made);
    if (report != NULL) {
        *report = (clvgg_export_report){.struct_size = sizeof *report,
                                        .bytes = made.file_bytes,
                                        .tensor_count = made.count,
                                        .checked = check.compared != NULL,
                                        .error = check.error,
                                        .error_limit = check.limit};
        snprintf(report->compared, sizeof report->compared, "%s",
                 check.compared != NULL ? check.compared : "");
        snprintf(report->unchecked, sizeof report->unchecked, "%s",
                 check.why_not != NULL ? check.why_not : "");
    }
    vgg_export_free(&made);
    return status;
}

clvgg_status clvgg_model_export(const clvgg_model *model, const char *path,
                                const clvgg_export_options *options, clvgg_export_report *report)
{
    VGG_API_GIVEN(model, path);
    VGG_API_OPTIONS(clvgg_export_options, options);
    VGG_API_REQUIRE(clvgg_export_format_name(options->format) != NULL);
    VGG_API_REQUIRE(options->dtype >= CLVGG_DTYPE_F32 && options->dtype <= CLVGG_DTYPE_BF16);
    VGG_API_REQUIRE(report == NULL || report->struct_size == sizeof *report);
    VGG_API_RETURN(model->scope, export_model(model, path, options, report));
}

static clvgg_status read_preprocess(const clvgg_model *model, const char *spec,
                                    clvgg_preprocess *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *text = NULL;
    size_t size = 0;
    clvgg_preprocess stated;
    const bool caffe = strcmp(spec, "caffe") == 0;
    if (caffe || strcmp(spec, "torchvision") == 0) {
        stated =
            vgg_convention_preprocess(caffe ? VGG_CONVENTION_CAFFE : VGG_CONVENTION_TORCHVISION);
    } else {
        VGG_TRY(vgg_file_read_text(spec, LARGEST_PREPROCESS, &text, &size));
        VGG_REQUIRE(strlen((const char *)text) == size, CLVGG_STATUS_BAD_FILE, "%s: isn't JSON",
                    spec);
        VGG_TRY(
            vgg_prefixed(vgg_model_preprocess_read_json((const char *)text, &stated), "%s", spec));
    }
    VGG_TRY(vgg_prefixed(vgg_model_fit_preprocess(model, &stated, out), "%s", spec));
cleanup:
    vgg_free(text);
    return status;
}

clvgg_status clvgg_preprocess_read(const clvgg_model *model, const char *spec,
                                   clvgg_preprocess *out)
{
    VGG_API_GIVEN(model, spec, out);
    VGG_API_RETURN(model->scope, read_preprocess(model, spec, out));
}

size_t clvgg_weight_format_count(void)
{
    size_t count = 0;
    bool reads;
    const char *needs;
    while (vgg_weights_format_at(count, &reads, &needs) != NULL)
        count++;
    return count;
}

clvgg_status clvgg_weight_format_at(size_t index, clvgg_weight_format *format)
{
    VGG_API_STRUCT(format);
    VGG_API_REQUIRE(index < clvgg_weight_format_count());
    bool reads = false;
    const char *needs = NULL, *name = vgg_weights_format_at(index, &reads, &needs);
    *format = (clvgg_weight_format){.struct_size = sizeof *format,
                                    .name = name,
                                    .reads = reads,
                                    .needs = reads ? NULL : needs,
                                    .advice = reads ? NULL : vgg_weights_format_advice(index)};
    return CLVGG_STATUS_OK;
}
