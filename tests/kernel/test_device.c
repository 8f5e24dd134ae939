/* Devices of this machine: list, open, sub-device, a caller's context, and what happens without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/device.h"

static clvgg_runtime *runtime;

static int make_runtime(void **state)
{
    (void)state;
    return (int)clvgg_runtime_create(NULL, &runtime);
}

static int free_runtime(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    return 0;
}

static const char *chosen_spec(void)
{
    return getenv("CLVGG_DEVICE");
}

static void assert_ok(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s: %s", clvgg_status_name(status), clvgg_status_message());
}

/* ---- the list ---- */

static void lists_devices_in_a_stable_order(void **state)
{
    (void)state;
    size_t count = 0;
    assert_ok(clvgg_device_count(runtime, &count));
    assert_true(count > 0);
    clvgg_device_info previous = {.platform_index = -1};
    for (size_t i = 0; i < count; i++) {
        clvgg_device_info info = {.struct_size = sizeof info};
        assert_ok(clvgg_device_query(runtime, i, &info));
        assert_int_equal(info.index, i);
        assert_true(info.name[0] != '\0');
        assert_true(info.usable == (info.unusable_reason[0] == '\0'));
        bool same_platform = info.platform_index == previous.platform_index;
        assert_int_equal(info.platform_index, previous.platform_index + !same_platform);
        assert_int_equal(info.device_index, same_platform ? previous.device_index + 1 : 0);
        if (!same_platform)
            assert_true(strcmp(previous.platform, info.platform) <= 0);
        if (info.usable) {
            assert_true(info.compute_units > 0 && info.max_work_group_size > 0);
            assert_true(info.max_allocation_bytes <= info.global_memory_bytes);
            assert_int_equal(strncmp(info.opencl_version, "OpenCL ", 7), 0);
        }
        clvgg_device_info again = {.struct_size = sizeof again};
        assert_ok(clvgg_device_query(runtime, i, &again));
        assert_memory_equal(&info, &again, sizeof info);
        previous = info;
    }
    clvgg_device_info info = {.struct_size = sizeof info};
    assert_int_equal(clvgg_device_query(runtime, count, &info), CLVGG_STATUS_NOT_FOUND);
    assert_non_null(strstr(clvgg_status_message(), previous.name));
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    clvgg_device_info info = {.struct_size = 3};
    clvgg_device_options options = {.struct_size = 3};
    clvgg_device *device = (clvgg_device *)&info;
    assert_int_equal(clvgg_device_query(runtime, 0, &info), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "struct_size"));
    assert_int_equal(clvgg_device_open(runtime, "0", &options, &device),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(device);
    assert_int_equal(clvgg_device_count(NULL, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_device_select(runtime, NULL, NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    size_t length = 0;
    assert_int_equal(clvgg_device_diagnose(runtime, NULL, 8, &length),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_device_from_context(runtime, NULL, NULL, &device),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_device_free(NULL);
}

/* ---- opening ---- */

static void opens_what_select_finds(void **state)
{
    (void)state;
    size_t live = cl_faults_live(), index = 0;
    clvgg_device *device = NULL;
    clvgg_device_info listed = {.struct_size = sizeof listed}, opened = listed;
    assert_ok(clvgg_device_select(runtime, chosen_spec(), &index));
    assert_ok(clvgg_device_query(runtime, index, &listed));
    assert_ok(clvgg_device_open(runtime, chosen_spec(), NULL, &device));
    assert_ok(clvgg_device_get_info(device, &opened));
    assert_memory_equal(&listed, &opened, sizeof listed);
    assert_true(device->alignment_bytes >= 128);
    assert_int_equal(cl_faults_live(), live + 1); /* the context */
    vgg_device_retain(device);
    clvgg_device_free(device);
    assert_int_equal(cl_faults_live(), live + 1);
    vgg_device_release(device);
    assert_int_equal(cl_faults_live(), live);
    assert_int_equal(cl_faults_over_released(), 0);
}

static void opens_a_part_of_a_cpu(void **state)
{
    (void)state;
    size_t live = cl_faults_live();
    clvgg_device *device = NULL;
    clvgg_device_info info = {.struct_size = sizeof info}, part = info;
    assert_ok(clvgg_device_open(runtime, chosen_spec(), NULL, &device));
    info = device->info;
    clvgg_device_free(device);

    clvgg_device_options options;
    clvgg_device_options_defaults(&options);
    options.compute_units = info.compute_units + 1;
    assert_int_equal(clvgg_device_open(runtime, chosen_spec(), &options, &device),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    char words[64];
    snprintf(words, sizeof words, "has %u", info.compute_units);
    assert_non_null(strstr(clvgg_status_message(), words));
    assert_null(device);

    options.compute_units = info.compute_units; /* the whole is no sub-device */
    assert_ok(clvgg_device_open(runtime, chosen_spec(), &options, &device));
    assert_false(device->is_sub_device);
    clvgg_device_free(device);

    options.compute_units = 1;
    clvgg_status status = clvgg_device_open(runtime, chosen_spec(), &options, &device);
    if (status == CLVGG_STATUS_UNSUPPORTED) {
        fprintf(stderr, "not tested, no sub-devices: %s\n", clvgg_status_message());
    } else {
        assert_ok(status);
        assert_ok(clvgg_device_get_info(device, &part));
        assert_int_equal(part.compute_units, 1);
        assert_int_equal(part.index, info.index);
        assert_string_equal(part.platform, info.platform);
        clvgg_device_free(device);
    }
    assert_int_equal(cl_faults_live(), live);
}

/* A driver that can't partition by counts but into equal parts. */
static void takes_one_of_equal_parts(void **state)
{
    (void)state;
    size_t live = cl_faults_live();
    clvgg_device *device = NULL;
    clvgg_device_options options;
    clvgg_device_options_defaults(&options);
    options.compute_units = 1;
    cl_faults_fail_call("clCreateSubDevices", 0, CL_INVALID_VALUE);
    clvgg_status status = clvgg_device_open(runtime, chosen_spec(), &options, &device);
    cl_faults_stop();
    if (status == CLVGG_STATUS_OK)
        assert_int_equal(device->info.compute_units, 1);
    else
        assert_int_equal(status, CLVGG_STATUS_UNSUPPORTED);
    clvgg_device_free(device);
    assert_int_equal(cl_faults_live(), live);
}

static cl_uint context_references(cl_context context)
{
    cl_uint references = 0;
    clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, NULL);
    return references;
}

static void wraps_a_context_of_the_caller(void **state)
{
    (void)state;
    size_t live = cl_faults_live();
    clvgg_device *whole = NULL, *device = NULL;
    assert_ok(clvgg_device_open(runtime, chosen_spec(), NULL, &whole));
    cl_int error = CL_SUCCESS;
    cl_context context = clCreateContext(NULL, 1, &whole->id, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_uint references = context_references(context);

    assert_ok(clvgg_device_from_context(runtime, context, whole->id, &device));
    assert_true(device->foreign_context && device->context == context);
    assert_int_equal(context_references(context), references + 1);
    assert_string_equal(device->info.name, whole->info.name);
    assert_int_equal(device->info.index, -1);
    clvgg_device_free(device);
    assert_int_equal(context_references(context), references);

    /* another device than the context's */
    vgg_device_entry *entries = NULL;
    size_t count = 0;
    assert_ok(vgg_device_list(&entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].id == whole->id)
            continue;
        assert_int_equal(clvgg_device_from_context(runtime, context, entries[i].id, &device),
                         CLVGG_STATUS_INVALID_ARGUMENT);
        assert_null(device);
    }
    vgg_free(entries);
    assert_int_equal(context_references(context), references);
    clReleaseContext(context);
    clvgg_device_free(whole);
    assert_int_equal(cl_faults_live(), live);
}

/* ---- whatever fails ---- */

/* Opens a device, in part where that is supported, and wraps its context. */
static clvgg_status open_and_wrap(void)
{
    clvgg_device *device = NULL, *wrapped = NULL;
    clvgg_device_options part;
    clvgg_device_options_defaults(&part);
    part.compute_units = 1;
    clvgg_status status = clvgg_device_open(runtime, chosen_spec(), &part, &device);
    if (status == CLVGG_STATUS_UNSUPPORTED)
        status = clvgg_device_open(runtime, chosen_spec(), NULL, &device);
    assert_true((status == CLVGG_STATUS_OK) == (device != NULL));
    if (status == CLVGG_STATUS_OK)
        status = clvgg_device_from_context(runtime, device->context, device->id, &wrapped);
    clvgg_device_free(wrapped);
    clvgg_device_free(device);
    return status;
}

static void survives_every_failing_call(void **state)
{
    (void)state;
    size_t live = cl_faults_live(), failures = 0;
    bool failed = true;
    for (size_t i = 0; failed; i++) {
        cl_faults_fail_at(i, CL_OUT_OF_RESOURCES);
        clvgg_status status = open_and_wrap();
        failed = cl_faults_stop();
        if (!failed)
            assert_ok(status);
        if (status != CLVGG_STATUS_OK) {
            failures++;
            assert_true(clvgg_status_message()[0] != '\0');
        }
        if (cl_faults_live() != live)
            fail_msg("call %zu, %s: leaks", i, cl_faults_failed_function());
        assert_ok(open_and_wrap());
    }
    assert_true(failures > 10);
    assert_int_equal(cl_faults_over_released(), 0);
}

/* A platform that can't be asked doesn't hide the others. */
static void skips_a_failing_platform(void **state)
{
    (void)state;
    size_t all = 0, count = 0;
    assert_ok(clvgg_device_count(runtime, &all));
    cl_faults_fail_call("clGetDeviceIDs", 0, CL_INVALID_PLATFORM);
    assert_ok(clvgg_device_count(runtime, &count));
    assert_true(cl_faults_stop());
    assert_true(count <= all);
    /* a device that can't be asked stays, with the reason */
    clvgg_device_info info = {.struct_size = sizeof info};
    cl_faults_fail_call("clGetDeviceInfo", 0, CL_INVALID_DEVICE);
    assert_ok(clvgg_device_query(runtime, 0, &info));
    assert_true(cl_faults_stop());
    assert_false(info.usable);
    assert_non_null(strstr(info.unusable_reason, "CL_INVALID_DEVICE"));
}

typedef struct limited_memory {
    size_t remaining;
    size_t live;
} limited_memory;

static void *limited_allocate(void *user, size_t bytes)
{
    limited_memory *limit = user;
    if (limit->remaining == 0)
        return NULL;
    limit->remaining--;
    limit->live++;
    return malloc(bytes);
}

static void limited_release(void *user, void *memory)
{
    limited_memory *limit = user;
    limit->live--;
    free(memory);
}

static void survives_every_failing_allocation(void **state)
{
    (void)state;
    limited_memory limit = {0};
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.allocate = limited_allocate;
    options.release = limited_release;
    options.allocator_user = &limit;
    size_t live = cl_faults_live();
    clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; status != CLVGG_STATUS_OK; i++) {
        clvgg_runtime *limited = NULL;
        clvgg_device *device = NULL;
        limit = (limited_memory){.remaining = SIZE_MAX};
        assert_ok(clvgg_runtime_create(&options, &limited));
        limit.remaining = i;
        status = clvgg_device_open(limited, chosen_spec(), NULL, &device);
        if (status == CLVGG_STATUS_OK)
            assert_true(limit.live > 0);
        else
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_MEMORY);
        clvgg_device_free(device);
        clvgg_runtime_free(limited);
        assert_int_equal(limit.live, 0);
        assert_int_equal(cl_faults_live(), live);
    }
}

/* ---- no device, and why ---- */

static void expect_diagnosis(const char *words)
{
    char text[8192];
    size_t length = 0, again = 0;
    assert_ok(clvgg_device_diagnose(runtime, text, sizeof text, &length));
    assert_int_equal(strlen(text), length);
    if (strstr(text, words) == NULL)
        fail_msg("without \"%s\":\n%s", words, text);
    assert_ok(clvgg_device_diagnose(runtime, text, 5, &again));
    assert_int_equal(strlen(text), 4);
    assert_int_equal(again, length);
}

static void write_icd(const char *folder, const char *name, const char *library)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", library);
    fclose(file);
}

/* The diagnosis reads the environment at each call; the loader has read it long before. */
static void diagnoses_what_the_loader_sees(void **state)
{
    (void)state;
    char folder[] = "/tmp/clvgg-icd-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *saved = getenv("OCL_ICD_VENDORS"), *rusticl = getenv("RUSTICL_ENABLE");
    char *vendors = saved ? strdup(saved) : NULL, *enabled = rusticl ? strdup(rusticl) : NULL;
    setenv("OCL_ICD_VENDORS", folder, 1);
    unsetenv("RUSTICL_ENABLE");
    expect_diagnosis("no .icd file");
    expect_diagnosis("pocl-opencl-icd");
    write_icd(folder, "gone.icd", "/nonexistent/libgone.so");
    expect_diagnosis(
        "gone.icd: /nonexistent/libgone.so (/nonexistent/libgone.so: cannot open shared object");
    write_icd(folder, "shell.icd", "/bin/sh");
    expect_diagnosis("shell.icd: /bin/sh (/bin/sh: ");
    write_icd(folder, "empty.icd", "");
    expect_diagnosis("empty.icd: names no library");
    write_icd(folder, "rusticl.icd", "libRusticlOpenCL.so.1");
    expect_diagnosis("only when RUSTICL_ENABLE names");
    expect_diagnosis("OCL_ICD_VENDORS is set");
    setenv("OCL_ICD_FILENAMES", "/nonexistent/a.icd:libb.so", 1);
    expect_diagnosis("/nonexistent/a.icd: No such file");
    expect_diagnosis("libb.so: libb.so (libb.so: cannot open");
    unsetenv("OCL_ICD_FILENAMES");
    if (vendors != NULL)
        setenv("OCL_ICD_VENDORS", vendors, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
    if (enabled != NULL)
        setenv("RUSTICL_ENABLE", enabled, 1);
    free(vendors);
    free(enabled);
    static const char *const names[] = {"gone.icd", "shell.icd", "empty.icd", "rusticl.icd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Checks of the child process that has no driver. */
static void no_driver_no_device(void **state)
{
    (void)state;
    size_t count = 99, index = 0;
    clvgg_device *device = NULL;
    assert_ok(clvgg_device_count(runtime, &count));
    assert_int_equal(count, 0);
    assert_int_equal(clvgg_device_select(runtime, NULL, &index), CLVGG_STATUS_NO_DEVICE);
    assert_int_equal(clvgg_device_open(runtime, "0", NULL, &device), CLVGG_STATUS_NO_DEVICE);
    assert_null(device);
    expect_diagnosis("/nonexistent: No such file");
}

static void without_any_driver(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("OCL_ICD_VENDORS", "/nonexistent", 1);
        unsetenv("OCL_ICD_FILENAMES");
        unsetenv("LD_PRELOAD"); /* Oclgrind stands in for the loader */
        execl("/proc/self/exe", "test_device", "no-driver", (char *)NULL);
        _exit(99);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
}

/* ---- what others keep with a device ---- */

static int ended[2];

static void end_one(void *thing)
{
    ended[0] += thing == &ended[0];
}

static void end_other(void *thing)
{
    ended[1] += thing == NULL;
}

static void what_is_kept_ends_with_the_device(void **state)
{
    (void)state;
    static const vgg_kept_kind one = {end_one}, other = {end_other};
    clvgg_device *device = NULL;
    assert_ok(clvgg_device_open(runtime, chosen_spec(), NULL, &device));
    pthread_mutex_lock(&device->lock);
    void **place = vgg_device_kept(device, &one);
    assert_null(*place);
    *place = &ended[0];
    assert_null(*vgg_device_kept(device, &other));
    assert_ptr_equal(vgg_device_kept(device, &one), place);
    pthread_mutex_unlock(&device->lock);
    vgg_device_retain(device);
    vgg_device_release(device);
    assert_int_equal(ended[0] + ended[1], 0);
    clvgg_device_free(device);
    assert_int_equal(ended[0], 1);
    assert_int_equal(ended[1], 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest child_tests[] = {cmocka_unit_test(no_driver_no_device)};
    if (argc > 1 && strcmp(argv[1], "no-driver") == 0)
        return cmocka_run_group_tests(child_tests, make_runtime, free_runtime);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_devices_in_a_stable_order),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(opens_what_select_finds),
        cmocka_unit_test(opens_a_part_of_a_cpu),
        cmocka_unit_test(takes_one_of_equal_parts),
        cmocka_unit_test(wraps_a_context_of_the_caller),
        cmocka_unit_test(survives_every_failing_call),
        cmocka_unit_test(skips_a_failing_platform),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(what_is_kept_ends_with_the_device),
        cmocka_unit_test(diagnoses_what_the_loader_sees),
        cmocka_unit_test(without_any_driver),
    };
    return cmocka_run_group_tests(tests, make_runtime, free_runtime);
}
