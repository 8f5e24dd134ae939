/* Programs and kernel arguments: building once, in threads, what a failing build says. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "ocl/args.h"
#include "ocl/program.h"
#include "support/cl_faults.h"
#include "support/device.h"
#include "support/skip.h"

static char folder[] = "/tmp/clvgg-kernels-XXXXXX";
static test_device opened;

static const char *const file_names[] = {"scale.cl", "broken.cl", "wordy.cl", "own.cl",
                                         "prelude.h"};

static const char scale_source[] =
    "#ifndef FACTOR\n#define FACTOR 2\n#endif\n"
    "kernel void scale(global float *data, ulong offset, int count, ulong skipped, float add) {\n"
    "    int i = get_global_id(0);\n"
    "    if (i < count)\n"
    "        data[offset + i] = data[offset + i] * FACTOR + add + skipped;\n"
    "}\n";
static const char broken_source[] = "kernel void broken(global float *data) {\n"
                                    "    data[0] = no_such_variable;\n"
                                    "}\n";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Two thousand warnings, then the error that matters. */
static void write_wordy_file(void)
{
    vgg_text text = {0};
    vgg_text_puts(&text, "kernel void wordy(global float *data) {\n");
    for (int i = 0; i < 2000; i++)
        vgg_text_printf(&text, "#warning a line of no importance, number %d\n", i);
    vgg_text_puts(&text, "    data[0] = no_such_variable;\n}\n");
    write_file("wordy.cl", text.bytes);
    vgg_text_free(&text);
}

static int open_device(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    write_file("scale.cl", scale_source);
    write_file("broken.cl", broken_source);
    write_wordy_file();
    test_device_open(&opened, folder);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    test_device_close(&opened);
    for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++)
        unlink(path_of(file_names[i]));
    rmdir(folder);
    if (cl_faults_live() > 0)
        cl_faults_print_live();
    return cl_faults_live() == 0 && cl_faults_over_released() == 0 ? 0 : -1;
}

static void assert_ok(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s: %s", clvgg_status_name(status), clvgg_status_message());
}

static void assert_message(const char *words)
{
    if (strstr(vgg_message(), words) == NULL)
        fail_msg("without \"%s\": %s", words, vgg_message());
}

/* Value of one element, 10, after `scale` built with the options: 10 * FACTOR + 0.5 + 2^33. */
static float scaled(const char *options)
{
    enum { OFFSET = 3, COUNT = 5, TOTAL = 12 };
    vgg_kernel *kernel = NULL;
    float data[TOTAL];
    for (int i = 0; i < TOTAL; i++)
        data[i] = 10;
    cl_int error = CL_SUCCESS;
    cl_mem memory =
        clCreateBuffer(opened.device->context, CL_MEM_COPY_HOST_PTR, sizeof data, data, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_ok(vgg_program_kernel(opened.device, "scale.cl", options, "scale", &kernel, NULL));
    vgg_args args = vgg_args_of(kernel);
    vgg_arg_buffer(&args, (vgg_buffer){memory, OFFSET});
    vgg_arg_int(&args, COUNT);
    vgg_arg_ulong(&args, (uint64_t)1 << 33);
    vgg_arg_float(&args, 0.5f);
    assert_ok(vgg_args_end(&args));
    const size_t global = TOTAL;
    error =
        clEnqueueNDRangeKernel(opened.queue, kernel->handle, 1, NULL, &global, NULL, 0, NULL, NULL);
    assert_int_equal(error, CL_SUCCESS);
    error = clEnqueueReadBuffer(opened.queue, memory, CL_TRUE, 0, sizeof data, data, 0, NULL, NULL);
    assert_int_equal(error, CL_SUCCESS);
    for (int i = 0; i < TOTAL; i++) /* only [OFFSET, OFFSET + COUNT) was written */
        assert_true((data[i] != 10) == (i >= OFFSET && i < OFFSET + COUNT));
    vgg_kernel_free(kernel);
    clReleaseMemObject(memory);
    return data[OFFSET];
}

static void runs_a_kernel_with_its_options(void **state)
{
    (void)state;
    const float skipped = 8589934592.0f;
    assert_true(scaled(NULL) == 20.5f + skipped);
    assert_true(scaled("-DFACTOR=1048576") == 10.0f * 1048576 + 0.5f + skipped);
}

static void builds_once(void **state)
{
    (void)state;
    vgg_kernel *first = NULL, *second = NULL;
    double milliseconds = 0;
    size_t builds = cl_faults_calls("clBuildProgram");
    assert_ok(vgg_program_kernel(opened.device, "scale.cl", "-DFACTOR=77", "scale", &first,
                                 &milliseconds));
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds + 1);
    assert_true(milliseconds > 0);
    double once = milliseconds;
    assert_ok(vgg_program_kernel(opened.device, "scale.cl", "-DFACTOR=77", "scale", &second,
                                 &milliseconds));
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds + 1);
    assert_true(milliseconds == once);
    assert_ptr_not_equal(first, second);
    vgg_kernel_free(first);
    vgg_kernel_free(second);
}

