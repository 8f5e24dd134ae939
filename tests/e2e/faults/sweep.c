/* e2e/faults/sweep.c — the whole program, while its allocations and OpenCL calls fail one by one.
 *
 * A scenario is a command line. Undisturbed, it says what right output is, and which sites (see
 * faulty.c) it passes. Then it runs again for each site: an allocation fails, once or that one and
 * all after it; an OpenCL call fails. Each time the program must
 *
 *     end by itself: no signal, no hang;
 *     exit with 1 and a message that names memory or the OpenCL call; or with 0 and all of the
 *     undisturbed run's output, since some memory is only for what can be done without;
 *     say what the memory was for, whatever it exits with, if the allocation was the program's own;
 *     leave only whole files under their names, and no temporary ones.
 *
 * A run may never come to the site, where the way there depends on times. Then the fault strikes
 * another of the program's own allocations instead, the one whose turn it was when the sites were
 * listed; and where there is none, or the site is of another kind, the case is a missed one: it
 * must be as the undisturbed run. A scenario without times may miss none of its own allocations.
 *
 * Usage: sweep [VERB]: scenarios whose name begins so. An even sample of the sites is tried, each
 * at its first call; with CLVGG_SWEEP=sites all of them, with CLVGG_SWEEP=own those of the
 * program's own allocations, with CLVGG_SWEEP=calls all at each call, which takes hours; with
 * CLVGG_SWEEP=HASH that site.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ctype.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/small_model.h"

/* ---- scenarios ---- */

#define WORDS(...) ((const char *[]){FAULTY, __VA_ARGS__, NULL})
#define NET "--model", "net.safetensors"
#define VIS(what, ...) WORDS("visualize", what, NET, "--out", "out", __VA_ARGS__)

typedef struct scenario {
    const char *name;
    const char *const *words;
    bool times;         /* its output holds times: numbers aren't compared */
    bool measures;      /* what it prints follows from times, and isn't compared */
    bool tolerates;     /* it does what it can, smaller batches and pages too, and says so */
    bool checks;        /* kernels are checked before they are used */
    const char *before; /* what "out" holds before it starts */
} scenario;

