/* ocl/program.c — programs of a device: built once a file and options, or taken from the runtime's
 * cache (program_binary.c), kernels made from them.
 *
 * The device's lock guards only the list; each program has a lock of its own, held while it is
 * built, so that different programs build in parallel and the same one is waited for: those of a
 * list of kernels on threads of their own. A build that failed is tried again at the next request.
 */
#include "ocl/program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parallel.h"
#include "ocl/program_binary.h"
#include "ocl/program_frame.h"

/* Kernels compile as OpenCL C 1.2 everywhere, unless their options name another version. No
 * fast-math: NaN must pass and bits must repeat. */
#define LANGUAGE_OPTION "-cl-std=CL1.2"
#define MAX_SOURCE_BYTES ((uint64_t)16 << 20)
/* The most of a compiler's log that a message has. */
#define MAX_LOG_BYTES 8192
/* Milliseconds of waiting after which the log says what takes so long. */
static const double moment_ms = 300;

typedef struct program_entry {
    struct program_entry *next;
    char *file, *options;
    char *build_options;           /* LANGUAGE_OPTION and `options` */
    pthread_mutex_t lock;          /* held while building; guards what follows */
    cl_program program;            /* NULL until built */
    vgg_program_identity identity; /* for the cache */
    bool to_store;                 /* built from source, and not in the cache yet */
    bool has_run;
} program_entry;

struct vgg_program_cache {
    program_entry *first;
    double compile_ms; /* so far, of all */
    bool told;         /* that it compiles */
};

static void free_entry(program_entry *entry)
{
    if (entry == NULL)
        return;
    VGG_RELEASE(Program, entry->program);
    pthread_mutex_destroy(&entry->lock);
    vgg_free(entry->build_options);
    vgg_free(entry->options);
    vgg_free(entry->file);
    vgg_free(entry);
}

void vgg_program_cache_free(struct vgg_program_cache *programs)
{
    if (programs == NULL)
        return;
    while (programs->first != NULL) {
        program_entry *entry = programs->first;
        programs->first = entry->next;
        free_entry(entry);
    }
    vgg_free(programs);
}

static clvgg_status new_entry(const char *file, const char *options, program_entry **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    program_entry *entry = NULL;
    vgg_text build_options = {0};
    VGG_NEW(entry, 1);
    if (pthread_mutex_init(&entry->lock, NULL) != 0) {
        vgg_free(entry);
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a lock");
    }
    VGG_DUP(entry->file, file);
    VGG_DUP(entry->options, options);
    vgg_text_printf(&build_options, "%s %s", LANGUAGE_OPTION, options);
    VGG_TRY(vgg_text_take(&build_options, options, &entry->build_options));
    VGG_GIVE(out, entry);
cleanup:
    free_entry(entry);
    return status;
}

/* The entry of (file, options), a new one when there is none. The device's lock is held. */
static clvgg_status find_entry(clvgg_device *device, const char *file, const char *options,
                               program_entry **out)
{
    if (device->programs == NULL)
        VGG_NEW_PASS(device->programs, 1);
    for (program_entry *entry = device->programs->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->file, file) == 0 && strcmp(entry->options, options) == 0) {
            *out = entry;
            return CLVGG_STATUS_OK;
        }
    }
    VGG_PASS(new_entry(file, options, out));
    (*out)->next = device->programs->first;
    device->programs->first = *out;
    return CLVGG_STATUS_OK;
}

const vgg_kernel_source *vgg_kernel_source_find(const char *file)
{
    for (const vgg_kernel_source *source = vgg_kernel_sources; source->file != NULL; source++)
        if (strcmp(source->file, file) == 0)
            return source;
    return NULL;
}

/* ---- texts ---- */

/* What a program is made from, in the order in which its compiler reads it. */
enum { BEFORE, PRELUDE, FIRST_LINE, KERNELS, BEHIND, TEXT_COUNT };
typedef struct program_texts {
    const char *texts[TEXT_COUNT];
    size_t lengths[TEXT_COUNT];
    unsigned char *owned[TEXT_COUNT]; /* those that were read; NULL for others */
} program_texts;

static void free_texts(program_texts *texts)
{
    for (int i = 0; i < TEXT_COUNT; i++)
        vgg_free(texts->owned[i]);
}

/* Reads the file in the folder. One that isn't there is the embedded one, where `embedded` isn't
 * NULL. */