static void a_failing_build_shows_the_log(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) { /* the second time too */
        vgg_kernel *kernel = (vgg_kernel *)folder;
        assert_int_equal(
            vgg_program_kernel(opened.device, "broken.cl", "-DX=1", "broken", &kernel, NULL),
            CLVGG_STATUS_BUILD_FAILED);
        assert_null(kernel);
        assert_message("broken.cl doesn't build for '");
        assert_message(opened.device->info.name);
        assert_message("kernel broken, options '-DX=1'");
        assert_message("no_such_variable");
        /* The file's line, wherever the prelude ends; Oclgrind counts from the first text's. */
        if (getenv("CLVGG_TEST_OCLGRIND") == NULL)
            assert_message(":2:");
    }
}

/* A folder's own prelude comes before its kernels; without one the embedded prelude does. */
static void a_folder_may_have_its_prelude(void **state)
{
    (void)state;
    test_device other;
    vgg_kernel *kernel = NULL;
    write_file("own.cl", "kernel void own(global weight_t *p) { p[0] = WEIGHT(1, p) + OWN; }\n");
    assert_ok(vgg_program_kernel(opened.device, "own.cl", "-DOWN=0", "own", &kernel, NULL));
    vgg_kernel_free(kernel);
    assert_int_equal(vgg_program_kernel(opened.device, "own.cl", "", "own", &kernel, NULL),
                     CLVGG_STATUS_BUILD_FAILED);
    assert_message("OWN");
    write_file("prelude.h", "#define OWN 1\n#define weight_t int\n#define WEIGHT(i, p) i\n");
    test_device_open(&other, folder);
    assert_ok(vgg_program_kernel(other.device, "own.cl", "", "own", &kernel, NULL));
    vgg_kernel_free(kernel);
    test_device_close(&other);
    assert_int_equal(unlink(path_of("prelude.h")), 0);
}

static void a_long_log_starts_at_its_error(void **state)
{
    (void)state;
    vgg_kernel *kernel = NULL;
    assert_int_equal(vgg_program_kernel(opened.device, "wordy.cl", "", "wordy", &kernel, NULL),
                     CLVGG_STATUS_BUILD_FAILED);
    assert_message("no_such_variable");
    assert_true(strlen(vgg_message()) < 9000);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    vgg_kernel *kernel = (vgg_kernel *)folder;
    assert_int_equal(vgg_program_kernel(opened.device, "scale.cl", "", "squeeze", &kernel, NULL),
                     CLVGG_STATUS_NOT_FOUND);
    assert_null(kernel);
    assert_message("scale.cl has no kernel 'squeeze'");
    assert_int_equal(vgg_program_kernel(opened.device, "gone.cl", "", "scale", &kernel, NULL),
                     CLVGG_STATUS_NOT_FOUND);
    assert_message(folder);
    assert_message("gone.cl");

    test_device embedded;
    test_device_open(&embedded, NULL);
    assert_int_equal(vgg_program_kernel(embedded.device, "scale.cl", "", "scale", &kernel, NULL),
                     CLVGG_STATUS_NOT_FOUND);
    assert_message("no kernel file 'scale.cl' is embedded");
    test_device_close(&embedded);
}

static void a_wrong_argument_is_numbered(void **state)
{
    (void)state;
    vgg_kernel *kernel = NULL;
    assert_ok(vgg_program_kernel(opened.device, "scale.cl", "", "scale", &kernel, NULL));
    vgg_args args = vgg_args_of(kernel);
    vgg_arg_buffer(&args, (vgg_buffer){NULL, 0});
    vgg_arg_int(&args, (int64_t)INT32_MAX + 1);
    vgg_arg_ulong(&args, 0);
    assert_int_equal(vgg_args_end(&args), CLVGG_STATUS_OPENCL);
    assert_message("argument 2 of kernel scale");

    args = vgg_args_of(kernel);
    cl_faults_fail_call("clSetKernelArg", 1, CL_INVALID_ARG_SIZE); /* the buffer is bound */
    vgg_arg_buffer(&args, (vgg_buffer){NULL, 0});
    vgg_arg_int(&args, INT32_MIN);
    vgg_arg_ulong(&args, 0);
    vgg_arg_float(&args, 0);
    assert_true(cl_faults_stop());
    assert_int_equal(vgg_args_end(&args), CLVGG_STATUS_OPENCL);
    assert_message("argument 3 of kernel scale: clSetKernelArg: CL_INVALID_ARG_SIZE");
    vgg_kernel_free(kernel);
}

