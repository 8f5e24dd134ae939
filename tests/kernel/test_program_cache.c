/* Programs from the cache: found again, rebuilt when the driver refuses them, never mixed up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ocl/program.h"
#include "ocl/program_binary.h"
#include "ocl/program_frame.h"
#include "support/cl_faults.h"
#include "support/files.h"
#include "support/networks.h"

static const char answer_source[] =
    "#ifndef ANSWER\n#define ANSWER 1\n#endif\n"
    "kernel void answer(global int *data) { data[get_global_id(0)] = ANSWER + OFFSET; }\n";

static char source_text[256];

static void write_source(int offset)
{
    snprintf(source_text, sizeof source_text, "#define OFFSET %d\n%s", offset, answer_source);
    file_write(temp_path("answer.cl"), source_text, strlen(source_text));
}

/* The device that CLVGG_DEVICE names, with a cache in the test's folder. */
static void open_device(test_device *opened, const char *kernel_dir)
{
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.kernel_dir = kernel_dir;
    options.cache_path = temp_path("cache.sqlite");
    *opened = (test_device){0};
    must(clvgg_runtime_create(&options, &opened->runtime));
    must(clvgg_device_open(opened->runtime, getenv("CLVGG_DEVICE"), NULL, &opened->device));
    cl_int error = CL_SUCCESS;
    opened->queue = clCreateCommandQueue(opened->device->context, opened->device->id, 0, &error);
    assert_int_equal(error, CL_SUCCESS);
}

/* Runs the kernel and returns its answer. */
static int run_answer(test_device *opened, const char *options)
{
    vgg_kernel *kernel = NULL;
    cl_int error = CL_SUCCESS, data[4] = {0};
    const size_t global = 4;
    must(vgg_program_kernel(opened->device, "answer.cl", options, "answer", &kernel, NULL));
    cl_mem memory =
        clCreateBuffer(opened->device->context, CL_MEM_COPY_HOST_PTR, sizeof data, data, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(clSetKernelArg(kernel->handle, 0, sizeof memory, &memory), CL_SUCCESS);
    assert_int_equal(clEnqueueNDRangeKernel(opened->queue, kernel->handle, 1, NULL, &global, NULL,
                                            0, NULL, NULL),
                     CL_SUCCESS);
    assert_int_equal(
        clEnqueueReadBuffer(opened->queue, memory, CL_TRUE, 0, sizeof data, data, 0, NULL, NULL),
        CL_SUCCESS);
    clReleaseMemObject(memory);
    vgg_kernel_free(kernel);
    vgg_program_cache_note_run(opened->device);
    return data[3];
}

/* One process, as far as the cache can tell: what the kernel answers, and how many programs were
 * made from source for it. */
static int answer_of(const char *options, size_t *compiled)
{
    test_device opened;
    char folder[300];
    snprintf(folder, sizeof folder, "%s", temp_path("answer.cl"));
    *strrchr(folder, '/') = '\0';
    const size_t before = cl_faults_calls("clCreateProgramWithSource");
    open_device(&opened, folder);
    const int answer = run_answer(&opened, options);
    test_device_close(&opened);
    *compiled = cl_faults_calls("clCreateProgramWithSource") - before;
    assert_int_equal(cl_faults_live(), 0);
    return answer;
}

static int begin(void **state)
{
    (void)state;
    remove(temp_path("cache.sqlite"));
    write_source(0);
    return 0;
}

static void the_second_time_it_comes_from_the_cache(void **state)
{
    (void)state;
    size_t compiled = 0, binaries = cl_faults_calls("clCreateProgramWithBinary");
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
    assert_int_equal(compiled, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
        assert_int_equal(compiled, 0);
    }
    assert_int_equal(cl_faults_calls("clCreateProgramWithBinary"), binaries + 2);
}

static void other_options_or_source_miss(void **state)
{
    (void)state;
    size_t compiled = 0;
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
    assert_int_equal(answer_of("-DANSWER=43", &compiled), 43);
    assert_int_equal(compiled, 1);
    assert_int_equal(answer_of(NULL, &compiled), 1);
    assert_int_equal(compiled, 1);
    write_source(100);
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 142);
    assert_int_equal(compiled, 1);
    write_source(0);
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
    assert_int_equal(compiled, 0);
}

