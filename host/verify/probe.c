/* verify/probe.c — see probe.h; probe_input.c makes what goes in, probe_judge.c judges what comes
 * out.
 */
#include "verify/probe.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "tensor/shape.h"
#include "verify/probing.h"

static const double enough_ms = 500;    /* of repeats beyond the second run */
static const double patience_ms = 2000; /* of one run: NaN isn't tried on devices that are slower */

static size_t output_bytes(const vgg_probing *p)
{
    return (size_t)p->probe->images * (size_t)p->output_elements * sizeof(float);
}

/* What isn't written must not look like what was right before. */
static clvgg_status clear(const vgg_probing *p, vgg_buffer buffer)
{
    const float nothing = NAN;
    VGG_CL_PASS(clEnqueueFillBuffer(p->probe->queue, buffer.memory, &nothing, sizeof nothing,
                                    (size_t)buffer.offset * sizeof nothing, output_bytes(p), 0,
                                    NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status read(const vgg_probing *p, vgg_buffer buffer, void *values)
{
    VGG_CL_PASS(clEnqueueReadBuffer(p->probe->queue, buffer.memory, CL_TRUE,
                                    (size_t)buffer.offset * sizeof(float), output_bytes(p), values,
                                    0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

/* `side` NULL: what is written beside the output isn't wanted. */
static clvgg_status run_into(vgg_probing *p, float *values, int32_t *side)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const double start_ms = vgg_clock_ms();
    const vgg_op_io *io = &p->probe->stage->io;
    vgg_launch launch = vgg_launch_begin(p->probe->queue, false, 0, NULL);
    VGG_TRY(clear(p, io->output));
    if (side != NULL)
        VGG_TRY(clear(p, io->switches));
    VGG_TRY(vgg_stage_enqueue(p->probe->stage, &launch, p->probe->images));
    VGG_TRY(read(p, io->output, values));
    if (side != NULL)
        VGG_TRY(read(p, io->switches, side));
    p->run_ms = vgg_clock_ms() - start_ms;
cleanup:
    vgg_launch_abandon(&launch);
    return status;
}

static clvgg_status judge_repeats(vgg_probing *p)
{
    const double start_ms = vgg_clock_ms();
    for (int run = 1; run < p->probe->repeats && p->finding->right &&
                      (run == 1 || vgg_clock_ms() - start_ms < enough_ms);
         run++) {
        VGG_PASS(run_into(p, p->again, NULL));
        if (memcmp(p->first, p->again, output_bytes(p)) != 0)
            vgg_probing_wrong(p->finding, "two runs give different values");
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status judge_nans(vgg_probing *p)
{
    vgg_probing_put_nans(p);
    VGG_PASS(vgg_probing_write_inputs(p));
    VGG_PASS(run_into(p, p->again, NULL));
    return vgg_probing_judge_nans(p);
}

static clvgg_status allocate(vgg_probing *p)
{
    const vgg_problem *problem = &p->op->problem;
    const size_t images = (size_t)p->probe->images;
    p->input_elements = vgg_layout_elements(&problem->input, p->op->input_block);
    p->output_elements = vgg_layout_elements(&problem->result, p->op->output_block);
    p->plain_elements = vgg_shape_elements(&problem->input);
    VGG_NEW_PASS(p->x, images * (size_t)p->plain_elements);
    VGG_NEW_PASS(p->input, images * (size_t)p->input_elements);
    VGG_NEW_PASS(p->first, images * (size_t)p->output_elements);
    VGG_NEW_PASS(p->again, images * (size_t)p->output_elements);
    if (p->probe->stage->io.switches.memory != NULL)
        VGG_NEW_PASS(p->side, images * (size_t)p->output_elements);
    if (problem->second.rank == 0)
        return CLVGG_STATUS_OK;
    p->second_elements = vgg_layout_elements(&problem->second, p->op->second_block);
    p->plain_second = vgg_shape_elements(&problem->second);
    VGG_NEW_PASS(p->second, images * (size_t)p->plain_second);
    VGG_NEW_PASS(p->second_input, images * (size_t)p->second_elements);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_probe_run(const vgg_probe *probe, vgg_finding *finding)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_op *op = &probe->stage->op;
    vgg_probing p = {.probe = probe,
                     .op = op,
                     .finding = finding,
                     .signs = vgg_definition_terms(&op->problem) == 0};
    *finding = (vgg_finding){.right = true};
    VGG_TRY(allocate(&p));
    VGG_TRY(vgg_definition_open(&op->problem, &probe->parameters, &p.definition));
    VGG_TRY(vgg_samples_choose(&op->problem.result, probe->images, probe->channels, probe->samples,
                               probe->seed, &p.samples));
    vgg_probing_make_inputs(&p);
    VGG_TRY(vgg_probing_write_inputs(&p));
    VGG_TRY(run_into(&p, p.first, p.side));
    VGG_TRY(vgg_probing_judge_values(&p));
    vgg_probing_give_answers(&p);
    vgg_probing_judge_padding(&p);
    VGG_TRY(judge_repeats(&p));
    if (finding->right && p.run_ms <= patience_ms)
        VGG_TRY(judge_nans(&p));
cleanup:
    vgg_samples_free(&p.samples);
    vgg_definition_close(&p.definition);
    vgg_free(p.second_input);
    vgg_free(p.second);
    vgg_free(p.side);
    vgg_free(p.again);
    vgg_free(p.first);
    vgg_free(p.input);
    vgg_free(p.x);
    return status;
}