static const scenario scenarios[] = {
    {.name = "help", .words = WORDS("--help")},
    {.name = "help run", .words = WORDS("run", "--help")},
    {.name = "info text", .words = WORDS("info", "--device", "0", "net.safetensors")},
    {.name = "info json", .words = WORDS("info", "--json", "--device", "0", "net.safetensors")},
    {.name = "info dot", .words = WORDS("info", "--dot", "net.safetensors")},
    {.name = "info formats", .words = WORDS("info", "--formats")},
    {.name = "convert text",
     .words = WORDS("convert", "--device", "0", "--labels", "labels", "net.safetensors",
                    "out/net.onnx")},
    {.name = "convert json",
     .words = WORDS("convert", "--device", "0", "--json", "--dtype", "f16", "--preprocess", "caffe",
                    "net.safetensors", "out/net.npz")},
    {.name = "convert names",
     .words =
         WORDS("convert", "--device", "0", "--to", "torchvision", "net.safetensors", "out/net")},
    {.name = "quantize",
     .words = WORDS("quantize", "--device", "0", "--count", "2", "net.safetensors", "out/int8",
                    "--calibrate", "photos")},
    {.name = "cache list", .words = WORDS("cache", "list"), .before = "cached"},
    {.name = "cache json", .words = WORDS("cache", "list", "--json"), .before = "cached"},
    {.name = "cache clear", .words = WORDS("cache", "clear"), .before = "cached"},
    {.name = "compare", .words = WORDS("compare", "bench.json", "bench.json")},
    {.name = "compare json", .words = WORDS("compare", "--json", "bench.json", "bench.json")},
    {.name = "compare markdown",
     .words = WORDS("compare", "--markdown", "bench.json", "bench.json")},
    {.name = "report", .words = WORDS("report", "bench.json", "bench.json", "--out", "out/p.html")},
    {.name = "devices", .words = WORDS("devices"), .tolerates = true},
    {.name = "devices json", .words = WORDS("devices", "--json"), .tolerates = true},
    {.name = "run text", .words = WORDS("run", NET, "photos")},
    {.name = "run json",
     .words = WORDS("run", NET, "--json", "--map", "groups.tsv", "--labels", "labels", "photos"),
     .times = true,
     .tolerates = true},
    {.name = "run csv", .words = WORDS("run", NET, "--csv", "photos/a.png", "photos/b.jpg")},
    {.name = "run npy",
     .words = WORDS("run", NET, "--output", "out/y.npy", "--layer", "pool1", "photos/a.png"),
     .tolerates = true}, /* a photograph that it couldn't read has no row */
    {.name = "run checked",
     .words = WORDS("run", NET, "photos/a.png"),
     .checks = true,
     .tolerates = true}, /* what doesn't build is replaced */
    {.name = "run cached", .words = WORDS("run", NET, "photos/a.png"), .before = "cached"},
    {.name = "eval text", .words = WORDS("eval", NET, "--labels", "labels", "--data", "set")},
    {.name = "eval json",
     .words = WORDS("eval", NET, "--labels", "labels", "--data", "set", "--json", "--mistakes",
                    "out/m.png", "--against", "net.safetensors"),
     .times = true},
    {.name = "finetune dry",
     .words =
         WORDS("finetune", NET, "--data", "set", "--output", "out/new.safetensors", "--dry-run"),
     .measures = true},
    {.name = "finetune",
     .words = WORDS("finetune", NET, "--data", "set", "--output", "out/new.safetensors", "--epochs",
                    "2", "--head", "4,4", "--cache", "out/features", "--val-split", "0.25"),
     .times = true},
    {.name = "finetune resume",
     .words = WORDS("finetune", NET, "--data", "set", "--output", "out/new.safetensors", "--epochs",
                    "2", "--head", "4,4", "--cache", "off", "--val-split", "0.25", "--resume",
                    "out/new.run/last.ckpt"),
     .times = true,
     .before = "trained"},
    {.name = "visualize filters", .words = VIS("filters", "--json"), .times = true},
    {.name = "visualize activations",
     .words = VIS("activations", "--layer", "conv1_1", "--count", "4", "photos")},
    {.name = "visualize project", .words = VIS("project", "photos/a.png", "photos/b.jpg")},
    {.name = "visualize top",
     .words = VIS("top", "--layer", "conv2_1", "--maps", "strongest 2", "--count", "2",
                  "--pictures", "--images", "photos")},
    {.name = "visualize occlusion", .words = VIS("occlusion", "--stride", "16", "photos/a.png")},
    {.name = "visualize invariance", .words = VIS("invariance", "--points", "3", "photos/a.png")},
    {.name = "visualize gradcam", .words = VIS("gradcam", "--format", "svg", "photos/a.png")},
    {.name = "visualize all",
     .words = VIS("all", "--layer", "conv1_1", "--maps", "0", "--count", "1", "--samples", "1",
                  "--single-file", "--images", "photos"),
     .tolerates = true},
    {.name = "bench",
     .words = WORDS("bench", NET, "--min-time", "0.001", "--per-layer", "--out", "out/b.json"),
     .measures = true},
    {.name = "bench text",
     .words = WORDS("bench", NET, "--min-time", "0.001", "--no-cold", "--layer", "conv1_1", "--batch",
                    "1,2"),
     .measures = true},
    {.name = "bench finetune",
     .words = WORDS("bench", NET, "--mode", "finetune", "--head", "4,4", "--min-time", "0.001", "--no-cold",
                    "--json"),
     .measures = true},
    {.name = "tune",
     .words = WORDS("tune", NET, "--budget", "1"),
     .measures = true,
     .before = "cached"},
    {.name = "verify", .words = WORDS("verify", NET, "--budget", "0.001"), .measures = true},
    {.name = "verify json",
     .words = WORDS("verify", NET, "--budget", "0.001", "--json"),
     .measures = true,
     .before = "cached"},
    {.name = "tune export",
     .words = WORDS("tune", "--export", "out/tuned.json"),
     .before = "cached"},
};

/* ---- what a run leaves ---- */

typedef struct outcome {
    test_program program;
    bool struck;      /* the fault that was asked for did occur */
    vgg_text files;   /* a line each: path, and the hash of what is in it */
    vgg_text endings; /* likewise, of its last bytes, which all whole ones of a format share */
} outcome;

static outcome *listing;
static bool listing_contents;