/* Puts `binary` where the program of these options is looked for. */
static void forge(const char *options, const void *binary, size_t bytes)
{
    test_device opened;
    char build_options[64];
    vgg_program_identity identity;
    open_device(&opened, NULL);
    snprintf(build_options, sizeof build_options, "-cl-std=CL1.2 %s", options);
    const char *const texts[] = {VGG_PROGRAM_BEFORE, vgg_kernel_prelude.text,
                                 VGG_PROGRAM_FIRST_LINE, source_text, VGG_PROGRAM_BEHIND};
    size_t lengths[5];
    for (int i = 0; i < 5; i++)
        lengths[i] = strlen(texts[i]);
    vgg_program_identify(opened.device, texts, lengths, 5, &identity);
    const vgg_cache_entry entry = {vgg_program_key("answer.cl", build_options, &identity), binary,
                                   bytes};
    vgg_cache_put(opened.runtime->cache, &entry, 1);
    test_device_close(&opened);
}

/* rusticl (Mesa 22.3) panics. The cache's checksum and the driver's version in the key keep such
 * binaries away from it. */
static void skip_where_garbage_ends_the_process(void)
{
    test_device opened;
    open_device(&opened, NULL);
    const bool panics = strcmp(opened.device->info.platform, "rusticl") == 0;
    test_device_close(&opened);
    if (panics) {
        fprintf(stderr, "SKIPPED: a refused binary: rusticl ends the process instead\n");
        skip();
    }
}

static void what_the_driver_refuses_is_rebuilt(void **state)
{
    (void)state;
    size_t compiled = 0;
    skip_where_garbage_ends_the_process();
    const size_t binaries = cl_faults_calls("clCreateProgramWithBinary");
    forge("-DANSWER=42", "this is no program", 18);
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
    assert_int_equal(compiled, 1);
    assert_int_equal(cl_faults_calls("clCreateProgramWithBinary"), binaries + 1); /* it was tried */
    assert_int_equal(answer_of("-DANSWER=42", &compiled), 42);
    assert_int_equal(compiled, 0);
}

/* A kernel's binary may lack code that is compiled when the kernel first runs. */
static void what_never_ran_is_not_kept(void **state)
{
    (void)state;
    test_device opened;
    size_t compiled = 0;
    vgg_kernel *kernel = NULL;
    char folder[300];
    snprintf(folder, sizeof folder, "%s", temp_path("answer.cl"));
    *strrchr(folder, '/') = '\0';
    open_device(&opened, folder);
    must(vgg_program_kernel(opened.device, "answer.cl", "-DANSWER=5", "answer", &kernel, NULL));
    vgg_kernel_free(kernel);
    test_device_close(&opened);
    assert_int_equal(access(temp_path("cache.sqlite"), F_OK), -1);
    assert_int_equal(answer_of("-DANSWER=5", &compiled), 5);
    assert_int_equal(compiled, 1);
}

/* Loading and storing never turn a failing CL call into a failing program. */
static void every_call_may_fail(void **state)
{
    (void)state;
    size_t compiled = 0;
    static const char *const functions[] = {"clCreateProgramWithBinary", "clGetProgramInfo"};
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        bool failed = true;
        for (size_t i = 0; failed; i++) {
            begin(NULL);
            if (f == 0) /* fails when it is loaded, else when it is stored */
                answer_of("-DANSWER=9", &compiled);
            cl_faults_fail_call(functions[f], i, CL_OUT_OF_HOST_MEMORY);
            assert_int_equal(answer_of("-DANSWER=9", &compiled), 9);
            failed = cl_faults_stop();
            assert_int_equal(compiled, f == 1 || failed);
        }
    }
    assert_int_equal(answer_of("-DANSWER=9", &compiled), 9);
    cl_faults_fail_call("clBuildProgram", 0, CL_OUT_OF_HOST_MEMORY); /* of the binary */
    assert_int_equal(answer_of("-DANSWER=9", &compiled), 9);
    assert_true(cl_faults_stop());
    assert_int_equal(compiled, 1);
}

