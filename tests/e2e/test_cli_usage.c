/* test_cli_usage.c — help, wrong command lines, exit codes, and that every option is documented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/program.h"
#include "support/text.h"

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static void test_help(void **state)
{
    (void)state;
    static const char *const commands[][2] = {
        {"--help", NULL},    {"-h", NULL},          {"help", NULL},      {"run", "--help"},
        {"info", "--help"},  {"devices", "-h"},     {"help", "devices"}, {"bench", "-h"},
        {"compare", "-h"},   {"cache", "--help"},   {"tune", "-h"},      {"eval", "-h"},
        {"visualize", "-h"}, {"help", "visualize"}, {"convert", "-h"},   {"quantize", "-h"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        test_program ran = {0};
        RUN(&ran, commands[i][0], commands[i][1]);
        assert_int_equal(ran.exit_code, 0);
        assert_string_equal(ran.err, "");
        assert_contains(ran.out, "Usage: clvgg ");
        for (const char *line = ran.out; *line != '\0'; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 0, 100);
        test_program_free(&ran);
    }
    test_program ran = {0};
    RUN(&ran, "--version");
    assert_int_equal(ran.exit_code, 0);
    assert_string_equal(ran.out, "clvgg 0.1.0\n");
    test_program_free(&ran);
}

/* A command line that makes no sense, and what is said about it. */
static const struct {
    const char *arguments[6];
    const char *message;
} wrong[] = {
    {{"devcies"}, "unknown verb 'devcies': did you mean 'devices'?"},
    {{"classify"}, "unknown verb 'classify'\n"},
    {{"--vesrion"}, "did you mean '--version'?"},
    {{"help", "rnu"}, "did you mean 'run'?"},
    {{"run"}, "needs at least one image or folder, or --input"},
    {{"run", "--tpo", "3", "x"}, "unknown option '--tpo': did you mean --top?"},
    {{"run", "--zzzzzz", "x"}, "unknown option '--zzzzzz'\n"},
    {{"run", "-z", "x"}, "unknown option '-z'\n"},
    {{"run", "--top", "x", "y"}, "--top: needs a number from 0 to 1000, got 'x'"},
    {{"run", "--top", "-1", "y"}, "--top: needs a number from 0 to 1000, got '-1'"},
    {{"run", "--top=1001", "y"}, "--top: needs a number from 0 to 1000, got '1001'"},
    {{"run", "--top=5x", "y"}, "got '5x'"},
    {{"run", "--top=", "y"}, "got ''"},
    {{"run", "--top= 5", "y"}, "got ' 5'"},
    {{"run", "-k99999999999999999999", "y"}, "got '99999999999999999999'"},
    {{"run", "x", "--top"}, "--top needs a value: K"},
    {{"run", "--json=1", "x"}, "--json takes no value, got '1'"},
    {{"run", "--batch", "0", "x"}, "--batch: needs a number from 1 to 4096, got '0'"},
    {{"run", "--mem-limit", "5Q", "x"}, "--mem-limit: needs a size of at least 1M"},
    {{"run", "--mem-limit", "100K", "x"}, "got '100K'"},
    {{"run", "--mem-limit", "99999999999T", "x"}, "got '99999999999T'"},
    {{"run", "--mean", "1,2", "x"}, "--mean: needs one number or three A,B,C, got '1,2'"},
    {{"run", "--mean", "1,2,nan", "x"}, "got '1,2,nan'"},
    {{"run", "--mean", "1,2,3,4", "x"}, "got '1,2,3,4'"},
    {{"run", "--std", "1,0,1", "x"}, "--std: needs one number or three A,B,C above 0, got '1,0,1'"},
    {{"run", "--scale", "0", "x"}, "--scale: needs a number above 0, got '0'"},
    {{"run", "--scale", "inf", "x"}, "got 'inf'"},
    {{"run", "--input-size", "224x", "x"}, "got '224x'"},
    {{"run", "--input-size", "0", "x"}, "got '0'"},
    {{"run", "--channels", "rgb", "x"}, "--channels: needs one of RGB|BGR, got 'rgb'"},
    {{"run", "--gemm", "aut", "x"}, "--gemm: needs one of auto|own|clblast, got 'aut'"},
    {{"run", "--json", "--csv", "x"}, "--json and --csv exclude each other"},
    {{"run", "--layer", "fc6", "x"}, "--layer says what --output writes"},
    {{"run", "--input", "x.npy", "y.png"}, "--input takes the place of images"},
    {{"eval"}, "needs a data set: --data DIR"},
    {{"eval", "photographs"}, "got 'photographs': name the data set by --data"},
    {{"eval", "--dta", "x"}, "did you mean --data?"},
    {{"eval", "--batch", "0"}, "--batch: needs a number from 1 to 4096, got '0'"},
    {{"info", "a", "b"}, "takes one model, got 'b' too"},
    {{"info", "-m", "a", "b"}, "takes one model, got 'b' too"},
    {{"info", "--json", "--dot"}, "--json and --dot exclude each other"},
    {{"info", "--formats", "a"}, "--formats is about no model"},
    {{"convert", "a"}, "needs two files: IN and OUT"},
    {{"convert", "a", "b", "c"}, "needs two files: IN and OUT"},
    {{"quantize", "a", "--calibrate", "c"}, "needs two files: MODEL and OUT"},
    {{"quantize", "a", "b"}, "needs photographs: --calibrate PATH"},
    {{"quantize", "--range", "all", "a", "b"}, "--range: needs one of mse|max|percentile"},
    {{"convert", "--to", "pth", "a", "b"}, "--to: needs one of safetensors|torchvision|onnx|npz"},
    {{"convert", "--dtype", "f64", "a", "b"}, "--dtype: needs one of f32|f16|bf16, got 'f64'"},
    {{"bench", "--batch", "1,,2"}, "--batch: needs numbers from 1 to 4096 with commas between"},
    {{"bench", "--batch", "1,0"}, "got '1,0'"},
    {{"bench", "--batch", ""}, "got ''"},
    {{"bench", "--batch=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"}, "at most 16"},
    {{"bench", "--batch", "1,00000000000000000002"}, "got '1,00000000000000000002'"},
    {{"bench", "--min-time", "0"}, "--min-time: needs a number above 0, got '0'"},
    {{"bench", "vgg16"}, "takes no argument, got 'vgg16': name a model by --model"},
    {{"bench", "--per-lyer"}, "did you mean --per-layer?"},
    {{"compare"}, "needs two results of clvgg bench at least"},
    {{"compare", "--json", "--csv", "a", "b"}, "--markdown, --csv and --json exclude each other"},
    {{"compare", "--fail-above", "5", "a", "b"}, "needs a share from 0% to 1000%, such as 5%"},
    {{"report", "--out", "p.html"}, "needs files that clvgg bench wrote, or their folder"},
    {{"report", "a.json"}, "needs --out, the page to write"},
    {{"devices", "all"}, "takes no argument, got 'all'"},
    {{"cache"}, "needs one of list, clear"},
    {{"cache", "empty"}, "needs one of list, clear"},
    {{"cache", "list", "clear"}, "needs one of list, clear"},
    {{"cache", "clear", "--json"}, "--json is for list"},
    {{"tune", "--budget", "0"}, "--budget: needs a time such as 90, 60s, 5m or 1h, got '0'"},
    {{"tune", "--budget", "5x"}, "got '5x'"},
    {{"tune", "net"}, "takes no argument, got 'net'"},
    {{"tune", "--export=a", "--import=b"}, "--export and --import exclude each other"},
};

