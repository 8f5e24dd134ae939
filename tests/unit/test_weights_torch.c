/* tests/unit/test_weights_torch.c — PyTorch's files: the same tensors from each kind, checkpoints
 * unwrapped, and hostile ones refused.
 *
 * The files of tests/data were written by torch (tests/formats/write_pytorch.py). Hostile pickles
 * are put together here, in the stream of pickles, from a line of words: 'text, #integer,
 * @module.name, T for a tensor of 2 × 3 values, or an instruction of one character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/"
#define SMALL TEST_DATA "/weights/small"

static void assert_message_has(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

static vgg_weights *open_good(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static float *read_all(const vgg_weights *weights, const vgg_tensor_entry *entry)
{
    float *values = malloc((size_t)entry->count * sizeof *values + 1);
    unsigned char *raw = malloc((size_t)entry->count * vgg_dtype_bytes(entry->dtype) + 1);
    assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, raw), CLVGG_STATUS_OK);
    vgg_to_f32(entry->dtype, raw, (size_t)entry->count, values);
    free(raw);
    return values;
}

/* ---- good files ---- */

static void assert_same_tensor(const vgg_weights *a, const vgg_tensor_entry *left,
                               const vgg_weights *b, const char *name, double within)
{
    const vgg_tensor_entry *right = vgg_weights_find(b, name);
    assert_non_null(right);
    assert_int_equal(left->shape.rank, right->shape.rank);
    assert_memory_equal(left->shape.dims, right->shape.dims, sizeof left->shape.dims);
    float *values = read_all(a, left), *others = read_all(b, right);
    for (uint64_t i = 0; i < left->count; i++)
        assert_true(values[i] - others[i] <= within && others[i] - values[i] <= within);
    free(values);
    free(others);
}

static void assert_same(const char *path, const char *as, double within)
{
    vgg_weights *left = open_good(path), *right = open_good(as);
    assert_int_equal(vgg_weights_count(left), vgg_weights_count(right));
    for (size_t i = 0; i < vgg_weights_count(left); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(left, i);
        assert_same_tensor(left, entry, right, entry->name, within);
    }
    vgg_weights_close(left);
    vgg_weights_close(right);
}

static void every_kind_gives_the_same_tensors(void **state)
{
    (void)state;
    static const char *const names[] = {"stream", "tar", "module", "views"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        snprintf(path, sizeof path, FORMATS "vgg11_bn/%s.pth", names[i]);
        assert_same(path, FORMATS "vgg11_bn/state.pth", 0);
    }
    assert_same(FORMATS "vgg16/module_stream.pth", FORMATS "vgg16/state.pth", 0);
    assert_same(FORMATS "vgg16/script.pt", FORMATS "vgg16/state.pth", 0);
    assert_same(FORMATS "vgg16/double.pth", FORMATS "vgg16/state.pth", 0);
    assert_same(TEST_DATA "/weights/half.pth", FORMATS "vgg16/state.pth", 1e-3);
    assert_same(TEST_DATA "/weights/bfloat16.pth", FORMATS "vgg16/state.pth", 1e-2);
}

static void tensors_are_the_networks(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"conv1_1.weight", "features.0.weight"},
        {"bn1_1.running_mean", "features.1.running_mean"},
        {"bn5_2.running_var", "features.26.running_var"},
        {"fc6.weight", "classifier.0.weight"},
        {"fc8.bias", "classifier.6.bias"},
    };
    vgg_weights *stated = open_good(FORMATS "vgg11_bn/network.safetensors");
    vgg_weights *read = open_good(FORMATS "vgg11_bn/state.pth");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_same_tensor(stated, vgg_weights_find(stated, names[i][0]), read, names[i][1], 0);
    assert_string_equal(vgg_weights_foreign_dtype(read, "features.1.num_batches_tracked"), "int64");
    assert_string_equal(vgg_weights_notes(read), "");
    vgg_weights_close(stated);
    vgg_weights_close(read);
    read = open_good(TEST_DATA "/weights/half.pth");
    assert_int_equal(vgg_weights_find(read, "classifier.6.bias")->dtype, CLVGG_DTYPE_F16);
    vgg_weights_close(read);
    read = open_good(TEST_DATA "/weights/bfloat16.pth");
    assert_int_equal(vgg_weights_find(read, "classifier.6.bias")->dtype, CLVGG_DTYPE_BF16);
    vgg_weights_close(read);
}