static clvgg_status read_text(program_texts *texts, int which, const char *folder, const char *file,
                              const vgg_kernel_source *embedded)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    if (folder != NULL)
        vgg_text_printf(&path, "%s/%s", folder, file);
    if (path.failed)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    if (folder != NULL && (embedded == NULL || access(path.bytes, F_OK) == 0)) {
        VGG_TRY(vgg_file_read_all(path.bytes, MAX_SOURCE_BYTES, &texts->owned[which],
                                  &texts->lengths[which]));
        texts->texts[which] = (const char *)texts->owned[which];
    } else {
        VGG_REQUIRE(embedded != NULL, CLVGG_STATUS_NOT_FOUND, "no kernel file '%s' is embedded",
                    file);
        texts->texts[which] = embedded->text;
    }
cleanup:
    vgg_text_free(&path);
    return status;
}

/* The prelude and the kernel file, embedded or from the folder; free_texts() even on failure. */
static clvgg_status load_texts(const char *folder, const char *file, program_texts *out)
{
    *out = (program_texts){.texts = {[BEFORE] = VGG_PROGRAM_BEFORE,
                                     [FIRST_LINE] = VGG_PROGRAM_FIRST_LINE,
                                     [BEHIND] = VGG_PROGRAM_BEHIND}};
    VGG_PASS(read_text(out, PRELUDE, folder, vgg_kernel_prelude.file, &vgg_kernel_prelude));
    VGG_PASS(read_text(out, KERNELS, folder, file,
                       folder == NULL ? vgg_kernel_source_find(file) : NULL));
    for (int i = 0; i < TEXT_COUNT; i++)
        if (out->owned[i] == NULL)
            out->lengths[i] = strlen(out->texts[i]);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_program_stamp(const clvgg_runtime *runtime, const char *file,
                               char stamp[VGG_PROGRAM_STAMP])
{
    clvgg_status status = CLVGG_STATUS_OK;
    program_texts texts = {0};
    const vgg_kernel_source *source = vgg_kernel_source_find(file);
    if (runtime->kernel_dir == NULL && source != NULL) {
        snprintf(stamp, VGG_PROGRAM_STAMP, "%s %s", clvgg_version(), source->hash);
        return CLVGG_STATUS_OK;
    }
    VGG_TRY(load_texts(runtime->kernel_dir, file, &texts));
    vgg_program_source_stamp(texts.texts, texts.lengths, TEXT_COUNT, stamp);
cleanup:
    free_texts(&texts);
    return status;
}

/* The line where the first error is reported; the log's start when none says so. */
static const char *first_error_line(const char *log)
{
    const char *line_start = log;
    for (const char *at = log; *at != '\0'; at++) {
        if (strncmp(at, "error", 5) == 0)
            return line_start;
        if (*at == '\n')
            line_start = at + 1;
    }
    return log;
}

/* Makes a log fit for a message, in place: printable, trimmed, from its first error on when long.
 */
static const char *tidy_log(char *log)
{
    for (char *at = log; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at) && *at != '\n' && *at != '\t')
            *at = ' ';
    size_t length = strlen(log);
    while (length > 0 && isspace((unsigned char)log[length - 1]))
        log[--length] = '\0';
    const char *start = log + strspn(log, " \t\n");
    if (strlen(start) <= MAX_LOG_BYTES)
        return *start != '\0' ? start : "(the compiler left no log)";
    start = first_error_line(start);
    if (strlen(start) > MAX_LOG_BYTES)
        memcpy(log + (start - log) + MAX_LOG_BYTES - 4, "\n...", 5);
    return start;
}

/* Writes what the compiler said. */
static clvgg_status fail_build(clvgg_device *device, const program_entry *entry, cl_program program,
                               const char *kernel)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *log = NULL;
    size_t bytes = 0;
    VGG_CL(clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes));
    VGG_NEW(log, bytes + 1);
    VGG_CL(clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL));
    status = vgg_fail(CLVGG_STATUS_BUILD_FAILED,
                      "%s doesn't build for '%s' (kernel %s, options '%s'):\n%s", entry->file,
                      device->info.name, kernel, entry->options, tidy_log(log));
cleanup:
    vgg_free(log);
    return status;
}

/* Logs that programs are compiled: once a device, when that has taken more than a moment and goes
 * on. */
static void tell_that_it_compiles(clvgg_device *device)
{
    pthread_mutex_lock(&device->lock);
    struct vgg_program_cache *programs = device->programs;
    const bool tell = programs->compile_ms >= moment_ms && !programs->told;
    programs->told = programs->told || tell;
    pthread_mutex_unlock(&device->lock);
    if (tell)
        vgg_log(CLVGG_LOG_INFO, "compiling for this device%s",
                device->runtime->cache != NULL ? ", once" : "");
}

static void note_compile(clvgg_device *device, double ms)
{
    pthread_mutex_lock(&device->lock);
    device->programs->compile_ms += ms;
    pthread_mutex_unlock(&device->lock);
}

