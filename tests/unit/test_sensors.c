/* unit/test_sensors.c — clocks, power and temperature out of a made-up /sys and /proc, and out of
 * this machine's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/sensors.h"
#include "measure/sensors_inside.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/text.h"

static vgg_sensor_places places;
static const char *counter, *counter_next; /* a file that changes between two readings; its text */

/* A file below the made-up root. */
static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", places.root, path);
    file_write_deep(whole, text, strlen(text));
}

static double change_counter(void)
{
    if (counter != NULL)
        put(counter, counter_next);
    return 100;
}

static int make_root(void **state)
{
    (void)state;
    places = (vgg_sensor_places){test_scratch_make(), "libno-such-library.so.1", change_counter};
    counter = NULL;
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

static clvgg_sensors read_of(clvgg_device_type type, const char *vendor, const char *address)
{
    clvgg_device_info info = {.type = type};
    clvgg_sensors sensors = {.struct_size = sizeof sensors};
    snprintf(info.vendor, sizeof info.vendor, "%s", vendor);
    snprintf(info.pci_address, sizeof info.pci_address, "%s", address);
    vgg_sensors_read(&places, &info, &sensors);
    return sensors;
}

static void assert_unreadable(double value, const char *why, const char *words)
{
    assert_true(isnan(value));
    assert_contains(why, words);
}

static void what_is_missing_says_so(void **state)
{
    (void)state;
    const clvgg_sensors cpu = read_of(CLVGG_DEVICE_CPU, "", "");
    assert_unreadable(cpu.clock_mhz, cpu.clock_why,
                      "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq: No such file");
    assert_unreadable(cpu.power_w, cpu.power_why, "/sys/class/powercap: no counter");
    assert_unreadable(cpu.temperature_c, cpu.temperature_why, "/sys/class/hwmon, ");
    assert_unreadable(cpu.load_average, cpu.load_why, "/proc/loadavg: No such file");
    const clvgg_sensors other = read_of(CLVGG_DEVICE_ACCELERATOR, "", "");
    assert_unreadable(other.clock_mhz, other.clock_why, "nothing is known");
    const clvgg_sensors amd = read_of(CLVGG_DEVICE_GPU, "AMD", "0000:03:00.0");
    assert_unreadable(amd.power_w, amd.power_why, "/sys/class/drm: no card at 0000:03:00.0");
    const clvgg_sensors nameless = read_of(CLVGG_DEVICE_GPU, "AMD", "");
    assert_unreadable(nameless.power_w, nameless.power_why, "PCI address");
    const clvgg_sensors nvidia = read_of(CLVGG_DEVICE_GPU, "NVIDIA Corporation", "0000:41:00.0");
    assert_unreadable(nvidia.clock_mhz, nvidia.clock_why, "libno-such-library.so.1: can't be");
}

static void processors(void **state)
{
    (void)state;
    put("/proc/loadavg", "1.25 0.50 0.10 1/200 4711\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3000000\n");
    put("/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "2000000\n"); /* others are off */
    put("/sys/class/powercap/intel-rapl:0/name", "psys\n");
    put("/sys/class/powercap/intel-rapl:0/energy_uj", "nonsense\n");
    put("/sys/class/powercap/intel-rapl:1/name", "package-0\n");
    put("/sys/class/powercap/intel-rapl:1/energy_uj", "123456789012\n");
    put("/sys/class/hwmon/hwmon0/name", "nvme\n");
    put("/sys/class/hwmon/hwmon0/temp1_input", "30000\n");
    put("/sys/class/hwmon/hwmon2/name", "k10temp\n");
    put("/sys/class/hwmon/hwmon2/temp1_input", "61500\n");
    clvgg_sensors read = read_of(CLVGG_DEVICE_CPU, "", "");
    assert_true(read.clock_mhz == 2500 && read.load_average == 1.25 && read.temperature_c == 61.5);
    assert_true(read.power_w == 0); /* the counter stands */
    assert_string_equal(read.clock_why, "");
    assert_string_equal(read.power_why, "");
    put("/sys/class/powercap/intel-rapl:1/energy_uj", "nonsense\n");
    put("/sys/class/hwmon/hwmon2/name", "other\n");
    put("/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    put("/sys/class/thermal/thermal_zone1/temp", "55000\n");
    read = read_of(CLVGG_DEVICE_CPU, "", "");
    assert_unreadable(read.power_w, read.power_why,
                      "/sys/class/powercap/intel-rapl:1/energy_uj: Invalid argument");
    assert_true(read.temperature_c == 55);
}

static void cards_are_found_by_their_address(void **state)
{
    (void)state;
    put("/sys/class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n");
    put("/sys/class/drm/card0/gt/gt0/rps_act_freq_mhz", "1150\n");
    put("/sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n");
    put("/sys/class/drm/card1/device/hwmon/hwmon5/name", "amdgpu\n");
    put("/sys/class/drm/card1/device/hwmon/hwmon5/freq1_input", "2100000000\n");
    put("/sys/class/drm/card1/device/hwmon/hwmon5/power1_average", "187000000\n");
    put("/sys/class/drm/card1/device/hwmon/hwmon5/temp1_input", "64000\n");
    const clvgg_sensors amd = read_of(CLVGG_DEVICE_GPU, "AMD", "0000:03:00.0");
    assert_true(amd.clock_mhz == 2100 && amd.power_w == 187 && amd.temperature_c == 64);
    const clvgg_sensors intel = read_of(CLVGG_DEVICE_GPU, "Intel(R) Corporation", "0000:00:02.0");
    assert_true(intel.clock_mhz == 1150);
    assert_unreadable(intel.power_w, intel.power_why, "card0/device/hwmon/power1_input: No such");
    assert_unreadable(intel.temperature_c, intel.temperature_why, "temp1_input: No such file");
}

static void nvidias_library_is_asked(void **state)
{
    (void)state;
    places.nvml = FAKE_NVML;
    const clvgg_sensors known = read_of(CLVGG_DEVICE_GPU, "NVIDIA Corporation", "0000:41:00.0");
    assert_string_equal(known.clock_why, "");
    assert_true(known.clock_mhz == 1980 && known.temperature_c == 43);
    assert_unreadable(known.power_w, known.power_why, "nvmlDeviceGetPowerUsage: Not Supported");
    const clvgg_sensors other = read_of(CLVGG_DEVICE_GPU, "NVIDIA Corporation", "0000:42:00.0");
    assert_unreadable(other.clock_mhz, other.clock_why, "nvmlDeviceGetHandleByPciBusId: Not Found");
    const clvgg_sensors nameless = read_of(CLVGG_DEVICE_GPU, "NVIDIA Corporation", "");
    assert_unreadable(nameless.power_w, nameless.power_why, "tell the device's PCI address");
}

static void counters_of_energy_begin_anew(void **state)
{
    (void)state;
    assert_true(vgg_sensor_watts(1e6, 4e6, 0, 100) == 30);
    assert_true(vgg_sensor_watts(9e6, 1e6, 10e6, 100) == 20);
    assert_true(isnan(vgg_sensor_watts(9e6, 1e6, 0, 100)));
    assert_true(isnan(vgg_sensor_watts(0, 1e6, 0, 0)));
}

/* A counter's second reading: more, less, none. */
static void second_readings_have_their_reasons(void **state)
{
    (void)state;
    static const struct {
        clvgg_device_type type;
        const char *counter, *next;
        double watts;
        const char *why; /* NULL: there are watts */
    } cases[] = {
#define PACKAGE "/sys/class/powercap/intel-rapl:0/energy_uj"
#define CARD "/sys/class/drm/card1/device/hwmon/hwmon5/energy1_input"
        {CLVGG_DEVICE_CPU, PACKAGE, "9000000\n", 40, NULL},
        {CLVGG_DEVICE_CPU, PACKAGE, "4000000\n", NAN, "ran backwards"},
        {CLVGG_DEVICE_CPU, PACKAGE, "nonsense\n", NAN, PACKAGE ": Invalid argument"},
        {CLVGG_DEVICE_GPU, CARD, "9000000\n", 40, NULL},
        {CLVGG_DEVICE_GPU, CARD, "4000000\n", NAN, CARD ": the counter ran backwards"},
        {CLVGG_DEVICE_GPU, CARD, "nonsense\n", NAN, CARD ": Invalid argument"},
    };
    put("/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    put("/sys/class/drm/card1/device/uevent", "PCI_SLOT_NAME=0000:03:00.0\n");
    put("/sys/class/drm/card1/device/hwmon/hwmon5/name", "xe\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        counter = cases[i].counter;
        counter_next = cases[i].next;
        put(counter, "5000000\n");
        const clvgg_sensors read = read_of(cases[i].type, "Intel", "0000:03:00.0");
        if (cases[i].why != NULL)
            assert_unreadable(read.power_w, read.power_why, cases[i].why);
        else
            assert_true(read.power_w == cases[i].watts && read.power_why[0] == '\0');
    }
}

/* Each value is there, or words why it isn't. */
static void this_machine(void **state)
{
    (void)state;
    places = vgg_sensor_places_system;
    for (clvgg_device_type type = CLVGG_DEVICE_CPU; type <= CLVGG_DEVICE_OTHER; type++) {
        const clvgg_sensors read = read_of(type, "NVIDIA Corporation", "0000:01:00.0");
        assert_int_equal(isnan(read.clock_mhz), read.clock_why[0] != '\0');
        assert_int_equal(isnan(read.power_w), read.power_why[0] != '\0');
        assert_int_equal(isnan(read.temperature_c), read.temperature_why[0] != '\0');
        assert_true(isfinite(read.load_average) && read.load_average >= 0);
        assert_true(isnan(read.clock_mhz) || read.clock_mhz > 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(what_is_missing_says_so),          TEST(processors),
        TEST(cards_are_found_by_their_address), TEST(nvidias_library_is_asked),
        TEST(counters_of_energy_begin_anew),    TEST(second_readings_have_their_reasons),
        TEST(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
