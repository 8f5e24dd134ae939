/* Choosing from made-up lists of devices, and which devices can be used at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ocl/device.h"
#include "ocl/query.h"

#define UUID_A "12345678-9abc-def0-1234-56789abcdef0"
#define UUID_B "12345678-9abc-def0-1234-56789abcdef1"

/* A device as vgg_device_list() would give it; `reason` "" means usable. */
static vgg_device_entry made_up(int index, int platform, int device, clvgg_device_type type,
                                const char *name, const char *uuid, const char *reason)
{
    vgg_device_entry entry = {.info = {.struct_size = sizeof(clvgg_device_info),
                                       .index = index,
                                       .platform_index = platform,
                                       .device_index = device,
                                       .type = type,
                                       .usable = reason[0] == '\0'}};
    snprintf(entry.info.name, sizeof entry.info.name, "%s", name);
    snprintf(entry.info.platform, sizeof entry.info.platform, "Platform %d", platform);
    snprintf(entry.info.uuid, sizeof entry.info.uuid, "%s", uuid);
    snprintf(entry.info.unusable_reason, sizeof entry.info.unusable_reason, "%s", reason);
    return entry;
}

#define DEVICE_COUNT 7
static vgg_device_entry devices[DEVICE_COUNT];

static int make_devices(void **state)
{
    (void)state;
    devices[0] = made_up(0, 0, 0, CLVGG_DEVICE_CPU, "Xeon 2 cores", "", "");
    devices[1] = made_up(1, 1, 0, CLVGG_DEVICE_GPU, "Old Radeon", "", "'OpenCL 1.1' is too low");
    devices[2] = made_up(2, 1, 1, CLVGG_DEVICE_GPU, "Radeon RX", UUID_A, "");
    devices[3] = made_up(3, 1, 2, CLVGG_DEVICE_GPU, "Radeon RX 64", UUID_B, "");
    devices[4] = made_up(4, 2, 0, CLVGG_DEVICE_GPU, "Arc", "", "");
    devices[5] = made_up(5, 2, 1, CLVGG_DEVICE_GPU, "Arc", "", "");
    devices[6] = made_up(6, 2, 2, CLVGG_DEVICE_ACCELERATOR, "FPGA 300", "", "no compiler");
    return 0;
}

static void expect(const char *spec, size_t index)
{
    size_t found = 99;
    clvgg_status status = vgg_device_choose(devices, DEVICE_COUNT, spec, &found);
    if (status != CLVGG_STATUS_OK || found != index)
        fail_msg("'%s': status %d, device %zu; expected %zu; %s", spec ? spec : "(default)",
                 (int)status, found, index, vgg_message());
}

static void expect_failure(const char *spec, clvgg_status expected, const char *words)
{
    size_t found = 99;
    assert_int_equal(vgg_device_choose(devices, DEVICE_COUNT, spec, &found), expected);
    if (strstr(vgg_message(), words) == NULL)
        fail_msg("'%s' says \"%s\", without \"%s\"", spec, vgg_message(), words);
}

static void chooses_first_usable_gpu_by_default(void **state)
{
    (void)state;
    size_t found = 99;
    expect(NULL, 2);
    expect("", 2);
    /* without the GPUs: the CPU */
    assert_int_equal(vgg_device_choose(devices, 2, NULL, &found), CLVGG_STATUS_OK);
    assert_int_equal(found, 0);
    /* an unusable device is never the default */
    assert_int_equal(vgg_device_choose(devices + 1, 1, NULL, &found), CLVGG_STATUS_NO_DEVICE);
    assert_non_null(strstr(vgg_message(), "Old Radeon"));
    assert_non_null(strstr(vgg_message(), "too low"));
}

static void an_empty_list_has_no_device(void **state)
{
    (void)state;
    const char *const specs[] = {NULL, "", "0", "gpu", "radeon"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        size_t found = 99;
        assert_int_equal(vgg_device_choose(NULL, 0, specs[i], &found), CLVGG_STATUS_NO_DEVICE);
    }
}

static void digits_are_an_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < DEVICE_COUNT; i++) {
        char spec[8];
        snprintf(spec, sizeof spec, "%zu", i);
        if (devices[i].info.usable)
            expect(spec, i);
    }
    expect("003", 3);
    /* "64" and "300" are parts of names, but all digits always mean an index */
    expect_failure("64", CLVGG_STATUS_NOT_FOUND, "0 'Xeon 2 cores' (Platform 0)");
    expect_failure("300", CLVGG_STATUS_NOT_FOUND, "5 'Arc' (Platform 2)");
    expect_failure("18446744073709551618", CLVGG_STATUS_NOT_FOUND, "no device");
    expect_failure("4294967296", CLVGG_STATUS_NOT_FOUND, "no device");
    expect_failure("1", CLVGG_STATUS_UNSUPPORTED, "'OpenCL 1.1' is too low");
}