static clvgg_status compile(clvgg_device *device, program_entry *entry, program_texts *from,
                            const char *kernel)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cl_program program = NULL;
    VGG_CL_NEW(program, clCreateProgramWithSource(device->context, TEXT_COUNT, from->texts,
                                                  from->lengths, &cl_error));
    cl_int error = clBuildProgram(program, 1, &device->id, entry->build_options, NULL, NULL);
    if (error == CL_BUILD_PROGRAM_FAILURE || error == CL_INVALID_BUILD_OPTIONS)
        VGG_TRY(fail_build(device, entry, program, kernel));
    VGG_TRY(vgg_cl_check(error, "clBuildProgram"));
    entry->program = program;
    program = NULL;
cleanup:
    VGG_RELEASE(Program, program);
    return status;
}

/* Builds the entry from the cache, or else from source. The entry's lock must be held. */
static clvgg_status build_entry(clvgg_device *device, program_entry *entry, const char *kernel)
{
    clvgg_status status = CLVGG_STATUS_OK;
    program_texts texts = {0};
    VGG_TRY(load_texts(device->runtime->kernel_dir, entry->file, &texts));
    if (device->runtime->cache != NULL) {
        vgg_program_identify(device, texts.texts, texts.lengths, TEXT_COUNT, &entry->identity);
        vgg_cache_key key = vgg_program_key(entry->file, entry->build_options, &entry->identity);
        entry->program = vgg_program_from_cache(device, &key);
        entry->to_store = entry->program == NULL;
    }
    if (entry->program == NULL) {
        const double start_ms = vgg_clock_ms();
        tell_that_it_compiles(device);
        VGG_TRY(compile(device, entry, &texts, kernel));
        note_compile(device, vgg_clock_ms() - start_ms);
    }
cleanup:
    free_texts(&texts);
    return status;
}

/* Builds unless built; waits for another thread that is at it. */
static clvgg_status ensure_built(clvgg_device *device, program_entry *entry, const char *kernel)
{
    clvgg_status status = CLVGG_STATUS_OK;
    pthread_mutex_lock(&entry->lock);
    if (entry->program == NULL) {
        const double start_ms = vgg_clock_ms();
        status = build_entry(device, entry, kernel);
        if (status == CLVGG_STATUS_OK)
            vgg_log(CLVGG_LOG_DEBUG, "%s built in %.0f ms (%s)", entry->file,
                    vgg_clock_ms() - start_ms, entry->options);
    }
    pthread_mutex_unlock(&entry->lock);
    return status;
}

/* ---- kernels, several programs at a time ---- */

typedef struct vgg_kernel_wish {
    program_entry *entry;
    const char *kernel;
    vgg_kernel **out; /* NULL: the program alone */
} kernel_wish;

/* Programs to be built, each known by the first wish for it. */
typedef struct build_job {
    clvgg_device *device;
    const kernel_wish **wishes;
} build_job;

void vgg_kernel_list_add(vgg_kernel_list *list, const char *file, const char *options,
                         const char *kernel, vgg_kernel **out)
{
    if (out != NULL)
        *out = NULL;
    if (list->status != CLVGG_STATUS_OK)
        return;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 8;
        kernel_wish *grown = vgg_realloc(list->wishes, capacity, sizeof *grown);
        if (grown == NULL) {
            list->status = CLVGG_STATUS_OUT_OF_MEMORY;
            return;
        }
        list->wishes = grown;
        list->capacity = capacity;
    }
    kernel_wish *wish = &list->wishes[list->count];
    *wish = (kernel_wish){.kernel = kernel, .out = out};
    pthread_mutex_lock(&list->device->lock);
    list->status = find_entry(list->device, file, options != NULL ? options : "", &wish->entry);
    pthread_mutex_unlock(&list->device->lock);
    list->count += list->status == CLVGG_STATUS_OK;
}

/* Says whether the program is built; false too while another thread builds it. */
static bool is_built(program_entry *entry)
{
    if (pthread_mutex_trylock(&entry->lock) != 0)
        return false;
    const bool built = entry->program != NULL;
    pthread_mutex_unlock(&entry->lock);
    return built;
}

static clvgg_status build_wish(void *user, size_t index)
{
    const build_job *job = user;
    const kernel_wish *wish = job->wishes[index];
    return ensure_built(job->device, wish->entry, wish->kernel);
}

/* Builds what isn't built yet, each program once. Oclgrind's compiler fails when two threads use
 * it. */