/* Pieces of a view, wherever they begin. */
static void views_are_read_in_pieces(void **state)
{
    (void)state;
    vgg_weights *weights = open_good(FORMATS "vgg16/views.pth");
    const vgg_tensor_entry *entry = vgg_weights_find(weights, "features.2.weight");
    float *values = read_all(weights, entry);
    for (uint64_t first = 0; first < entry->count; first += 11) {
        float piece[30];
        const uint64_t left = entry->count - first, count = left < 30 ? left : 30;
        assert_int_equal(vgg_weights_read(weights, entry, first, count, piece), CLVGG_STATUS_OK);
        assert_memory_equal(piece, values + first, (size_t)count * sizeof *piece);
    }
    free(values);
    vgg_weights_close(weights);
}

static void exported_programs_are_read(void **state)
{
    (void)state;
    vgg_weights *weights = open_good(SMALL ".pt2");
    assert_int_equal(vgg_weights_count(weights), 6);
    assert_string_equal(vgg_weights_foreign_dtype(weights, "1.num_batches_tracked"), "int64");
    const vgg_tensor_entry *weight = vgg_weights_find(weights, "0.weight");
    float *values = read_all(weights, weight); /* every second of 0, 1 … from 3 on */
    assert_int_equal(weight->shape.rank, 4);
    assert_int_equal(weight->count, 2);
    assert_true(values[0] == 3 && values[1] == 5);
    free(values);
    values = read_all(weights, vgg_weights_find(weights, "0.bias"));
    assert_true(values[0] == -1 && values[1] == 0.5f);
    free(values);
    vgg_weights_close(weights);
}

static void assert_notes(const char *path, const char *says)
{
    vgg_weights *weights = open_good(path);
    if (strstr(vgg_weights_notes(weights), says) == NULL)
        fail_msg("%s: \"%s\" isn't in \"%s\"", path, says, vgg_weights_notes(weights));
    vgg_weights_close(weights);
}

static void notes_say_what_was_taken(void **state)
{
    (void)state;
    assert_notes(FORMATS "vgg16/checkpoint.pth",
                 "the weights are the checkpoint's \"model_state_dict\"");
    assert_notes(FORMATS "vgg16/module.pth", "a whole module's, ");
    assert_notes(FORMATS "vgg16/module_stream.pth", "a whole module's, ");
    assert_notes(FORMATS "vgg16/script.pt", "a whole module's, __torch__.");
}

/* ---- pickles put together ---- */

#define TENSOR_OF(storage, shape, strides, offset)                                                 \
    "@torch._utils._rebuild_tensor_v2 ( " storage " " offset " ( " shape " t ( " strides           \
    " t I @collections.OrderedDict ) R t R"
#define STORAGE(class, key, count) "( 'storage @" class " '" key " 'cpu " count " N t Q"
#define FLOATS STORAGE("torch.FloatStorage", "0", "#6")
#define T23 TENSOR_OF(FLOATS, "#2 #3", "#3 #1", "#0")

static void put_number(vgg_text *out, char op, uint64_t value, int bytes)
{
    vgg_text_append(out, &op, op != '\0');
    for (int i = 0; i < bytes; i++)
        vgg_text_append(out, &(char){(char)(value >> (8 * i) & 0xFF)}, 1);
}

static void assemble(vgg_text *out, const char *words)
{
    while (*words != '\0') {
        const size_t length = strcspn(words, " ");
        const char *dot = words + length;
        if (words[0] == '\'') {
            put_number(out, 'X', length - 1, 4);
            vgg_text_append(out, words + 1, length - 1);
        } else if (words[0] == '#') {
            const int64_t value = strtoll(words + 1, NULL, 0);
            put_number(out, '\x8A', 8, 1);
            put_number(out, '\0', (uint64_t)value, 8);
        } else if (words[0] == '@') {
            while (*dot != '.')
                dot--;
            vgg_text_printf(out, "c%.*s\n%.*s\n", (int)(dot - words) - 1, words + 1,
                            (int)(words + length - dot) - 1, dot + 1);
        } else if (words[0] == 'T') {
            assemble(out, T23);
        } else if (words[0] == 'I') {
            vgg_text_append(out, "\x89", 1); /* False */
        } else {
            vgg_text_append(out, words, length);
        }
        words += length + (words[length] == ' ');
    }
}