/* A whole network: the same bits, and nothing compiled the second time. */
static void a_session_compiles_nothing_twice(void **state)
{
    (void)state;
    float *results[2] = {NULL, NULL};
    size_t elements = 0, compiled[2];
    for (int i = 0; i < 2; i++) {
        test_device opened;
        open_device(&opened, NULL);
        const size_t before = cl_faults_calls("clCreateProgramWithSource");
        clvgg_model *model = network_make(opened.runtime, NETWORK_VGG);
        const session_request request = {0};
        clvgg_session *session = session_make(opened.device, model, &request);
        float *input = network_input(model, NETWORK_VGG, 1);
        elements = session_output_elements(session, 0);
        results[i] = session_run_one(session, 1, input);
        compiled[i] = cl_faults_calls("clCreateProgramWithSource") - before;
        free(input);
        clvgg_session_free(session);
        clvgg_model_free(model);
        test_device_close(&opened);
    }
    assert_true(compiled[0] > 0);
    assert_int_equal(compiled[1], 0);
    assert_memory_equal(results[0], results[1], elements * sizeof(float));
    free(results[0]);
    free(results[1]);
}

#define TEST(test) cmocka_unit_test_setup(test, begin)

/* Builds and messages "compiling" in the log of a runtime with one thread. */
typedef struct told {
    double built_ms, before_last_ms;
    int builds, times;
} told;

static void listen(void *user, clvgg_log_level level, const char *line)
{
    told *t = user;
    const char *built = strstr(line, " built in ");
    if (built != NULL) {
        t->builds++;
        t->before_last_ms = t->built_ms;
        t->built_ms += atof(built + strlen(" built in "));
    }
    if (level == CLVGG_LOG_INFO && strcmp(line, "compiling for this device, once") == 0)
        t->times++;
}

/* Said once, and only when it has taken more than a moment; never when all comes from the cache. */
static void long_compiling_is_told(void **state)
{
    (void)state;
    remove(temp_path("cache.sqlite"));
    for (int run = 0; run < 2; run++) {
        told t = {0};
        clvgg_runtime *runtime = NULL;
        clvgg_device *device = NULL;
        clvgg_runtime_options options;
        clvgg_runtime_options_defaults(&options);
        options.log = listen;
        options.log_user = &t;
        options.log_level = CLVGG_LOG_DEBUG;
        options.threads = 1;
        options.cache_path = temp_path("cache.sqlite");
        must(clvgg_runtime_create(&options, &runtime));
        must(clvgg_device_open(runtime, getenv("CLVGG_DEVICE"), NULL, &device));
        clvgg_model *model = network_make(runtime, NETWORK_VGG);
        clvgg_session *session = session_make(device, model, &(session_request){0});
        float *input = calloc(session_input_elements(session), sizeof *input);
        free(session_run_one(session, 1, input));
        free(input);
        clvgg_session_free(session);
        clvgg_model_free(model);
        clvgg_device_free(device);
        clvgg_runtime_free(runtime);
        assert_true(t.builds > 0);
        const double rounding = 0.5 * t.builds; /* lines have whole milliseconds */
        if (run == 1 || t.before_last_ms + rounding < 300)
            assert_int_equal(t.times, 0);
        else if (t.before_last_ms - rounding > 3000) /* the cache was asked too */
            assert_int_equal(t.times, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_time_it_comes_from_the_cache),
        TEST(other_options_or_source_miss),
        TEST(what_the_driver_refuses_is_rebuilt),
        TEST(what_never_ran_is_not_kept),
        TEST(every_call_may_fail),
        TEST(a_session_compiles_nothing_twice),
        TEST(long_compiling_is_told),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