static clvgg_status build_programs(const vgg_kernel_list *list, double *milliseconds)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_device *device = list->device;
    const int threads =
        strcmp(device->info.platform, "Oclgrind") == 0 ? 1 : device->runtime->threads;
    build_job job = {.device = list->device};
    size_t count = 0;
    const double start_ms = vgg_clock_ms();
    VGG_NEW(job.wishes, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const kernel_wish *wish = &list->wishes[i];
        bool listed = is_built(wish->entry);
        for (size_t j = 0; j < count && !listed; j++)
            listed = job.wishes[j]->entry == wish->entry;
        if (!listed)
            job.wishes[count++] = wish;
    }
    VGG_TRY(vgg_parallel_try(threads, count, build_wish, &job));
cleanup:
    if (milliseconds != NULL && count > 0)
        *milliseconds += vgg_clock_ms() - start_ms;
    vgg_free(job.wishes);
    return status;
}

static clvgg_status make_kernel(const kernel_wish *wish)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_kernel *made = NULL;
    cl_int error = CL_SUCCESS;
    VGG_NEW(made, 1);
    made->handle = clCreateKernel(wish->entry->program, wish->kernel, &error);
    if (error != CL_SUCCESS)
        made->handle = NULL;
    VGG_REQUIRE(error != CL_INVALID_KERNEL_NAME, CLVGG_STATUS_NOT_FOUND, "%s has no kernel '%s'",
                wish->entry->file, wish->kernel);
    VGG_TRY(vgg_cl_check(error, "clCreateKernel"));
    *wish->out = made;
    made = NULL;
cleanup:
    vgg_kernel_free(made);
    return status;
}

clvgg_status vgg_kernel_list_make(vgg_kernel_list *list, double *milliseconds)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(list->status);
    VGG_TRY(build_programs(list, milliseconds));
    for (size_t i = 0; i < list->count; i++)
        if (list->wishes[i].out != NULL)
            VGG_TRY(make_kernel(&list->wishes[i]));
cleanup:
    vgg_free(list->wishes);
    *list = (vgg_kernel_list){.device = list->device};
    return status;
}

clvgg_status vgg_program_kernel(clvgg_device *device, const char *file, const char *options,
                                const char *kernel, vgg_kernel **out, double *milliseconds)
{
    vgg_kernel_list list = {.device = device};
    vgg_kernel_list_add(&list, file, options, kernel, out);
    return vgg_kernel_list_make(&list, milliseconds);
}

/* ---- keeping the binaries ---- */

/* The entry for the cache, its value to be freed; false when there is nothing to store. A driver
 * that gives no binary is not asked again. */
static bool take_binary(clvgg_device *device, program_entry *entry, vgg_cache_entry *to_store)
{
    unsigned char *binary = NULL;
    pthread_mutex_lock(&entry->lock);
    const bool wanted = entry->program != NULL && entry->to_store && entry->has_run;
    if (wanted)
        entry->to_store = false;
    pthread_mutex_unlock(&entry->lock);
    if (!wanted ||
        vgg_program_binary(device, entry->program, &binary, &to_store->bytes) != CLVGG_STATUS_OK)
        return false;
    to_store->key = vgg_program_key(entry->file, entry->build_options, &entry->identity);
    to_store->value = binary;
    return true;
}

/* The list as it is now: entries are put in front, and stay while there is the device. */
static program_entry *first_entry(clvgg_device *device)
{
    pthread_mutex_lock(&device->lock);
    program_entry *first = device->programs != NULL ? device->programs->first : NULL;
    pthread_mutex_unlock(&device->lock);
    return first;
}

void vgg_program_cache_note_run(clvgg_device *device)
{
    for (program_entry *entry = first_entry(device); entry != NULL; entry = entry->next) {
        pthread_mutex_lock(&entry->lock);
        entry->has_run = entry->program != NULL;
        pthread_mutex_unlock(&entry->lock);
    }
}

void vgg_program_cache_store(clvgg_device *device)
{
    program_entry *first = first_entry(device);
    if (first == NULL || device->runtime->cache == NULL)
        return;
    size_t entry_count = 0, count = 0;
    for (program_entry *entry = first; entry != NULL; entry = entry->next)
        entry_count++;
    vgg_cache_entry *entries = vgg_calloc(entry_count, sizeof *entries);
    const double start_ms = vgg_clock_ms();
    bool told = false;
    for (program_entry *entry = first; entry != NULL && entries != NULL; entry = entry->next) {
        if (!told && vgg_clock_ms() - start_ms >= moment_ms) {
            vgg_log(CLVGG_LOG_INFO, "keeping what was compiled, for later runs");
            told = true;
        }
        if (take_binary(device, entry, &entries[count]))
            count++;
    }
    vgg_cache_put(device->runtime->cache, entries, count);
    for (size_t i = 0; i < count; i++)
        vgg_free((void *)entries[i].value);
    vgg_free(entries);
}
