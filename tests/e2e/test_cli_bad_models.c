/* e2e/test_cli_bad_models.c — model files that are wrong in many ways: the program names the file
 * and what is wrong with it and fails with exit code 1, as 2 is for the command line; text from a
 * file never steers the terminal; what a small file asks for isn't allocated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "support/program.h"
#include "support/scratch.h"
#include "support/tensor_file.h"

#define CLVGG(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

/* One layer of each kind; a case adds members to one of them, or takes its place. */
enum { CONV, POOL, NORM, FLAT, DENSE, DROP, SOFT, LAYERS };
static const char *const good[LAYERS] = {
    [CONV] = "\"name\": \"c\", \"type\": \"conv2d\", \"input\": \"input\"",
    [POOL] = "\"name\": \"p\", \"type\": \"max_pool\", \"input\": \"c\"",
    [NORM] = "\"name\": \"n\", \"type\": \"local_response_norm\", \"input\": \"p\"",
    [FLAT] = "\"name\": \"f\", \"type\": \"flatten\", \"input\": \"n\"",
    [DENSE] = "\"name\": \"d\", \"type\": \"dense\", \"input\": \"f\"",
    [DROP] = "\"name\": \"o\", \"type\": \"dropout\", \"input\": \"d\"",
    [SOFT] = "\"name\": \"s\", \"type\": \"softmax\", \"input\": \"o\"",
};

/* Attributes that must be there, each left out where a case gives it. */
static const struct {
    int layer;
    const char *name, *value;
} attributes[] = {
    {CONV, "out_channels", "4"}, {CONV, "kernel", "[3, 3]"}, {POOL, "kernel", "[2, 2]"},
    {POOL, "stride", "[2, 2]"},  {NORM, "size", "3"},        {NORM, "alpha", "1"},
    {NORM, "beta", "0.75"},      {NORM, "k", "2"},           {DENSE, "out_features", "2"},
    {DROP, "rate", "0.5"},
};

typedef struct change {
    int layer;
    const char *attribute, *value;
} change;

static void write_graph(char *json, size_t capacity, const char *input, const change *made)
{
    size_t length = (size_t)snprintf(json, capacity, "{\"input\": %s, \"layers\": [", input);
    for (int i = 0; i < LAYERS; i++) {
        length +=
            (size_t)snprintf(json + length, capacity - length, "%s{%s", i > 0 ? ", " : "", good[i]);
        for (size_t a = 0; a < sizeof attributes / sizeof *attributes; a++)
            if (attributes[a].layer == i && (made == NULL || made->layer != i ||
                                             strcmp(made->attribute, attributes[a].name) != 0))
                length += (size_t)snprintf(json + length, capacity - length, ", \"%s\": %s",
                                           attributes[a].name, attributes[a].value);
        if (made != NULL && made->layer == i)
            length += (size_t)snprintf(json + length, capacity - length, ", \"%s\": %s",
                                       made->attribute, made->value);
        length += (size_t)snprintf(json + length, capacity - length, "}");
    }
    snprintf(json + length, capacity - length, "]}");
}

static void make_tensors(tensor_file *file)
{
    *file = (tensor_file){.nan_tensor = -1};
    tensor_file_add(file, "c.weight", &(clvgg_shape){4, {4, 3, 3, 3}});
    tensor_file_add(file, "c.bias", &(clvgg_shape){1, {4}});
    tensor_file_add(file, "d.weight", &(clvgg_shape){2, {2, 36}});
    tensor_file_add(file, "d.bias", &(clvgg_shape){1, {2}});
}

static char model[300], picture[300];

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_picture("picture.png", 5);
    snprintf(model, sizeof model, "%s", test_scratch_path("bad.safetensors"));
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    return 0;
}

static unsigned turn; /* verbs take turns */

static void refuses(const char *words)
{
    test_program ran = {0};
    if (turn % 3 == 0)
        CLVGG(&ran, "info", "--model", model);
    else if (turn % 3 == 1)
        CLVGG(&ran, "run", "--model", model, picture);
    else
        CLVGG(&ran, "bench", "--model", model);
    turn++;
    if (ran.exit_code != 1 || strstr(ran.err, model) == NULL || strstr(ran.err, words) == NULL)
        fail_msg("exit code %d, not 1 with '%s':\n%s", ran.exit_code, words, ran.err);
    test_program_free(&ran);
}

