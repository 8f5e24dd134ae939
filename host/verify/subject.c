/* verify/subject.c — see subject.h. */
#include "verify/subject.h"

#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "ops/clblast.h"
#include "tensor/dtype.h"

/* The kernels that bring an op its weights: without them it isn't right. */
static const char packers[] = "pack.cl pack_turned.cl pack_winograd.cl pack_int8.cl ";

static void append(char *text, size_t capacity, const char *format, ...) VGG_PRINTF(3, 4);
static void append(char *text, size_t capacity, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, capacity - length, format, arguments);
    va_end(arguments);
}

static void append_shape(char *text, size_t capacity, const clvgg_shape *shape)
{
    for (int i = 0; i < shape->rank; i++)
        append(text, capacity, "%s%lld", i > 0 ? "x" : " ", (long long)shape->dims[i]);
}

static void append_layer(char *text, size_t capacity, const char *before, const vgg_node *node)
{
    char attributes[256] = "";
    vgg_node_describe(node, attributes, sizeof attributes);
    append(text, capacity, "%s%s%s%s", before, vgg_layer_type_name(node->type),
           attributes[0] != '\0' ? " " : "", attributes);
}

static void describe_problem(const vgg_op *op, char *text, size_t capacity)
{
    const vgg_problem *problem = &op->problem;
    if (problem->quantized != NULL) /* the scale is an argument of the kernel */
        append(text, capacity, "levels %lld to %lld + ", (long long)problem->quantized->low,
               (long long)problem->quantized->high);
    if (problem->node != NULL)
        append_layer(text, capacity, "", problem->node);
    else
        append(text, capacity, "layout %d to %d", op->input_block, op->output_block);
    if (problem->relu)
        append(text, capacity, " + relu");
    if (problem->pool != NULL)
        append_layer(text, capacity, " + ", problem->pool);
    append(text, capacity, " of");
    append_shape(text, capacity, &problem->input);
    if (problem->node != NULL && vgg_layer_of(problem->node->type)->internal) {
        append(text, capacity, " to"); /* what they undo needn't say it */
        append_shape(text, capacity, &problem->output);
    }
    if (op->pack.panel != 0)
        append(text, capacity, " to %lld, %s", (long long)problem->output.dims[0],
               vgg_storage_name(problem->storage));
}

static void append_programs(vgg_subject *subject, const vgg_op_program *programs, int count)
{
    for (int i = 0; i < count; i++) {
        append(subject->candidate, sizeof subject->candidate, "; %s %s", programs[i].kernel_name,
               programs[i].options);
        append(subject->files, sizeof subject->files, "%s ", programs[i].file);
    }
}

void vgg_subject_of_op(const clvgg_device *device, const vgg_op *op, vgg_subject *subject)
{
    char choice[256];
    *subject = (vgg_subject){.problem = ""};
    describe_problem(op, subject->problem, sizeof subject->problem);
    vgg_choice_describe(op->variant, &op->choice, choice, sizeof choice);
    snprintf(subject->candidate, sizeof subject->candidate, "%s, blocks of %d%s%s%s",
             op->variant->name, op->input_block,
             op->problem.max_batch > 1 ? ", several images" : "", choice[0] != '\0' ? ", " : "",
             choice);
    if (op->pack.panel != 0) {
        append(subject->files, sizeof subject->files, "%s", packers);
        append(subject->candidate, sizeof subject->candidate, ", from %s",
               vgg_dtype_name(op->problem.weight_dtype));
        if (vgg_op_weight_inner(op) != 0)
            append(subject->candidate, sizeof subject->candidate, " turned, inner %llu",
                   (unsigned long long)vgg_op_weight_inner(op));
    }
    if (op->variant->uses_clblast) {
        char words[VGG_CLBLAST_WORDS];
        vgg_clblast_in_force(device->id, words);
        append(subject->candidate, sizeof subject->candidate, ", CLBlast %s %s",
               vgg_clblast_version(), words);
    }
    if (op->reads_full_batch) /* the batch decides which GEMM it runs */
        append(subject->candidate, sizeof subject->candidate, ", batch of %d",
               op->problem.max_batch);
    append_programs(subject, op->programs, op->program_count);
}

void vgg_subject_of_gradient(const vgg_grad_op *op, vgg_subject *subject)
{
    static const char *const rules[] = {[VGG_RULE_SGD] = "SGD",
                                        [VGG_RULE_NESTEROV] = "Nesterov's SGD",
                                        [VGG_RULE_ADAM] = "Adam",
                                        [VGG_RULE_ADAMW] = "AdamW"};
    const vgg_grad_problem *problem = &op->problem;
    const bool update = problem->gradient == VGG_GRADIENT_UPDATE;
    *subject = (vgg_subject){.problem = ""};
    snprintf(subject->problem, sizeof subject->problem, "%s%s of dense %lld to %lld",
             update ? "update by " : "data gradient", update ? rules[problem->rule] : "",
             (long long)problem->pack.channels, (long long)problem->pack.rows);
    snprintf(subject->candidate, sizeof subject->candidate, "%s, panels of %d%s", op->variant->name,
             problem->pack.panel, problem->max_batch > 1 ? ", several images" : "");
    append(subject->files, sizeof subject->files, "%s", packers);
    append_programs(subject, op->programs, op->program_count);
}
