/* test_tuned_defaults.c — the tuning results that are shipped (host/tune/tuned_defaults.json): each
 * is one that a network of the VGG family asks for, can be configured, and was measured with the
 * kernels as they are now. Fails once a kernel that has results is edited: see bench/README.md. There
 * may be none: the rules of the rows hold then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "graph/graph.h"
#include "tune/tuning.h"

static vgg_tuning *shipped;
static size_t shipped_count, left_count;

static int read_shipped(void **state)
{
    (void)state;
    const clvgg_status status = vgg_tuning_read_all(vgg_tuned_defaults, vgg_tuned_defaults_length,
                                                    &shipped, &shipped_count, &left_count);
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "host/tune/tuned_defaults.json: %s\n", clvgg_status_message());
    return (int)status;
}

static int free_shipped(void **state)
{
    (void)state;
    vgg_free(shipped);
    return 0;
}

static void all_are_of_these_kernels(void **state)
{
    (void)state;
    if (left_count > 0)
        fail_msg("%zu of %zu results in host/tune/tuned_defaults.json were measured with kernels "
                 "that have changed since: nobody gets them any more. Tune again, or drop them: "
                 "bench/README.md says how.",
                 left_count, left_count + shipped_count);
}

/* The traits that a plan would have on the device; of a GPU, only what the least have. */
static vgg_traits traits_of(const vgg_tuning *tuning)
{
    const bool gpu = tuning->device.type == CLVGG_DEVICE_GPU;
    return (vgg_traits){.type = tuning->device.type,
                        .vector_width = tuning->device.vector_width,
                        .compute_units = tuning->device.compute_units,
                        .amx = tuning->device.amx,
                        .max_work_group_size = gpu ? 256 : 4096,
                        .local_memory_bytes = 32 << 10,
                        .max_allocation_bytes = UINT64_C(1) << 30};
}

/* The chain that begins at a node, as a plan describes it, if it is the result's. */
static bool is_chain(const vgg_tuning *tuning, const vgg_graph *graph, int index,
                     clvgg_storage storage, vgg_problem *problem, const vgg_node **pool)
{
    const vgg_node *node = &graph->nodes[index], *next = node + 1;
    char text[VGG_TUNING_PROBLEM];
    if (node->type != VGG_LAYER_CONV2D && node->type != VGG_LAYER_DENSE)
        return false;
    *problem = (vgg_problem){.node = node,
                             .input = graph->nodes[node->inputs[0]].output,
                             .output = node->output,
                             .input_block = 1,
                             .result = node->output,
                             .max_batch = tuning->batch,
                             .storage = storage};
    *pool = NULL;
    if (index + 1 < graph->count && next->type == VGG_LAYER_RELU) {
        problem->relu = true;
        next++;
    }
    if (next < graph->nodes + graph->count && next->type == VGG_LAYER_MAX_POOL)
        *pool = next;
    vgg_tuning_describe(problem, *pool, text);
    return strcmp(text, tuning->problem) == 0;
}

static bool find_chain(const vgg_tuning *tuning, const vgg_graph *graph, vgg_problem *problem,
                       const vgg_node **pool)
{
    for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16; storage++)
        for (int i = 0; i < graph->count; i++)
            if (is_chain(tuning, graph, i, storage, problem, pool))
                return true;
    return false;
}

/* Fails unless a plan for a device like the result's takes it, with the programs that it names. */
static void check_result(const vgg_tuning *tuning, const vgg_graph *const *graphs, int graph_count)
{
    const vgg_traits traits = traits_of(tuning);
    vgg_tuning again = *tuning;
    vgg_problem problem;
    const vgg_node *pool = NULL;
    vgg_op op;
    bool found = false;
    for (int g = 0; g < graph_count && !found; g++)
        found = find_chain(tuning, graphs[g], &problem, &pool);
    if (!found)
        fail_msg("no network of the VGG family has '%s'", tuning->problem);
    if (vgg_op_configure_chain(&op, tuning->variant, &problem, pool, &traits, &tuning->choice) !=
        CLVGG_STATUS_OK)
        fail_msg("'%s', batch %d: %s", tuning->problem, tuning->batch, clvgg_status_message());
    vgg_tuning_note_kernels(&again, &op);
    if (memcmp(again.kernels, tuning->kernels, sizeof again.kernels) != 0)
        fail_msg("'%s', batch %d: 'kernels' aren't the files that %s uses", tuning->problem,
                 tuning->batch, tuning->variant->name);
    if (!(tuning->ms < tuning->default_ms))
        fail_msg("'%s', batch %d: no faster than the default", tuning->problem, tuning->batch);
}

static void each_serves_a_plan(void **state)
{
    (void)state;
    static const char *const architectures[] = {"vgg16", "vgg19", "vgg13", "vgg11"};
    enum { COUNT = sizeof architectures / sizeof *architectures };
    vgg_graph *graphs[COUNT];
    static const int64_t head[3] = {4096, 4096, 1000};
    for (int g = 0; g < COUNT; g++)
        assert_int_equal(vgg_graph_build_vgg(architectures[g], 3, 224, 224, head, &graphs[g]), 0);
    for (size_t i = 0; i < shipped_count; i++)
        check_result(&shipped[i], (const vgg_graph *const *)graphs, COUNT);
    print_message("%zu results\n", shipped_count);
    for (int g = 0; g < COUNT; g++)
        vgg_graph_free(graphs[g]);
}

static void none_is_there_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < shipped_count; i++)
        for (size_t j = 0; j < i; j++)
            if (shipped[i].batch == shipped[j].batch &&
                strcmp(shipped[i].problem, shipped[j].problem) == 0 &&
                memcmp(&shipped[i].device, &shipped[j].device, sizeof shipped[i].device) == 0)
                fail_msg("'%s', batch %d, is there twice", shipped[i].problem, shipped[i].batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_of_these_kernels),
        cmocka_unit_test(each_serves_a_plan),
        cmocka_unit_test(none_is_there_twice),
    };
    return cmocka_run_group_tests(tests, read_shipped, free_shipped);
}
