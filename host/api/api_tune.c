/* api/api_tune.c — implements clvgg/tune.h. */
#include "clvgg/tune.h"

#include "api/scope.h"
#include "base/alloc.h"
#include "base/file.h"
#include "model/model.h"
#include "plan/plan_outline.h"
#include "tune/tuning.h"

enum { MAX_FILE_BYTES = 4 << 20 };

void clvgg_tune_options_defaults(clvgg_tune_options *options)
{
    static const int one = 1;
    if (options != NULL)
        *options = (clvgg_tune_options){.struct_size = sizeof *options,
                                        .budget_seconds = 60,
                                        .batches = &one,
                                        .batch_count = 1,
                                        .seed = 1};
}

/* On a device of its own (the same context), so that what is compiled for candidates goes when
 * tuning ends and isn't put into the cache of programs. */
static clvgg_status tune(clvgg_device *device, const vgg_graph *graph,
                         const clvgg_tune_options *options, clvgg_tune_summary *summary)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_device *own = NULL;
    vgg_plan_outline outline = {0};
    VGG_TRY(vgg_device_from_context(device->runtime, device->context, device->id, &own));
    own->foreign_context = device->foreign_context;
    VGG_TRY(vgg_plan_outline_make(own, graph, options, &outline));
    VGG_TRY(vgg_tune_chains(own, outline.chains, outline.chain_count, options, summary));
cleanup:
    vgg_plan_outline_free(&outline);
    vgg_device_release(own);
    return status;
}

clvgg_status clvgg_tune_model(clvgg_device *device, clvgg_model *model,
                              const clvgg_tune_options *options, clvgg_tune_summary *summary)
{
    VGG_API_GIVEN(device, model);
    VGG_API_STRUCT(summary);
    VGG_API_REQUIRE(device->runtime->cache != NULL);
    VGG_API_REQUIRE(device->runtime->kernel_dir == NULL);
    VGG_API_OPTIONS(clvgg_tune_options, options);
    VGG_API_REQUIRE(options->budget_seconds > 0 && options->budget_seconds <= 1e9);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_REQUIRE(options->batch_count >= 1 && options->batch_count <= 64);
    VGG_API_REQUIRE(options->batches != NULL);
    for (size_t i = 0; i < options->batch_count; i++)
        VGG_API_REQUIRE(options->batches[i] >= 1 && options->batches[i] <= 65536);
    *summary = (clvgg_tune_summary){.struct_size = sizeof *summary};
    VGG_API_RETURN(model->scope, tune(device, model->graph, options, summary));
}

static clvgg_status write_file(const char *path, const vgg_text *text)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_writer *writer = NULL;
    VGG_REQUIRE(!text->failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for the file's text");
    VGG_TRY(vgg_writer_open(path, &writer));
    VGG_TRY(vgg_writer_append(writer, text->bytes, text->length));
    VGG_TRY(vgg_writer_commit(writer));
cleanup:
    vgg_writer_free(writer);
    return status;
}

static clvgg_status export(clvgg_runtime *runtime, const char *path, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_tuning *entries = NULL;
    vgg_text text = {0};
    VGG_TRY(vgg_tuning_list(runtime->cache, &entries, count));
    vgg_tuning_write_all(entries, *count, &text);
    VGG_TRY(write_file(path, &text));
cleanup:
    vgg_text_free(&text);
    vgg_free(entries);
    return status;
}

clvgg_status clvgg_tune_export(clvgg_runtime *runtime, const char *path, size_t *count)
{
    size_t unused = 0;
    VGG_API_GIVEN(runtime, path);
    VGG_API_RETURN(&runtime->scope, export(runtime, path, count != NULL ? count : &unused));
}

static clvgg_status import(clvgg_runtime *runtime, const char *path, size_t *kept, size_t *left)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    size_t size = 0;
    vgg_tuning *entries = NULL;
    *kept = *left = 0;
    VGG_TRY(vgg_file_read_text(path, MAX_FILE_BYTES, &bytes, &size));
    VGG_TRY(vgg_prefixed(vgg_tuning_read_all((const char *)bytes, size, &entries, kept, left), "%s",
                         path));
    VGG_REQUIRE(*kept > 0 || *left == 0, CLVGG_STATUS_UNSUPPORTED,
                "%s: all of its %zu results were measured with other kernels than this clvgg's",
                path, *left);
    VGG_TRY(vgg_tuning_keep(runtime->cache, entries, *kept));
cleanup:
    vgg_free(entries);
    vgg_free(bytes);
    return status;
}

clvgg_status clvgg_tune_import(clvgg_runtime *runtime, const char *path, size_t *kept, size_t *left)
{
    size_t unused[2];
    VGG_API_GIVEN(runtime, path);
    VGG_API_REQUIRE(runtime->cache != NULL);
    VGG_API_RETURN(&runtime->scope, import(runtime, path, kept != NULL ? kept : &unused[0],
                                           left != NULL ? left : &unused[1]));
}