static int list_file(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info;
    (void)position;
    enum { ENDING = 4 };
    size_t bytes = 0;
    if (kind != FTW_F)
        return 0;
    char *content = listing_contents ? file_read(path, &bytes) : NULL;
    const bool ends = strstr(path, ".npy") == NULL; /* an array's end is values */
    uint64_t hash = VGG_HASH_START, ending = VGG_HASH_START;
    for (size_t i = 0; i < bytes; i++) {
        hash = vgg_hash_number(hash, (unsigned char)content[i]);
        if (ends && i + ENDING >= bytes)
            ending = vgg_hash_number(ending, (unsigned char)content[i]);
    }
    free(content);
    vgg_text_printf(&listing->files, "%s %016" PRIx64 "\n", path, hash);
    vgg_text_printf(&listing->endings, "%s %016" PRIx64 "\n", path, ending);
    return 0;
}

/* Numbers say how long it took. */
static void forget_numbers(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (!isdigit((unsigned char)*from) && strchr(".+-e ", *from) == NULL)
            *to++ = *from;
    *to = '\0';
}

/* PoCL's memory is what is free just then; a query of an extension that fails leaves its field
 * empty, without a word. */
static void forget_facts(char *text)
{
    static const char *const words[] = {
        "    memory  ", "largest allocation ",
        "global_memory_bytes\": ", "max_allocation_bytes\": ", "sub_group_sizes\": ["};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (char *at = text; (at = strstr(at, words[i])) != NULL;) {
            at += strlen(words[i]);
            const char *behind = at + strspn(at, "0123456789., KMGiB");
            memmove(at, behind, strlen(behind) + 1);
        }
}

static void run(const scenario *s, test_stdout stdout_kind, const char *fault, outcome *out)
{
    char variable[640];
    const bool cached = s->before != NULL && strcmp(s->before, "cached") == 0;
    snprintf(variable, sizeof variable, "CLVGG_FAULT=%s", fault);
    if (file_exists("out"))
        remove_tree("out");
    if (s->before != NULL) {
        char copy[64];
        snprintf(copy, sizeof copy, "cp -R %s out", s->before);
        assert_int_equal(system(copy), 0);
    } else {
        assert_int_equal(mkdir("out", 0700), 0);
    }
    *out = (outcome){
        .program = {
            .stdout_kind = stdout_kind,
            .environment = (const char *[]){
                variable, cached ? "CLVGG_CACHE=out/cache.sqlite" : "CLVGG_CACHE=off",
                s->checks ? "CLVGG_VERIFY" : "CLVGG_VERIFY=off", NULL}}};
    remove("struck");
    test_program_run(&out->program, s->words);
    out->struck = file_exists("struck");
    listing = out;
    listing_contents = !s->times && !s->measures && !cached;
    nftw("out", list_file, 16, FTW_PHYS);
    if (s->measures && out->program.out[0] != '\0')
        strcpy(out->program.out, "x"); /* something */
    if (s->times)
        forget_numbers(out->program.out);
    forget_facts(out->program.out);
}

static void release(outcome *out)
{
    test_program_free(&out->program);
    vgg_text_free(&out->files);
    vgg_text_free(&out->endings);
}

/* ---- judging ---- */

static bool holds_line(const char *text, const char *line, size_t length)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, line, length) == 0)
            return true;
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

/* The first file that the undisturbed run doesn't have likewise; NULL when there is none. */
static const char *strange_file(const vgg_text *right, const vgg_text *now)
{
    static char name[512];
    for (const char *line = now->bytes; line != NULL && *line != '\0';) {
        const size_t length = strcspn(line, "\n") + 1;
        if (!holds_line(right->bytes, line, length)) {
            snprintf(name, sizeof name, "%.*s", (int)length - 1, line);
            return name;
        }
        line += length;
    }
    return NULL;
}

static bool says(const char *message, const char *word)
{
    const size_t length = strlen(word);
    for (; *message != '\0'; message++) {
        size_t same = 0;
        while (same < length &&
               tolower((unsigned char)message[same]) == tolower((unsigned char)word[same]))
            same++;
        if (same == length)
            return true;
    }
    return false;
}

/* "out of memory: 3 x 8 bytes wanted for the list of photographs", on one line. */
static bool names_memory(const char *message)
{
    for (const char *at = message; (at = strstr(at, "out of memory")) != NULL; at++) {
        const char *purpose = strstr(at, " for ");
        if (purpose != NULL && purpose < at + strcspn(at, "\n"))
            return true;
    }
    return false;
}