static void platform_and_device_by_colon(void **state)
{
    (void)state;
    expect("0:0", 0);
    expect("1:2", 3);
    expect("2:1", 5);
    expect_failure("1:0", CLVGG_STATUS_UNSUPPORTED, "too low");
    expect_failure("0:1", CLVGG_STATUS_NOT_FOUND, "devices: 0 'Xeon");
    expect_failure("3:0", CLVGG_STATUS_NOT_FOUND, "no device '3:0'");
    expect_failure("1:", CLVGG_STATUS_NOT_FOUND, "no device '1:'");
    expect_failure(":1", CLVGG_STATUS_NOT_FOUND, "no device ':1'");
}

static void types(void **state)
{
    (void)state;
    size_t found = 99;
    expect("gpu", 2);
    expect("GPU", 2);
    expect("cpu", 0);
    expect_failure("accelerator", CLVGG_STATUS_UNSUPPORTED, "no compiler");
    assert_int_equal(vgg_device_choose(devices, 1, "gpu", &found), CLVGG_STATUS_NOT_FOUND);
    assert_non_null(strstr(vgg_message(), "Xeon"));
}

static void uuids(void **state)
{
    (void)state;
    expect("uuid:" UUID_A, 2);
    expect("UUID:123456789ABCDEF0123456789ABCDEF1", 3);
    expect_failure("uuid:12345678", CLVGG_STATUS_NOT_FOUND, "no device");
    expect_failure("uuid:", CLVGG_STATUS_NOT_FOUND, "no device");
    expect_failure("uuid:" UUID_A "0", CLVGG_STATUS_NOT_FOUND, "no device");
}

static void parts_of_names(void **state)
{
    (void)state;
    expect("xeon", 0);
    expect("RX 64", 3);
    /* the whole name wins over being a part of another */
    expect("radeon rx", 2);
    /* two match, one can be used */
    assert_false(devices[1].info.usable);
    expect_failure("radeon", CLVGG_STATUS_INVALID_ARGUMENT, "candidates: 1 'Old Radeon'");
    expect_failure("radeon", CLVGG_STATUS_INVALID_ARGUMENT, "3 'Radeon RX 64' (Platform 1)");
    devices[3].info.usable = 0;
    expect("adeon", 2);
    devices[3].info.usable = 1;
    /* same name twice */
    expect_failure("arc", CLVGG_STATUS_INVALID_ARGUMENT, "4 'Arc' (Platform 2); 5 'Arc'");
    assert_null(strstr(vgg_message(), "Xeon"));
    expect_failure("old", CLVGG_STATUS_UNSUPPORTED, "too low");
    expect_failure("geforce", CLVGG_STATUS_NOT_FOUND, "6 'FPGA 300' (Platform 2; unusable: no c");
}

static void parts_of_platforms(void **state)
{
    (void)state;
    snprintf(devices[0].info.platform, sizeof devices[0].info.platform, "Intel(R) OpenCL");
    snprintf(devices[2].info.platform, sizeof devices[2].info.platform, "Clover Arc");
    expect("intel", 0);
    expect("clover", 2);
    /* a device's own name comes first */
    expect_failure("arc", CLVGG_STATUS_INVALID_ARGUMENT, "candidates: 4 'Arc'");
    expect_failure("platform 2", CLVGG_STATUS_INVALID_ARGUMENT, "4 'Arc' (Platform 2); 5 'Arc'");
    make_devices(NULL);
}

/* ---- which devices can be used ---- */

static const vgg_device_needs good_needs = {CL_TRUE, CL_TRUE, CL_TRUE, CL_EXEC_KERNEL, 3};

static clvgg_device_info good_info(void)
{
    clvgg_device_info info = {.struct_size = sizeof info,
                              .compute_units = 1,
                              .global_memory_bytes = (uint64_t)64 << 20,
                              .max_allocation_bytes = (uint64_t)16 << 20,
                              .local_memory_bytes = 1024,
                              .max_work_group_size = 1};
    snprintf(info.opencl_version, sizeof info.opencl_version, "OpenCL 1.2 x");
    return info;
}

static void expect_unusable(vgg_device_needs needs, clvgg_device_info info, const char *words)
{
    vgg_device_judge(&needs, &info);
    assert_false(info.usable);
    if (strstr(info.unusable_reason, words) == NULL)
        fail_msg("\"%s\" without \"%s\"", info.unusable_reason, words);
}

