/* measure/sensors_cpu.c — processors: cpufreq, the counters of energy (RAPL), hwmon or thermal
 * zones.
 */
#include "measure/sensors_inside.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { MOST_PROCESSORS = 1024, MOST_PACKAGES = 16 };

/* The mean of those that tell. */
static void read_clock(const vgg_sensor_places *places, vgg_reading *out)
{
    static const char file[] = "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq";
    double sum = 0, khz = 0;
    int count = 0;
    for (int i = 0; i < MOST_PROCESSORS; i++)
        if (vgg_sensor_number(places, &khz, file, i)) {
            sum += khz;
            count++;
        }
    if (count > 0)
        vgg_reading_set(out, sum / count * 1e-3);
    else
        vgg_sensor_take(places, out, 1e-3, file, 0);
}

/* Energy of the packages, which alone stand for all that is in them. */
typedef struct packages {
    int index[MOST_PACKAGES];
    double uj[MOST_PACKAGES];
    int count;
} packages;

static const char energy_file[] = "/sys/class/powercap/intel-rapl:%d/energy_uj";

static void find_packages(const vgg_sensor_places *places, packages *out)
{
    char name[VGG_SENSOR_WORD];
    for (int i = 0; i < VGG_SENSOR_MOST && out->count < MOST_PACKAGES; i++)
        if (vgg_sensor_word(places, name, "/sys/class/powercap/intel-rapl:%d/name", i) &&
            strncmp(name, "package", 7) == 0)
            out->index[out->count++] = i;
}

static void read_power(const vgg_sensor_places *places, vgg_reading *out)
{
    packages found = {.count = 0};
    double watts = 0;
    find_packages(places, &found);
    if (found.count == 0) {
        vgg_reading_miss(out, "/sys/class/powercap: no counter of a package's energy");
        return;
    }
    for (int i = 0; i < found.count; i++)
        if (!vgg_sensor_number(places, &found.uj[i], energy_file, found.index[i])) {
            vgg_sensor_take(places, out, 1, energy_file, found.index[i]); /* says why */
            return;
        }
    const double ms = places->wait();
    for (int i = 0; i < found.count; i++) {
        double wrap = 0;
        vgg_reading now = {.value = NAN};
        vgg_sensor_number(places, &wrap, "/sys/class/powercap/intel-rapl:%d/max_energy_range_uj",
                          found.index[i]);
        vgg_sensor_take(places, &now, 1, energy_file, found.index[i]);
        if (!isfinite(now.value)) {
            *out = now;
            return;
        }
        watts += vgg_sensor_watts(found.uj[i], now.value, wrap, ms);
    }
    vgg_reading_set(out, watts);
    vgg_reading_miss(out, "/sys/class/powercap: a counter of energy ran backwards");
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void read_temperature(const vgg_sensor_places *places, vgg_reading *out)
{
    static const char *const chips[] = {"coretemp",    "k10temp",      "zenpower",
                                        "cpu_thermal", "scpi_sensors", NULL};
    static const char *const zones[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal",
                                        "cpu-thermal-zone", NULL};
    char name[VGG_SENSOR_WORD];
    for (int i = 0; i < VGG_SENSOR_MOST; i++)
        if (vgg_sensor_word(places, name, "/sys/class/hwmon/hwmon%d/name", i) &&
            is_one_of(name, chips)) {
            vgg_sensor_take(places, out, 1e-3, "/sys/class/hwmon/hwmon%d/temp1_input", i);
            return;
        }
    for (int i = 0; i < VGG_SENSOR_MOST; i++)
        if (vgg_sensor_word(places, name, "/sys/class/thermal/thermal_zone%d/type", i) &&
            is_one_of(name, zones)) {
            vgg_sensor_take(places, out, 1e-3, "/sys/class/thermal/thermal_zone%d/temp", i);
            return;
        }
    vgg_reading_miss(out, "/sys/class/hwmon, /sys/class/thermal: none of a processor");
}

void vgg_sensors_cpu(const vgg_sensor_places *places, vgg_readings *out)
{
    read_clock(places, &out->clock_mhz);
    read_power(places, &out->power_w);
    read_temperature(places, &out->temperature_c);
}