/* ---- threads ---- */

#define THREAD_COUNT 4
#define PROGRAM_COUNT 3

static void *build_all(void *user)
{
    (void)user;
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        char options[32];
        vgg_kernel *kernel = NULL;
        snprintf(options, sizeof options, "-DFACTOR=%d", 100 + i);
        clvgg_status status =
            vgg_program_kernel(opened.device, "scale.cl", options, "scale", &kernel, NULL);
        if (status != CLVGG_STATUS_OK)
            return "failed";
        vgg_kernel_free(kernel);
    }
    return NULL;
}

static void threads_build_each_program_once(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND",
                   __func__); /* its compiler fails when two threads use it */
    pthread_t threads[THREAD_COUNT];
    size_t builds = cl_faults_calls("clBuildProgram");
    for (int i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, build_all, NULL), 0);
    for (int i = 0; i < THREAD_COUNT; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds + PROGRAM_COUNT);
}

/* ---- lists ---- */

/* Lists scale.cl with the factors first … first + count − 1. */
static void list_scales(vgg_kernel_list *list, int first, int count, vgg_kernel **kernels)
{
    for (int i = 0; i < count; i++) {
        char options[32];
        snprintf(options, sizeof options, "-DFACTOR=%d", first + i);
        vgg_kernel_list_add(list, "scale.cl", options, "scale",
                            kernels != NULL ? &kernels[i] : NULL);
    }
}

static void a_list_builds_each_program_once(void **state)
{
    (void)state;
    enum { KERNELS = 5, ALONE = 3 };
    vgg_kernel_list list = {.device = opened.device};
    vgg_kernel *kernels[2][KERNELS];
    double milliseconds = 0;
    const size_t builds = cl_faults_calls("clBuildProgram");
    opened.runtime->threads = THREAD_COUNT;
    list_scales(&list, 300, KERNELS, kernels[0]);
    list_scales(&list, 300, KERNELS, kernels[1]);
    list_scales(&list, 300 + KERNELS, ALONE, NULL);
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds);
    assert_ok(vgg_kernel_list_make(&list, &milliseconds));
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds + KERNELS + ALONE);
    assert_true(milliseconds > 0);
    for (int i = 0; i < KERNELS; i++) {
        assert_ptr_not_equal(kernels[0][i], kernels[1][i]);
        vgg_kernel_free(kernels[0][i]);
        vgg_kernel_free(kernels[1][i]);
    }
    const double once = milliseconds;
    list_scales(&list, 300, KERNELS + ALONE, NULL);
    assert_ok(vgg_kernel_list_make(&list, &milliseconds));
    assert_int_equal(cl_faults_calls("clBuildProgram"), builds + KERNELS + ALONE);
    assert_true(milliseconds == once);
    assert_ok(vgg_kernel_list_make(&list, NULL)); /* empty */
}

/* The first program in the list that fails is the one whose compiler takes longest. */
static void a_list_names_the_first_that_fails(void **state)
{
    (void)state;
    opened.runtime->threads = THREAD_COUNT;
    for (int repeat = 0; repeat < 3; repeat++) {
        vgg_kernel_list list = {.device = opened.device};
        vgg_kernel *kernels[4] = {NULL};
        list_scales(&list, 400 + repeat, 1, kernels);
        vgg_kernel_list_add(&list, "wordy.cl", "", "wordy", &kernels[1]);
        vgg_kernel_list_add(&list, "gone.cl", "", "gone", &kernels[2]);
        vgg_kernel_list_add(&list, "broken.cl", "", "broken", &kernels[3]);
        assert_int_equal(vgg_kernel_list_make(&list, NULL), CLVGG_STATUS_BUILD_FAILED);
        assert_message("wordy.cl doesn't build for '");
        for (int i = 0; i < 4; i++)
            assert_null(kernels[i]);
        list_scales(&list, 400 + repeat, 1, kernels); /* the list can be used again */
        vgg_kernel_list_add(&list, "scale.cl", "", "squeeze", &kernels[1]);
        assert_int_equal(vgg_kernel_list_make(&list, NULL), CLVGG_STATUS_NOT_FOUND);
        assert_message("scale.cl has no kernel 'squeeze'");
        assert_non_null(kernels[0]); /* the caller's */
        vgg_kernel_free(kernels[0]);
    }
}