/* What the next verb says of a network that gives no answer: `run` also what to do; `info`, which
 * shows it, has no turn. */
static const char *no_answer(void)
{
    turn += turn % 3 == 0;
    return turn % 3 == 1 ? "has no classifier: train one" : "no 'logits'";
}

static void refuses_graph(const char *input, const change *made, const char *words)
{
    char json[2048];
    tensor_file file;
    make_tensors(&file);
    write_graph(json, sizeof json, input, made);
    tensor_file_state(&file, "clvgg.graph", json);
    tensor_file_write(&file, model);
    refuses(words);
}

static void attributes_out_of_range(void **state)
{
    (void)state;
    static const struct {
        int layer;
        const char *attribute;
        int count;        /* of integers */
        const char *name; /* of the layer in messages */
        int least;
    } integers[] = {
        {CONV, "out_channels", 1, "conv2d 'c'", 1}, {CONV, "kernel", 2, "conv2d 'c'", 1},
        {CONV, "stride", 2, "conv2d 'c'", 1},       {CONV, "dilation", 2, "conv2d 'c'", 1},
        {CONV, "groups", 1, "conv2d 'c'", 1},       {CONV, "pad", 4, "conv2d 'c'", 0},
        {POOL, "kernel", 2, "max_pool 'p'", 1},     {POOL, "stride", 2, "max_pool 'p'", 1},
        {POOL, "pad", 4, "max_pool 'p'", 0},        {DENSE, "out_features", 1, "dense 'd'", 1},
    };
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        for (int bad = 0; bad < 4; bad++) { /* below, far below, no integer, too large for one */
            const int below = integers[i].least - 1 - 7 * bad;
            char number[32], value[160] = "", words[160];
            snprintf(number, sizeof number, bad == 2 ? "1.5" : bad == 3 ? "1e300" : "%d", below);
            for (int k = 0; k < integers[i].count; k++)
                snprintf(value + strlen(value), sizeof value - strlen(value), "%s%s",
                         k == 0 && integers[i].count > 1 ? "["
                         : k > 0                         ? ", "
                                                         : "",
                         k == integers[i].count - 1 ? number : "1");
            strcat(value, integers[i].count > 1 ? "]" : "");
            if (bad < 2)
                snprintf(words, sizeof words, "%s: %s is %d, must be %d to 2147483647",
                         integers[i].name, integers[i].attribute, below, integers[i].least);
            else
                snprintf(words, sizeof words, "%s: attribute '%s' must be", integers[i].name,
                         integers[i].attribute);
            refuses_graph("[3, 8, 8]", &(change){integers[i].layer, integers[i].attribute, value},
                          words);
        }
}