/* The fault of an outcome, or NULL. */
static const char *judge(const scenario *s, const outcome *right, const outcome *now,
                         const char *kind)
{
    static char words[640];
    const test_program *program = &now->program;
    const bool own = strcmp(kind, "own") == 0;
    const bool said = own ? names_memory(program->err)
                          : says(program->err, strcmp(kind, "alloc") == 0 ? "memory" : kind);
    const bool part = s->tolerates && program->exit_code == 1;
    const char *strange = part ? strange_file(&right->endings, &now->endings)
                               : strange_file(&right->files, &now->files);
    if (own && !now->struck && !s->times && !s->measures)
        return "the fault never struck";
    if (!now->struck && program->exit_code != 0)
        return "it fails without the fault";
    if (own && now->struck && !said)
        return "what the program wanted memory for isn't said";
    if (program->exit_code > 1) {
        snprintf(words, sizeof words, "exit code %d", program->exit_code);
        return words;
    }
    if (strange != NULL) {
        snprintf(words, sizeof words, "exit code %d, another file: %s", program->exit_code,
                 strange);
        return words;
    }
    if (program->exit_code == 0) {
        if (strcmp(program->out, right->program.out) != 0 && !(s->tolerates && said))
            return "exit code 0, another output";
        return now->files.length == right->files.length ? NULL : "exit code 0, files are missing";
    }
    if (program->err[0] == '\0')
        return "no message";
    return said ? NULL : "another message";
}

/* ---- sweeping ---- */

typedef struct tally {
    size_t sites, cases, own, missed, wrong, survived;
} tally;

typedef struct site {
    char name[64], hash[32];
    size_t calls, first;
} site;

/* Runs with the call of the site failing; `how`: once, or from there on. */
static void try_case(const scenario *s, const outcome *right, const site *at, const char *how,
                     size_t call, tally *t)
{
    char fault[80];
    outcome now;
    snprintf(fault, sizeof fault, "%s %s %zu struck", how, at->hash, call);
    run(s, TEST_STDOUT_KEPT, fault, &now);
    if (!now.struck && at->first > 0) {
        release(&now);
        snprintf(fault, sizeof fault, "%s 0 %zu struck", how, at->first + call - 1);
        run(s, TEST_STDOUT_KEPT, fault, &now);
    }
    const char *wrong = judge(s, right, &now, at->name);
    t->cases++;
    t->own += at->first > 0;
    t->missed += !now.struck;
    t->survived += now.struck && now.program.exit_code == 0;
    t->wrong += wrong != NULL;
    if (wrong != NULL)
        printf("%s: %s %s: %s\n%s\n", s->name, at->name, fault, wrong, now.program.err);
    release(&now);
}

/* Runs the scenario with a standard output that can't be written to. */
static void try_full_disk(const scenario *s, const outcome *right, tally *t)
{
    outcome now;
    run(s, TEST_STDOUT_FULL, "none", &now);
    const bool good =
        right->program.out[0] == '\0' ||
        (now.program.exit_code == 1 && strange_file(&right->files, &now.files) == NULL &&
         says(now.program.err, "standard output: No space left on device"));
    t->cases++;
    t->wrong += !good;
    if (!good)
        printf("%s: full disk: exit code %d\n%s\n", s->name, now.program.exit_code,
               now.program.err);
    release(&now);
}

/* Runs undisturbed, and again, when nothing is new to any cache. */
static void run_right(const scenario *s, outcome *right)
{
    outcome first;
    run(s, TEST_STDOUT_KEPT, "list sites", &first);
    run(s, TEST_STDOUT_KEPT, "list sites", right);
    const char *strange = strange_file(&first.files, &right->files);
    if (right->program.exit_code != 0 || strange != NULL ||
        strcmp(first.program.out, right->program.out) != 0) {
        printf("%s: undisturbed, it ends with %d, and twice isn't the same: %s\n%s", s->name,
               right->program.exit_code, strange != NULL ? strange : "its output",
               right->program.err);
        exit(1);
    }
    release(&first);
}