/* ---- whatever fails ---- */

static void survives_every_failing_call(void **state)
{
    (void)state;
    size_t failures = 0;
    bool failed = true;
    for (size_t i = 0; failed; i++) {
        char options[32];
        vgg_kernel *kernel = NULL;
        snprintf(options, sizeof options, "-DFACTOR=%zu", 200 + i); /* not built before */
        size_t live = cl_faults_live();
        cl_faults_fail_at(i, CL_OUT_OF_RESOURCES);
        clvgg_status status =
            vgg_program_kernel(opened.device, "scale.cl", options, "scale", &kernel, NULL);
        failed = cl_faults_stop();
        assert_true((status != CLVGG_STATUS_OK) == failed && (kernel == NULL) == failed);
        if (failed) {
            failures++;
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
            assert_message(cl_faults_failed_function());
            /* a program may stay, built, when only its kernel failed */
            assert_true(cl_faults_live() <= live + 1);
            assert_ok(
                vgg_program_kernel(opened.device, "scale.cl", options, "scale", &kernel, NULL));
        }
        vgg_kernel_free(kernel);
        assert_int_equal(cl_faults_live(), live + 1); /* the program */
    }
    assert_int_equal(failures, 3); /* clCreateProgramWithSource, clBuildProgram, clCreateKernel */
}

/* The call that a number stands for is chance here, but the result must hold for each. */
static void a_list_survives_every_failing_call(void **state)
{
    (void)state;
    enum { KERNELS = 3 };
    opened.runtime->threads = THREAD_COUNT;
    size_t failures = 0;
    for (bool failed = true; failed; failures += failed) {
        vgg_kernel_list list = {.device = opened.device};
        vgg_kernel *kernels[KERNELS];
        const int first = 500 + KERNELS * (int)failures; /* not built before */
        const size_t live = cl_faults_live();
        list_scales(&list, first, KERNELS, kernels);
        cl_faults_fail_at(failures, CL_OUT_OF_RESOURCES);
        const clvgg_status status = vgg_kernel_list_make(&list, NULL);
        failed = cl_faults_stop();
        assert_true((status != CLVGG_STATUS_OK) == failed);
        for (int i = 0; i < KERNELS; i++)
            vgg_kernel_free(kernels[i]);
        if (failed) {
            assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
            assert_message(cl_faults_failed_function());
            list_scales(&list, first, KERNELS, kernels);
            assert_ok(vgg_kernel_list_make(&list, NULL));
            for (int i = 0; i < KERNELS; i++)
                vgg_kernel_free(kernels[i]);
        }
        assert_int_equal(cl_faults_live(), live + KERNELS); /* the programs */
    }
    assert_int_equal(failures, 3 * KERNELS);
}

/* When the log can't be had, the driver's error is still reported. */
static void a_build_without_a_log_fails_too(void **state)
{
    (void)state;
    vgg_kernel *kernel = NULL;
    size_t live = cl_faults_live();
    cl_faults_fail_call("clGetProgramBuildInfo", 0, CL_OUT_OF_HOST_MEMORY);
    assert_int_equal(vgg_program_kernel(opened.device, "broken.cl", "", "broken", &kernel, NULL),
                     CLVGG_STATUS_OUT_OF_MEMORY);
    assert_true(cl_faults_stop());
    assert_message("clGetProgramBuildInfo");
    assert_int_equal(cl_faults_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_kernel_with_its_options),
        cmocka_unit_test(builds_once),
        cmocka_unit_test(a_failing_build_shows_the_log),
        cmocka_unit_test(a_folder_may_have_its_prelude),
        cmocka_unit_test(a_long_log_starts_at_its_error),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_wrong_argument_is_numbered),
        cmocka_unit_test(threads_build_each_program_once),
        cmocka_unit_test(a_list_builds_each_program_once),
        cmocka_unit_test(a_list_names_the_first_that_fails),
        cmocka_unit_test(survives_every_failing_call),
        cmocka_unit_test(a_list_survives_every_failing_call),
        cmocka_unit_test(a_build_without_a_log_fails_too),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