/* A stream whose object is what the words make, with one storage of six values, or without any. */
static const char *write_object(const char *object, size_t bytes, bool stored)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    vgg_text out = {0};
    const char *path = temp_path("case.pth");
    vgg_text_append(&out, "\x80\2\x8A\nl\xFC\x9C\x46\xF9 j\xA8P\x19.", 15);
    vgg_text_append(&out, "\x80\2M\xE9\3.\x80\2}.\x80\2", 12);
    vgg_text_append(&out, object, bytes);
    vgg_text_append(&out, stored ? ".\x80\2]X\1\0\0\0000a." : ".\x80\2].", stored ? 12 : 5);
    if (stored) {
        put_number(&out, '\0', 6, 8);
        vgg_text_append(&out, (const char *)values, sizeof values);
    }
    file_write(path, out.bytes, out.length);
    vgg_text_free(&out);
    return path;
}

static const char *write_words(const char *words)
{
    vgg_text object = {0};
    assemble(&object, words);
    const char *path =
        write_object(object.bytes, object.length, strstr(words, "T") || strstr(words, "'0"));
    vgg_text_free(&object);
    return path;
}

static void assert_refused(const char *path, const char *says)
{
    vgg_weights *weights;
    const clvgg_status status = vgg_weights_open(path, &weights);
    if (status != CLVGG_STATUS_BAD_FILE && status != CLVGG_STATUS_UNSUPPORTED)
        fail_msg("%s: %s", says, vgg_status_name(status));
    assert_null(weights);
    assert_message_has(says);
    assert_message_has(path);
}

static void checkpoints_are_unwrapped(void **state)
{
    (void)state;
    static const struct {
        const char *words, *tensor, *notes;
    } cases[] = {
        {"} ( 'a T u", "a", ""},
        {"} 'a T s 'n #3 s", "a", ""},
        {"@collections.OrderedDict ) R ( 'a T u } 'v #1 s b", "a", ""},
        /* Python 2's OrderedDict: made of a list of pairs */
        {"@collections.OrderedDict ( ] ( ] ( 'a T e e t R", "a", ""},
        {"} ( 'state_dict } ( 'a T u 'best_acc1 T u", "a", "checkpoint's \"state_dict\""},
        {"} ( 'model } ( 'state_dict } ( 'a T u u 'n N u", "a", "\"model\", in it \"state_dict\""},
        {"} ( 'model_ema } ( 'b T u 'model } ( 'a T u u", "a", "\"model_ema\", were left out"},
        {"} ( 'ema } ( 'b T u 'n #1 u", "b", "checkpoint's \"ema\""},
        {"} ( 'generator } ( 'g T u 'optimizer } ( 'x } ( 'y T u u u", "g", "\"generator\""},
        {"( } ( 'a T u #4 t", "a", ""},
        /* modules, of classes that aren't known */
        {"@my.Net ) \x81 } ( '_parameters } 'p T s '_buffers } 'b T s '_modules } ( 'm @my.Sub ) "
         "\x81 } ( '_parameters } 'q T s '_buffers } '_modules } u b u u b",
         "m.q", "module's, my.Net;"},
        {"@__torch__.Net ) \x81 } ( 'training N 'f @__torch__.F ) \x81 } 'w T s b u b", "f.w",
         "module's, __torch__.Net;"},
        {"} 'a @torch._utils._rebuild_parameter ( T \x88 } t R s", "a", ""},
        {"} 'a @torch._tensor._rebuild_from_type_v2 ( @torch._utils._rebuild_tensor_v2 "
         "@torch.Tensor ( " FLOATS " #0 ( #2 #3 t ( #3 #1 t I } t } t R s",
         "a", ""},
        {"} 'a @torch._utils._rebuild_tensor_v3 ( " STORAGE(
             "torch.storage.UntypedStorage", "0",
             "#6") " #0 ( #1 t ( #1 t I } @torch.int32 t R s 'b #1 s",
         NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights = open_good(write_words(cases[i].words));
        if (cases[i].tensor != NULL) {
            const vgg_tensor_entry *entry = vgg_weights_find(weights, cases[i].tensor);
            if (entry == NULL)
                fail_msg("no %s of %s", cases[i].tensor, cases[i].words);
            float *values = read_all(weights, entry);
            assert_int_equal(entry->count, 6);
            assert_true(values[0] == 1 && values[5] == 6);
            free(values);
        } else {
            assert_string_equal(vgg_weights_foreign_dtype(weights, "a"), "int32");
        }
        if (strstr(vgg_weights_notes(weights), cases[i].notes) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].notes, vgg_weights_notes(weights));
        vgg_weights_close(weights);
    }
}