static void test_wrong_command_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const *a = wrong[i].arguments;
        test_program ran = {0};
        RUN(&ran, a[0], a[1], a[2], a[3], a[4]);
        assert_int_equal(ran.exit_code, 2);
        assert_string_equal(ran.out, "");
        assert_contains(ran.err, wrong[i].message);
        assert_contains(ran.err, "--help'.");
        test_program_free(&ran);
    }
}

static void test_double_dash_ends_options(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, "devices", "--", "--json");
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "takes no argument, got '--json'");
    test_program_free(&ran);
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, "x\033[31m\xC2\x9B\xFF\xE2\x80\xAE");
    assert_int_equal(ran.exit_code, 2);
    assert_contains(ran.err, "unknown verb 'x\\x1b[31m\\u{009b}\\xff\\u{202e}'");
    test_program_free(&ran);
}

static void test_standard_output_that_fails(void **state)
{
    (void)state;
    static const struct {
        test_stdout kind;
        int exit_code;
        const char *message;
    } cases[] = {
        {TEST_STDOUT_CLOSED, 1, "clvgg: standard output: Bad file descriptor\n"},
        {TEST_STDOUT_FULL, 1, "clvgg: standard output: No space left on device\n"},
        {TEST_STDOUT_BROKEN_PIPE, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_program ran = {.stdout_kind = cases[i].kind};
        RUN(&ran, "--help");
        assert_int_equal(ran.exit_code, cases[i].exit_code);
        assert_string_equal(ran.err, cases[i].message);
        test_program_free(&ran);
    }
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s can't be opened", path);
    char *text = calloc(1 << 17, 1);
    assert_non_null(text);
    assert_in_range(fread(text, 1, (1 << 17) - 1, file), 1, (1 << 17) - 2);
    fclose(file);
    return text;
}

/* The text without backslashes, which man pages put before dashes. */
static void remove_backslashes(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (*from != '\\')
            *to++ = *from;
    *to = '\0';
}

/* Whether `word` stands in `text` with neither a letter nor a dash behind it. */
static bool has_word(const char *text, const char *word)
{
    static const char part_of_word[] = "abcdefghijklmnopqrstuvwxyz-";
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if (at[length] == '\0' || strchr(part_of_word, at[length]) == NULL)
            return true;
    return false;
}

/* Every option of `help`, a verb's --help, is in the man page and in the three completions. */
static void check_options(const char *help, const char *man, char *const completions[3])
{
    size_t checked = 0;
    for (const char *at = help; (at = strstr(at, " --")) != NULL; at++) {
        char option[64] = "", fish[80];
        size_t length = 2 + strspn(at + 3, "abcdefghijklmnopqrstuvwxyz-");
        snprintf(option, sizeof option, "%.*s", (int)length, at + 1);
        snprintf(fish, sizeof fish, "-l %s", option + 2);
        const char *const texts[] = {man, completions[0], completions[1], completions[2]};
        const char *const names[] = {"man page", "bash", "zsh", "fish"};
        for (size_t i = 0; i < 4; i++)
            if (!has_word(texts[i], i == 3 ? fish : option))
                fail_msg("%s is not in %s", option, names[i]);
        checked++;
    }
    assert_in_range(checked, 1, 100);
}

static void test_options_are_documented(void **state)
{
    (void)state;
    char *man = read_text(PROJECT_ROOT "/host/cli/clvgg.1");
    char *completions[3] = {read_text(PROJECT_ROOT "/host/cli/completion/clvgg.bash"),
                            read_text(PROJECT_ROOT "/host/cli/completion/_clvgg"),
                            read_text(PROJECT_ROOT "/host/cli/completion/clvgg.fish")};
    remove_backslashes(man);
    static const char *const verbs[][2] = {
        {"run", "--help"},          {"info", "--help"},          {"devices", "--help"},
        {"bench", "--help"},        {"compare", "--help"},       {"tune", "--help"},
        {"report", "--help"},       {"cache", "--help"},         {"eval", "--help"},
        {"visualize", "all"},       {"convert", "--help"},       {"visualize", "top"},
        {"visualize", "project"},   {"visualize", "filters"},    {"visualize", "activations"},
        {"visualize", "occlusion"}, {"visualize", "invariance"}, {"visualize", "gradcam"}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        test_program ran = {0};
        RUN(&ran, verbs[i][0], verbs[i][1], "--help");
        check_options(ran.out, man, completions);
        test_program_free(&ran);
    }
    free(man);
    for (size_t i = 0; i < 3; i++)
        free(completions[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_wrong_command_lines),
        cmocka_unit_test(test_double_dash_ends_options),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_standard_output_that_fails),
        cmocka_unit_test(test_options_are_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