static void versions_of_opencl(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        bool usable;
    } cases[] = {{"OpenCL 1.2", true},  {"OpenCL 3.0 PoCL", true},
                 {"OpenCL 10.0", true}, {"OpenCL 1.1 Mesa", false},
                 {"OpenCL 0.9", false}, {"", false},
                 {"OpenCL", false},     {"1.2", false},
                 {"OpenCL 1.10", true}, {"OpenCL 2.0 embedded", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clvgg_device_info info = good_info();
        snprintf(info.opencl_version, sizeof info.opencl_version, "%s", cases[i].version);
        vgg_device_judge(&good_needs, &info);
        if ((info.usable != 0) != cases[i].usable)
            fail_msg("'%s': %s", cases[i].version, info.unusable_reason);
        assert_int_equal(info.usable, info.unusable_reason[0] == '\0');
    }
}

static void reasons_not_to_use_a_device(void **state)
{
    (void)state;
    vgg_device_needs needs = good_needs;
    clvgg_device_info info = good_info();
    vgg_device_judge(&needs, &info);
    assert_true(info.usable);

    needs.available = CL_FALSE;
    expect_unusable(needs, info, "not available");
    needs = good_needs;
    needs.compiler = CL_FALSE;
    expect_unusable(needs, info, "compiler");
    needs = good_needs;
    needs.little_endian = CL_FALSE;
    expect_unusable(needs, info, "big-endian");
    needs = good_needs;
    needs.execution = CL_EXEC_NATIVE_KERNEL;
    expect_unusable(needs, info, "kernels");
    needs = good_needs;
    needs.dimensions = 2;
    expect_unusable(needs, info, "2 dimensions");

    needs = good_needs;
    info.max_work_group_size = 0;
    expect_unusable(needs, info, "work-groups of 0");
    info = good_info();
    info.global_memory_bytes--;
    expect_unusable(needs, info, "67108863 bytes of global memory; needs 67108864");
    info = good_info();
    info.max_allocation_bytes--;
    expect_unusable(needs, info, "16777215 bytes is its largest allocation; needs 16777216");
    info = good_info();
    info.local_memory_bytes--;
    expect_unusable(needs, info, "1023 bytes of local memory; needs 1024");
}

static void names_are_cleaned(void **state)
{
    (void)state;
    char text[8];
    vgg_clean_text(text, sizeof text, "  \tCPU \n");
    assert_string_equal(text, "CPU");
    vgg_clean_text(text, sizeof text, "a\033[1m  ");
    assert_string_equal(text, "a?[1m");
    vgg_clean_text(text, sizeof text, "123456789");
    assert_string_equal(text, "1234567");
    vgg_clean_text(text, sizeof text, "   ");
    assert_string_equal(text, "");
}

static void errors_have_names_and_statuses(void **state)
{
    (void)state;
    static const struct {
        cl_int error;
        clvgg_status status;
        const char *message;
    } cases[] = {
        {CL_SUCCESS, CLVGG_STATUS_OK, ""},
        {CL_OUT_OF_RESOURCES, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, "clX: CL_OUT_OF_RESOURCES (-5)"},
        {CL_INVALID_BUFFER_SIZE, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, "CL_INVALID_BUFFER_SIZE"},
        {CL_MEM_OBJECT_ALLOCATION_FAILURE, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, "ALLOCATION"},
        {CL_OUT_OF_HOST_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
        {CL_DEVICE_NOT_AVAILABLE, CLVGG_STATUS_DEVICE_LOST, "CL_DEVICE_NOT_AVAILABLE"},
        {-9999, CLVGG_STATUS_DEVICE_LOST, "NVIDIA"},
        {-1001, CLVGG_STATUS_OPENCL, "CL_PLATFORM_NOT_FOUND_KHR"},
        {CL_INVALID_VALUE, CLVGG_STATUS_OPENCL, "clX: CL_INVALID_VALUE (-30)"},
        {-1234, CLVGG_STATUS_OPENCL, "clX: unknown OpenCL error (-1234)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vgg_cl_check(cases[i].error, "clX(queue, f(x))"), cases[i].status);
        if (cases[i].status != CLVGG_STATUS_OK)
            assert_non_null(strstr(vgg_message(), cases[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_first_usable_gpu_by_default),
        cmocka_unit_test(an_empty_list_has_no_device),
        cmocka_unit_test(digits_are_an_index),
        cmocka_unit_test(platform_and_device_by_colon),
        cmocka_unit_test(types),
        cmocka_unit_test(uuids),
        cmocka_unit_test(parts_of_names),
        cmocka_unit_test(parts_of_platforms),
        cmocka_unit_test(versions_of_opencl),
        cmocka_unit_test(reasons_not_to_use_a_device),
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(errors_have_names_and_statuses),
    };
    return cmocka_run_group_tests(tests, make_devices, NULL);
}