#define VIEW(storage, shape, strides, offset)                                                      \
    "} 'w " TENSOR_OF(storage, shape, strides, offset) " s"

static void hostile_pickles_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words, *says;
    } cases[] = {
        /* what is called, isn't; what depends on it, is named */
        {"@os.system ( 'true t R", "holds no weights by name"},
        {"} 'w @os.system ( 'true t R s", "\"w\" is made by os.system, which isn't run"},
        {"@builtins.eval ( 'x t R", "no weights"},
        {"} ( 'w @os.system ( @builtins.getattr ( T 'x t R t R u", "os.system"},
        {VIEW(STORAGE("os.FloatStorage", "0", "#6"), "#2 #3", "#3 #1", "#0"), "os.FloatStorage"},
        {VIEW(STORAGE("torch.EvilStorage", "0", "#6"), "#2 #3", "#3 #1", "#0"),
         "torch.EvilStorage"},
        {"} 'w @torch._utils._rebuild_tensor_v2 ( T #0 ( t ( t t R s",
         "views what isn't a storage"},
        {"} 'w @torch._utils._rebuild_tensor_v2 #1 R s", "tensor \"w\": views what isn't"},
        {"} 'w @torch._utils._rebuild_tensor_v2 ) R s 'x T s", "tensor \"w\": views what isn't"},
        /* views that reach out of their storage */
        {VIEW(FLOATS, "#2 #4", "#4 #1", "#0"), "reach beyond storage \"0\", which has 6"},
        {VIEW(FLOATS, "#2 #3", "#3 #1", "#1"), "reach beyond"},
        {VIEW(FLOATS, "#2 #3", "#4 #1", "#0"), "reach beyond"},
        {VIEW(FLOATS, "#2", "#0x7fffffffffffffff", "#0"), "reach beyond"},
        {VIEW(FLOATS, "#3", "#0x7fffffffffffffff", "#0"), "reach beyond"},
        {VIEW(FLOATS, "#1", "#1", "#0x7fffffffffffffff"), "reach beyond"},
        {VIEW(FLOATS, "#0x100000000 #0x100000000", "#0 #0", "#0"), "overflows"},
        {VIEW(FLOATS, "#-1", "#1", "#0"), "dimensions isn't a number that is 0 or more"},
        {VIEW(FLOATS, "#2", "#-1", "#0"), "strides isn't a number"},
        {VIEW(FLOATS, "#2", "#1", "#-1"), "its offset isn't"},
        {VIEW(FLOATS, "#2", "#1 #1", "#0"), "1 dimensions and 2 strides"},
        {VIEW(FLOATS, "#1 #1 #1 #1 #1 #1 #1 #1 #1", "#1", "#0"), "more than 8 dimensions"},
        {VIEW(STORAGE("torch.FloatStorage", "0", "#7"), "#2 #3", "#3 #1", "#0"),
         "said to have 7 elements of float32, but 6 are there"},
        {VIEW(STORAGE("torch.DoubleStorage", "0", "#6"), "#2 #3", "#3 #1", "#0"),
         "said to have 6 elements of 8 bytes"},
        {VIEW(STORAGE("torch.FloatStorage", "1", "#6"), "#2", "#1", "#0") " '0 N s",
         "belongs to no tensor"},
        {VIEW("( 'storage @torch.FloatStorage '0 'cpu #6 ( 'v #4 #4 t t Q", "#2", "#1", "#0"),
         "a view that doesn't lie in the other"},
        /* nothing to take, or no saying what */
        {"N", "holds no weights by name"},
        {"} ( 'epoch #3 'optimizer } 'm T s u", "its keys are \"epoch\", \"optimizer\""},
        {"} ( 'gen } 'a T s 'disc } 'a T s u", "as \"gen\" and as \"disc\""},
        {"T", "a single tensor without a name"},
        {"@my.Net ) \x81 } ( '_parameters } '_buffers } '_modules } u b", "without parameters"},
        {"@my.Net ) \x81 } ( '_parameters } 'p T s '_modules } '_buffers } 'running_var T s 'eps "
         "G\x3F\x50\x62\x4D\xD2\xF1\xA9\xFC u b",
         "has an epsilon of 0.001; 1e-05"},
        /* programs that break the machine's rules */
        {"", "takes more values than it has made"},
        {"0", "takes more values than it has made"},
        {"( 0 0", "takes more values"},
        {"t", "a mark that it hasn't set"},
        {"N ( \x86", "takes more values"},
        {"} ( 'a u", "fills a container that it hasn't made"},
        {"( 'a 'b 'c d", "of an odd number"},
        {"N N a", "into what isn't a container"},
        {"( N e", "fills a container that it hasn't made"},
        {"h\5", "recalls a value"},
        {"N j\377\377\377\377", "recalls a value"},
        {"N r\377\377\377\377", "remembers more than"},
        {"\x93", "takes more values"},
        {"N N \x93", "names something by what isn't a name"},
        {"c\n\n", "names a module that can't be one"},
        {"\x82\1", "0x82 is no instruction"},
        {"i", "0x69 is no instruction"},
        {"\x80\6", "of protocol 6"},
        {"X\377\377\377\377", "ends too early"},
        {"\x8D\377\377\377\377\377\377\377\377", "ends too early"},
        {"\x8B\377\377\377\377", "ends too early"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(write_words(cases[i].words), cases[i].says);
}

/* `count` times the same words, between others. */
static const char *write_repeated(const char *before, const char *words, size_t count,
                                  const char *behind)
{
    vgg_text object = {0};
    assemble(&object, before);
    const size_t start = object.length;
    assemble(&object, words);
    const size_t bytes = object.length - start;
    char once[64];
    assert_in_range(bytes, 1, sizeof once);
    memcpy(once, object.bytes + start, bytes);
    for (size_t i = 1; i < count; i++)
        vgg_text_append(&object, once, bytes);
    assemble(&object, behind);
    const char *path = write_object(object.bytes, object.length, false);
    vgg_text_free(&object);
    return path;
}

/* Small files that would have a reader use memory, stack or time without end. */
static void bombs_are_refused(void **state)
{
    (void)state;
    assert_refused(write_repeated("", "}", 2000000, "N"), "more than 48 MB of memory");
    assert_refused(write_repeated("N", "2", 2000000, ""), "stack holds more than");
    assert_refused(write_repeated("", "(", 2000000, ""), "sets more than");
    assert_refused(write_repeated("", ")", 100000, "") /* deep, by tuples of one */, "no weights");
    assert_refused(write_repeated("N", "\x85", 100000, ""), "nested deeper than 32");
    assert_refused(write_repeated("N", "} 'a 2 0 0 0", 1, "") /* a dictionary gone */,
                   "no weights");
    assert_refused(write_repeated("N", "2 0 2 0 2 0 2 0", 2100000, ""), "instructions");
    /* each holds the one before twice */
    assert_refused(write_repeated("N", "q\1 } 'a h\1 s 'b h\1 s", 30, ""), "steps to walk");
    /* calls of calls of calls */
    assert_refused(write_repeated("@os.system", ") R", 100000, ""), "no weights");
    /* a list, a dictionary and a module that hold themselves */
    assert_refused(write_words("] q\1 h\1 a"), "nested deeper");
    assert_refused(write_words("} q\1 'model h\1 s"), "nested deeper");
    assert_refused(write_words("@my.Net ) \x81 q\1 } ( '_parameters } '_buffers } '_modules } 'm "
                               "h\1 s u b"),
                   "nested deeper");
}

/* A view that repeats a few values a billion times is listed, but isn't read. */
static void expanded_views_cost_nothing(void **state)
{
    (void)state;
    vgg_weights *weights = open_good(write_words(VIEW(FLOATS, "#1000000 #1000000", "#0 #0", "#0")));
    assert_string_equal(vgg_weights_foreign_dtype(weights, "w"), "an expanded view");
    vgg_weights_close(weights);
    weights = open_good(write_words(VIEW(FLOATS, "#100 #3", "#0 #1", "#3")));
    float *values = read_all(weights, vgg_weights_find(weights, "w"));
    assert_true(values[0] == 4 && values[299] == 6);
    free(values);
    vgg_weights_close(weights);
}

/* What a state dictionary holds that only running code would make a tensor, is listed by its name.
 */
static void made_by_unknown_code(void **state)
{
    (void)state;
    vgg_weights *weights = open_good(write_words("} ( 'a T 'b @my.make ) R u"));
    assert_non_null(vgg_weights_find(weights, "a"));
    assert_string_equal(vgg_weights_foreign_dtype(weights, "b"), "my.make");
    vgg_weights_close(weights);
}

/* ---- damage ---- */

static const char *const small[] = {SMALL ".pth", SMALL "_stream.pth", SMALL "_tar.pth",
                                    SMALL ".pt2"};
enum { SMALL_COUNT = sizeof small / sizeof *small };

/* A file that opens holds what it lists. */
static bool opens_and_reads(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        return false;
    for (size_t i = 0; i < vgg_weights_count(weights); i++)
        free(read_all(weights, vgg_weights_entry(weights, i)));
    vgg_weights_close(weights);
    return true;
}

static void truncation_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        size_t whole, opened = 0;
        char *file = file_read(small[i], &whole);
        const char *path = temp_path("cut.pth");
        for (size_t bytes = 0; bytes < whole; bytes++) {
            file_write(path, file, bytes);
            if (opens_and_reads(path)) {
                assert_same(path, small[i], 0);
                opened++;
            }
        }
        assert_true(opened == 0 || strstr(small[i], "tar") != NULL); /* its end is padding */
        free(file);
    }
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char replacements[] = {'\0', '.', '(', 'R', 'u', (char)0xFF};
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        size_t whole, opened = 0;
        char *file = file_read(small[i], &whole);
        const char *path = temp_path("changed.pth");
        const size_t step = whole > 4096 ? 29 : 1; /* mostly padding, or a program */
        for (size_t at = 0; at < whole; at += step)
            for (size_t r = 0; r < sizeof replacements; r++) {
                const char kept = file[at];
                if (kept == '\0' && at > 64 && file[at - 1] == '\0' && at % 16 != 0)
                    continue; /* padding */
                file[at] = replacements[r];
                file_write(path, file, whole);
                file[at] = kept;
                opened += opens_and_reads(path);
            }
        assert_true(opened > 0);
        free(file);
    }
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s", small[i]);
        assert_true(failing_allocator_sweep(open_and_close, path) >= 8);
    }
    char path[] = FORMATS "vgg11_bn/module.pth";
    assert_true(failing_allocator_sweep(open_and_close, path) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_the_same_tensors),
        cmocka_unit_test(tensors_are_the_networks),
        cmocka_unit_test(views_are_read_in_pieces),
        cmocka_unit_test(exported_programs_are_read),
        cmocka_unit_test(notes_say_what_was_taken),
        cmocka_unit_test(checkpoints_are_unwrapped),
        cmocka_unit_test(hostile_pickles_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(expanded_views_cost_nothing),
        cmocka_unit_test(made_by_unknown_code),
        cmocka_unit_test(truncation_at_every_byte),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