static void other_attributes(void **state)
{
    (void)state;
    static const struct {
        change made;
        const char *words;
    } cases[] = {
        {{POOL, "adaptive", "[-1, 1]"}, "max_pool 'p': adaptive is -1"},
        {{POOL, "adaptive", "[2, 2]"}, "adaptive pooling takes no kernel"},
        {{POOL, "pad", "[2, 2, 2, 2]"}, "pad 2 is more than half the kernel 2"},
        {{POOL, "count_include_pad", "true"}, "count_include_pad is for average pooling"},
        {{NORM, "size", "0"}, "local_response_norm 'n': size is 0"},
        {{NORM, "k", "0"}, "k above 0"},
        {{NORM, "alpha", "-1"}, "alpha and beta must be 0 or more"},
        {{DROP, "rate", "-0.5"}, "dropout 'o': rate is -0.5, must be at least 0 and below 1"},
        {{DROP, "rate", "1"}, "rate is 1, must be at least 0 and below 1"},
        {{DROP, "rate", "1e300"}, "must be at least 0 and below 1"},
        {{CONV, "groups", "2"}, "groups 2 don't divide 3 input channels"},
        {{CONV, "kernel", "[9, 9]"}, "the kernel reaches over 9 rows, the padded input has 8"},
        {{CONV, "pad", "[0, 0, 2147483647, 0]"}, "is too large"},
        {{CONV, "out_channels", "5"},
         "tensor 'c.weight' has shape [4, 3, 3, 3], c.weight needs [5"},
        {{CONV, "colour", "1"}, "unknown attribute 'colour'"},
        {{SOFT, "axis", "1"}, "unknown attribute 'axis'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses_graph("[3, 8, 8]", &cases[i].made, cases[i].words);
    static const char *const inputs[][2] = {
        {"[0, 8, 8]", "every dimension must be at least 1"},
        {"[3, -1, 8]", "every dimension must be at least 1"},
        {"[3, 8]", "'input' must be three integers"},
        {"[3, 1e9, 1e9]", "is too large"},
        {"[3, 1, 1]", "the kernel reaches over 3 rows"},
        {"[3, 9, 10]", "leaves"},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        refuses_graph(inputs[i][0], NULL, inputs[i][1]);
}

static void refuses_layers(const char *layers, const char *words)
{
    char json[2048];
    tensor_file file;
    make_tensors(&file);
    snprintf(json, sizeof json, "{\"input\": [3, 8, 8], \"layers\": [%s]}", layers);
    tensor_file_state(&file, "clvgg.graph", json);
    tensor_file_write(&file, model);
    refuses(words);
}

static void names_and_ends(void **state)
{
    (void)state;
#define RELU(name) "{\"name\": \"" name "\", \"type\": \"relu\", \"input\": \"input\"}"
    refuses_layers(RELU("a") ", " RELU("a"), "two layers have the name 'a'");
    refuses_layers(RELU("input"), "two layers have the name 'input'");
    refuses_layers(RELU(""), "a layer's name has 0 bytes, must have 1 to 255");
    refuses_layers(RELU("a\\u001b[31m"), "its name has a control character at byte 1");
    for (int verb = 0; verb < 2; verb++)
        refuses_layers(RELU("a"), no_answer());
    char cache[600];
    snprintf(cache, sizeof cache, "CLVGG_CACHE=%s", test_scratch_path("cache.sqlite"));
    const char *const cached[] = {cache, NULL};
    test_program ran = {.environment = cached};
    CLVGG(&ran, "tune", "--model", model, "--budget", "1");
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "no 'logits'; its layers: a"));
    test_program_free(&ran);
    ran.environment = NULL;
    refuses_layers("", no_answer());
    refuses_layers("7", "layer 1 is not an object");
    refuses_layers("{\"name\": \"x\", \"type\": \"lstm\", \"input\": \"input\"}",
                   "unknown type 'lstm'");
#undef RELU
    tensor_file file;
    make_tensors(&file);
    tensor_file_state(&file, "clvgg.graph",
                      "{\"input\": [3, 8, 8], \"layers\": ["
                      "{\"name\": \"f\", \"type\": \"flatten\", \"input\": \"input\"}, "
                      "{\"name\": \"d\", \"type\": \"dense\", \"input\": \"f\", "
                      "\"out_features\": 2}]}");
    *tensor_file_get(&file, "d.weight") = (vgg_tensor_entry){.shape = {2, {2, 192}}};
    tensor_file_write(&file, model);
    CLVGG(&ran, "run", "--model", model, picture);
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "has no softmax, which 'prob' is; its layers: f d"));
    test_program_free(&ran);
    CLVGG(&ran, "bench", "--model", model, "--layer", "nobody"); /* the command line's fault */
    assert_int_equal(ran.exit_code, 2);
    test_program_free(&ran);
}

static void tensors_and_metadata(void **state)
{
    (void)state;
    static const char *const names[] = {"c.weight", "c.bias", "d.weight", "d.bias"};
    static const char *const texts[][3] = {
        {"clvgg.format", "0", "clvgg.format '0' is no version"},
        {"clvgg.format", "99", "is newer than"},
        {"clvgg.preprocess", "{}", "needs 'channels', 'mean' and 'std'"},
        {"clvgg.preprocess", "{\"channels\": \"RGB\", \"mean\": [0, 0, 0], \"std\": [0, 1, 1]}",
         "channel 0 has mean 0"},
        {"clvgg.preprocess",
         "{\"channels\": \"RGB\", \"mean\": [0, 0, 0], \"std\": [1, 1, 1], \"crop\": 9}",
         "crops to 9 x 9, its network takes 8 x 8"},
        {"clvgg.preprocess", "{\"channels\": \"grey\", \"mean\": [0], \"std\": [1]}",
         "is for 1 channel, the network takes 3"},
        {"clvgg.classes", "[\"a\"]", "1 label, the network has 2 classes"},
        {"clvgg.classes", "{}", "not an array"},
    };
    char json[2048], words[160];
    tensor_file file;
    write_graph(json, sizeof json, "[3, 8, 8]", NULL);
    for (size_t i = 0; i < 4; i++)
        for (int how = 0; how < 2; how++) {
            make_tensors(&file);
            if (how == 0)
                tensor_file_remove(&file, names[i]);
            else
                tensor_file_get(&file, names[i])->shape.dims[0]++;
            snprintf(words, sizeof words, how == 0 ? "tensor '%s' is missing" : "tensor '%s' has",
                     names[i]);
            tensor_file_state(&file, "clvgg.graph", json);
            tensor_file_write(&file, model);
            refuses(words);
        }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        make_tensors(&file);
        tensor_file_state(&file, "clvgg.graph", json);
        tensor_file_state(&file, texts[i][0], texts[i][1]);
        tensor_file_write(&file, model);
        refuses(texts[i][2]);
    }
}