static void sweep(const scenario *s, const char *asked, tally *t)
{
#ifdef __SANITIZE_ADDRESS__
    enum { MOST_SITES = 1 << 16, SAMPLE = 8 }; /* slow */
#else
    enum { MOST_SITES = 1 << 16, SAMPLE = 20 };
#endif
    static site sites[MOST_SITES];
    outcome right;
    run_right(s, &right);
    FILE *list = fopen("sites", "r");
    assert_non_null(list);
    site *at = sites;
    while (t->sites < MOST_SITES &&
           fscanf(list, "%63s %31s %zu %zu", at->name, at->hash, &at->calls, &at->first) == 4)
        at = &sites[++t->sites];
    fclose(list);
    const bool all =
        strcmp(asked, "calls") == 0 || strcmp(asked, "sites") == 0 || strcmp(asked, "own") == 0;
    const size_t step = asked[0] != '\0' ? 1 : (t->sites + SAMPLE - 1) / SAMPLE;
    for (size_t i = 0; i < t->sites; i += step) {
        if (asked[0] != '\0' && !all && strcmp(asked, sites[i].hash) != 0)
            continue;
        const size_t calls = strcmp(asked, "calls") == 0 ? sites[i].calls : 1;
        const bool own = strcmp(sites[i].name, "own") == 0;
        const bool allocates = own || strcmp(sites[i].name, "alloc") == 0;
        if (strcmp(asked, "own") == 0 && !own)
            continue;
        for (size_t call = 1; call <= calls; call++) {
            try_case(s, &right, &sites[i], "once", call, t);
            if (allocates)
                try_case(s, &right, &sites[i], "from", call, t);
        }
    }
    try_full_disk(s, &right, t);
    release(&right);
}

/* ---- the inputs ---- */

static void make_inputs(void)
{
    clvgg_runtime *runtime;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    clvgg_model *model = small_model_make(runtime, 1);
    model->preprocess.height = model->preprocess.width = 32;
    model->preprocess.resize_short = 32;
    assert_int_equal(vgg_model_save(model, "net.safetensors", CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    vgg_model_free(model);
    clvgg_runtime_free(runtime);
    file_write("labels", "red\nblue\ngreen\n", 15);
    file_write("groups.tsv", "warm\t0\ncold\t1-2\n", 16);
    test_scratch_folder("photos");
    test_scratch_picture("photos/a.png", 1);
    test_scratch_copy("photos/b.jpg", TEST_DATA "/images/jpeg-420.jpg");
    test_scratch_folder("set");
    test_scratch_folder("set/red");
    test_scratch_folder("set/blue");
    for (unsigned i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "set/%s/%u.png", i % 2 == 0 ? "red" : "blue", i);
        test_scratch_picture(name, i + 1);
    }
    static const char *const preparations[] = {
        FAULTY " bench "
               "--model net.safetensors --min-time 0.001 --per-layer --out bench.json > log 2>&1",
        "mkdir cached && CLVGG_CACHE=cached/cache.sqlite " FAULTY
        " run --model net.safetensors photos/a.png > log 2>&1",
        "CLVGG_CACHE=cached/cache.sqlite " FAULTY
        " tune --model net.safetensors --budget 3 > log 2>&1",
        "mkdir trained && " FAULTY
        " finetune --model net.safetensors --data set --output trained/new.safetensors --epochs 2 "
        "--head 4,4 --cache off --val-split 0.25 > log 2>&1",
    };
    for (size_t i = 0; i < sizeof preparations / sizeof *preparations; i++)
        if (system(preparations[i]) != 0) {
            printf("%s:\n", preparations[i]);
            (void)!system("cat log");
            exit(1);
        }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "", *asked = getenv("CLVGG_SWEEP");
    size_t wrong = 0;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what is found is kept, should a limit of time end this */
    assert_int_equal(chdir(test_scratch_make()), 0);
    make_inputs();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (strncmp(scenarios[i].name, wanted, strlen(wanted)) == 0) {
            tally t = {0};
            sweep(&scenarios[i], asked != NULL ? asked : "", &t);
            printf("%s: %zu sites, %zu cases, %zu of the program's own memory, %zu missed, "
                   "%zu wrong, %zu of no consequence\n",
                   scenarios[i].name, t.sites, t.cases, t.own, t.missed, t.wrong, t.survived);
            fflush(stdout);
            wrong += t.wrong;
        }
    test_scratch_remove();
    return wrong > 0;
}
