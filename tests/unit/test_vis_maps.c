/* Tests of what occlusion, invariance and Grad-CAM compute beside the network: places of squares,
 * scores of classes, weights and enlargement of maps, choice of layers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/vgg_family.h"
#include "vis/class_score.h"
#include "vis/gradcam.h"
#include "vis/layer_choice.h"
#include "vis/occlusion.h"

static void squares_cover_the_side(void **state)
{
    (void)state;
    for (int length = 1; length <= 40; length++)
        for (int size = 1; size <= length; size++)
            for (int stride = 1; stride <= length; stride++) {
                const vgg_occlusion_axis axis = vgg_occlusion_axis_of(length, size, stride);
                int hidden[40] = {0}, begin, end;
                assert_int_equal(axis.count, (length + stride - 1) / stride);
                assert_true(axis.first <= 0 && axis.first > -stride);
                const int beyond = axis.first + axis.count * stride - length;
                assert_true(beyond == -axis.first || beyond == -axis.first + 1); /* evenly */
                for (int i = 0; i < axis.count; i++) {
                    vgg_occlusion_axis_at(&axis, i, &begin, &end);
                    assert_true(0 <= begin && begin < end && end <= length && end - begin <= size);
                    /* the same middle as the cell, to half a pixel, where nothing is cut off */
                    const int twice = 2 * (axis.first + i * stride) + stride;
                    if (end - begin == size)
                        assert_true(begin + end == twice || begin + end == twice - 1);
                    for (int p = begin; p < end; p++)
                        hidden[p]++;
                }
                for (int p = 0; p < length && size >= stride; p++)
                    assert_true(hidden[p] > 0);
            }
}

static void squares_of_vgg_lie_where_documented(void **state)
{
    (void)state;
    int begin, end;
    const vgg_occlusion_axis axis = vgg_occlusion_axis_of(224, 32, 8);
    assert_int_equal(axis.count, 28);
    assert_int_equal(axis.first, 0);
    vgg_occlusion_axis_at(&axis, 0, &begin, &end);
    assert_true(begin == 0 && end == 20);
    vgg_occlusion_axis_at(&axis, 10, &begin, &end);
    assert_true(begin == 68 && end == 100);
    vgg_occlusion_axis_at(&axis, 27, &begin, &end);
    assert_true(begin == 204 && end == 224);
}

static void scores_are_softmax_and_go_on_behind_it(void **state)
{
    (void)state;
    const float three[] = {1, 2, 4}, two[] = {200, -100}, bad[] = {1, NAN, 4};
    const double sum = exp(1) + exp(2) + exp(4);
    for (size_t i = 0; i < 3; i++) {
        const double p = exp((double)three[i]) / sum;
        const vgg_class_score score = vgg_class_score_of(three, 3, i);
        assert_true(fabs(score.probability - p) < 1e-15);
        assert_true(fabs(score.log_odds - log(p / (1 - p))) < 1e-13);
        assert_true(isnan(vgg_class_score_of(bad, 3, i).probability));
        assert_true(isnan(vgg_class_score_of(bad, 3, i).log_odds));
    }
    assert_true(vgg_class_score_of(two, 2, 0).probability == 1);
    assert_true(vgg_class_score_of(two, 2, 0).log_odds == 300);
    assert_true(vgg_class_score_of(two, 2, 1).log_odds == -300);
    assert_true(vgg_class_score_of(two, 2, 1).probability > 0);
    assert_int_equal(vgg_class_most_probable(three, 3), 2);
    assert_int_equal(vgg_class_most_probable(bad, 3), -1);
    assert_int_equal(vgg_class_most_probable((float[]){3, 5, 5}, 3), 1);
}