/* No verb writes a byte that steers a terminal, whatever the file holds. */
static void text_from_files_is_escaped(void **state)
{
    (void)state;
    char json[2048];
    tensor_file file;
    make_tensors(&file);
    write_graph(json, sizeof json, "[3, 8, 8]", NULL);
    tensor_file_state(&file, "clvgg.graph", json);
    tensor_file_state(&file, "clvgg.arch", "vgg\x1b[31m\nred\xC2\x9B\x33\x31m");
    tensor_file_state(&file, "clvgg.source", "\x1b]0;title\x07");
    tensor_file_state(&file, "clvgg.license", "\x1b[2J");
    tensor_file_state(&file, "clvgg.classes", "[\"\\u001b[31m\", \"\\u009b31m\"]");
    tensor_file_write(&file, model);
    const char *const commands[][6] = {
        {PROGRAM, "info", "--model", model, NULL},
        {PROGRAM, "run", "--model", model, picture, NULL},
        {PROGRAM, "bench", "--model", model, NULL},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        test_program ran = {0};
        test_program_run(&ran, commands[i]);
        assert_int_equal(ran.exit_code, 0);
        for (const char *stream = ran.out; stream != NULL;
             stream = stream == ran.out ? ran.err : NULL)
            for (const char *c = stream; *c != '\0'; c++)
                if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\r') ||
                    (unsigned char)*c == 0x9B)
                    fail_msg("byte 0x%02x of '%s' at: %.40s", (unsigned char)*c, commands[i][1], c);
        assert_true(strstr(ran.out, "vgg\\x1b[31m\\x0ared\\u{009b}31m") != NULL ||
                    strstr(ran.err, "vgg\\x1b[31m\\x0ared\\u{009b}31m") != NULL);
        test_program_free(&ran);
    }
}

/* 4.8 GB for an image that no device gets to see: refused before, by its size. */
static void small_files_take_little_memory(void **state)
{
    (void)state;
    tensor_file file;
    make_tensors(&file);
    tensor_file_state(&file, "clvgg.graph",
                      "{\"input\": [3, 20000, 20000], \"layers\": ["
                      "{\"name\": \"p\", \"type\": \"avg_pool\", \"input\": \"input\", "
                      "\"adaptive\": [6, 2]}, "
                      "{\"name\": \"f\", \"type\": \"flatten\", \"input\": \"p\"}, "
                      "{\"name\": \"d\", \"type\": \"dense\", \"input\": \"f\", "
                      "\"out_features\": 2}, "
                      "{\"name\": \"s\", \"type\": \"softmax\", \"input\": \"d\"}]}");
    tensor_file_write(&file, model);
    test_program ran = {0};
    CLVGG(&ran, "run", "--model", model, picture);
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "one prepared image takes 4.5 GiB, more than --mem-limit "
                                    "allows, 256 MiB"));
    test_program_free(&ran);
    CLVGG(&ran, "run", "--model", model, "--mem-limit", "1G", picture);
    assert_int_equal(ran.exit_code, 1);
    assert_non_null(strstr(ran.err, "more than --mem-limit allows, 1.0 GiB"));
    test_program_free(&ran);
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    assert_in_range(usage.ru_maxrss, 1, 2000000); /* KiB, the largest of all children so far */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_out_of_range),
        cmocka_unit_test(other_attributes),
        cmocka_unit_test(names_and_ends),
        cmocka_unit_test(tensors_and_metadata),
        cmocka_unit_test(text_from_files_is_escaped),
        cmocka_unit_test(small_files_take_little_memory),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}
