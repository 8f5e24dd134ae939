/* plan/plan_bands.c — bands: steps behind each other that take a batch some images at a time.
 *
 * Between two steps of a whole batch lie all its images: with large ones, far more than a CPU's
 * last cache holds, so each value goes to memory and comes back. A band goes through its steps with
 * so few images that these stay there; what its steps hand on is then as small, and takes less
 * memory. What another layer wants of a value on its way, such as its peak, is computed there too.
 */
#include "plan/plan.h"

/* Bytes of a step's input and output of one image. Below LEAST_BYTES a whole batch suits the
 * caches; CACHED_BYTES is what a band may have. */
enum { LEAST_BYTES = 4 << 20, CACHED_BYTES = 16 << 20 };

static uint64_t image_bytes(const vgg_plan *plan, const vgg_plan_step *step)
{
    const uint64_t elements =
        plan->tensors[step->input].elements + plan->tensors[step->output].elements;
    return elements * sizeof(float) / (uint64_t)plan->max_batch;
}

/* Large images in one tensor, out of another. */
static bool suits(const vgg_plan *plan, const vgg_plan_step *step)
{
    return step->second < 0 && step->switches < 0 && !step->stage->op.reads_full_batch &&
           image_bytes(plan, step) >= LEAST_BYTES;
}

/* Says whether no step reads the output of step i: it is one of the plan's outputs, wanted whole.
 */
static bool is_leaf(const vgg_plan *plan, int i)
{
    const int output = plan->steps[i].output;
    for (int j = i + 1; j < plan->step_count; j++)
        if (plan->steps[j].input == output || plan->steps[j].second == output)
            return false;
    return true;
}

static bool is_handed_on(const vgg_plan *plan, int tensor, int end)
{
    return plan->tensors[tensor].last_step < end;
}

/* The step behind those that go with step `main`: leaves that read what it gives, such as searches
 * of its values, and then the step that alone reads it further, or `main` + 1. */
static int extend(const vgg_plan *plan, int main)
{
    const int handed = plan->steps[main].output;
    int i = main + 1;
    while (i < plan->step_count && plan->steps[i].input == handed && plan->steps[i].second < 0 &&
           plan->steps[i].switches < 0 && !plan->steps[i].stage->op.reads_full_batch && is_leaf(plan, i))
        i++;
    if (is_handed_on(plan, handed, i))
        return i;
    const bool goes_on = i < plan->step_count && plan->steps[i].input == handed &&
                         suits(plan, &plan->steps[i]) && is_handed_on(plan, handed, i + 1);
    return goes_on ? i + 1 : main + 1;
}

/* Images at a time for steps [first, end). */
static int choose_images(const vgg_plan *plan, int first, int end)
{
    uint64_t most = 1;
    for (int i = first; i < end; i++)
        if (image_bytes(plan, &plan->steps[i]) > most)
            most = image_bytes(plan, &plan->steps[i]);
    const uint64_t images = CACHED_BYTES / most;
    return images < 1 ? 1 : images < (uint64_t)plan->max_batch ? (int)images : plan->max_batch;
}

/* Makes steps [first, end) a band. What goes in and what comes out live as long as it runs: its
 * last step has written some images when its first reads others. */
static void make_band(vgg_plan *plan, int first, int end, int images)
{
    for (int i = first; i < end; i++) {
        vgg_plan_tensor *output = &plan->tensors[plan->steps[i].output];
        vgg_stage *stage = plan->steps[i].stage;
        stage->band_first = first;
        stage->band_end = end;
        stage->band_images = images;
        if (is_handed_on(plan, plan->steps[i].output, end)) {
            output->elements = output->elements / (uint64_t)plan->max_batch * (uint64_t)images;
            output->in_band = true;
        } else {
            output->first_step = first;
        }
    }
    vgg_plan_tensor *input = &plan->tensors[plan->steps[first].input];
    if (input->last_step < end - 1)
        input->last_step = end - 1;
}

void vgg_plan_find_bands(vgg_plan *plan)
{
    const bool wanted = plan->traits.type == CLVGG_DEVICE_CPU && plan->max_batch > 1;
    for (int first = 0, end; first < plan->step_count; first = end) {
        end = first + 1;
        if (wanted && suits(plan, &plan->steps[first]))
            for (int before = first; end > before;) {
                before = end;
                end = extend(plan, end - 1);
            }
        const int images = end > first + 1 ? choose_images(plan, first, end) : plan->max_batch;
        if (images < plan->max_batch)
            make_band(plan, first, end, images);
    }
}