static void maps_are_weighted_by_mean_gradients(void **state)
{
    (void)state;
    const float gradients[] = {1, 2, 3, 2, /**/ -1, -1, -1, -1, /**/ 0, 4, -4, 0};
    const float values[] = {1, 0, 2, 5, /**/ 3, 3, 1, 0, /**/ 9, 9, 9, 9};
    float weights[3], map[4];
    vgg_gradcam_combine(gradients, values, 3, 4, weights, map);
    assert_true(weights[0] == 2 && weights[1] == -1 && weights[2] == 0);
    assert_true(map[0] == 0 && map[1] == 0 && map[2] == 3 && map[3] == 10);
    const float hole[] = {1, 0, NAN, 5, 3, 3, 1, 0, 9, 9, 9, 9};
    vgg_gradcam_combine(gradients, hole, 3, 4, weights, map);
    assert_true(isnan(map[2]) && map[3] == 10);
}

static void enlarging_keeps_middles_and_lines(void **state)
{
    (void)state;
    float map[12], large[36 * 40];
    vgg_gradcam_enlarge((float[]){1, 3}, 1, 2, 1, 4, large); /* PyTorch's: 1 1.5 2.5 3 */
    assert_true(large[0] == 1 && large[1] == 1.5f && large[2] == 2.5f && large[3] == 3);
    for (int i = 0; i < 12; i++)
        map[i] = (float)(10 * (i / 4) + i % 4);
    vgg_gradcam_enlarge(map, 3, 4, 3, 4, large);
    assert_memory_equal(large, map, sizeof map);
    vgg_gradcam_enlarge(map, 3, 4, 36, 40, large);
    for (int y = 0; y < 36; y++)
        for (int x = 0; x < 40; x++) {
            const double row = fmin(fmax((y + 0.5) / 12 - 0.5, 0), 2);
            const double column = fmin(fmax((x + 0.5) / 10 - 0.5, 0), 3);
            assert_true(fabs((double)large[y * 40 + x] - (10 * row + column)) < 1e-5);
        }
    vgg_gradcam_enlarge((float[]){5}, 1, 1, 3, 3, large);
    for (int i = 0; i < 9; i++)
        assert_true(large[i] == 5);
}

static void check_choice(const vgg_graph *graph, const char *asked, const char *expected)
{
    int node = -1;
    assert_int_equal(vgg_layer_choose(graph, asked, &node), CLVGG_STATUS_OK);
    assert_string_equal(graph->nodes[node].name, expected);
}

static void layers_are_chosen_behind_their_activation(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    int node = -1;
    const int64_t head[] = {8, 8, 2};
    assert_int_equal(vgg_graph_build_vgg("vgg16", 3, 32, 32, head, &graph), CLVGG_STATUS_OK);
    check_choice(graph, NULL, "relu5_3");
    check_choice(graph, "conv3_2", "relu3_2");
    check_choice(graph, "relu3_2", "relu3_2");
    check_choice(graph, "pool4", "pool4");
    check_choice(graph, "fc7", "relu7");
    check_choice(graph, "fc8", "fc8");
    check_choice(graph, "logits", "fc8");
    assert_string_equal(graph->nodes[vgg_layer_first_stage(graph)].name, "pool1");
    assert_string_equal(graph->nodes[vgg_layer_last_features(graph)].name, "relu7");
    assert_int_equal(vgg_layer_choose(graph, "conv9", &node), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "'conv9'; there are conv1_1 relu1_1"));
    vgg_graph_free(graph);
    assert_int_equal(vgg_graph_create(1, 1, 4, &graph), CLVGG_STATUS_OK);
    const vgg_attributes dense = {.dense = {.out_features = 2}};
    assert_int_equal(vgg_graph_add(graph, "flat", VGG_LAYER_FLATTEN, NULL, 0, NULL),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "out", VGG_LAYER_DENSE, &dense, 1, NULL),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_layer_choose(graph, NULL, &node), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "no convolution"));
    assert_int_equal(vgg_layer_first_stage(graph), 1);
    assert_int_equal(vgg_layer_last_features(graph), 1);
    vgg_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squares_cover_the_side),
        cmocka_unit_test(squares_of_vgg_lie_where_documented),
        cmocka_unit_test(scores_are_softmax_and_go_on_behind_it),
        cmocka_unit_test(maps_are_weighted_by_mean_gradients),
        cmocka_unit_test(enlarging_keeps_middles_and_lines),
        cmocka_unit_test(layers_are_chosen_behind_their_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
