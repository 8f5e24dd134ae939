/* measure/sensors.c — whose sensors are a device's, and reading small files. */
#include "measure/sensors.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "measure/sensors_inside.h"

/* A signal may end it early. */
static double wait_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    const double start = vgg_clock_ms();
    nanosleep(&moment, NULL);
    return vgg_clock_ms() - start;
}

const vgg_sensor_places vgg_sensor_places_system = {"", "libnvidia-ml.so.1", wait_a_moment};

void vgg_reading_miss(vgg_reading *reading, const char *format, ...)
{
    va_list arguments;
    if (isfinite(reading->value))
        return;
    va_start(arguments, format);
    vsnprintf(reading->why, sizeof reading->why, format, arguments);
    va_end(arguments);
}

void vgg_reading_set(vgg_reading *reading, double value)
{
    *reading = (vgg_reading){.value = value};
}

/* The file's beginning as a string. */
static bool read_text(const vgg_sensor_places *places, const char *path, char *text, int capacity)
{
    char whole[2 * VGG_SENSOR_PATH];
    snprintf(whole, sizeof whole, "%s%s", places->root, path);
    FILE *file = fopen(whole, "re");
    if (file == NULL)
        return false;
    errno = 0;
    const bool read = fgets(text, capacity, file) != NULL;
    const int error = errno != 0 ? errno : ENODATA; /* fclose() may change it */
    fclose(file);
    errno = error;
    return read;
}

static bool read_number(const vgg_sensor_places *places, const char *path, double *value)
{
    char text[64];
    long long integer = 0;
    if (!read_text(places, path, text, sizeof text))
        return false;
    errno = EINVAL;
    if (sscanf(text, "%lld", &integer) != 1)
        return false;
    *value = (double)integer;
    return true;
}

#define FORMAT_PATH(path, format)                                                                  \
    do {                                                                                           \
        va_list vgg_arguments;                                                                     \
        va_start(vgg_arguments, format);                                                           \
        vsnprintf(path, sizeof path, format, vgg_arguments);                                       \
        va_end(vgg_arguments);                                                                     \
    } while (0)

bool vgg_sensor_number(const vgg_sensor_places *places, double *value, const char *format, ...)
{
    char path[VGG_SENSOR_PATH];
    FORMAT_PATH(path, format);
    return read_number(places, path, value);
}

bool vgg_sensor_word(const vgg_sensor_places *places, char word[VGG_SENSOR_WORD],
                     const char *format, ...)
{
    char path[VGG_SENSOR_PATH];
    FORMAT_PATH(path, format);
    if (!read_text(places, path, word, VGG_SENSOR_WORD))
        return false;
    word[strcspn(word, " \n")] = '\0';
    return true;
}

void vgg_sensor_take(const vgg_sensor_places *places, vgg_reading *reading, double unit,
                     const char *format, ...)
{
    char path[VGG_SENSOR_PATH];
    double value = 0;
    FORMAT_PATH(path, format);
    if (read_number(places, path, &value))
        vgg_reading_set(reading, value * unit);
    else
        vgg_reading_miss(reading, "%.90s: %s", path, strerror(errno));
}

double vgg_sensor_watts(double before_uj, double after_uj, double wrap_uj, double ms)
{
    const double used = after_uj - before_uj + (after_uj < before_uj ? wrap_uj : 0);
    return used >= 0 && ms > 0 ? used / ms * 1e-3 : NAN;
}

static void read_load(const vgg_sensor_places *places, vgg_reading *out)
{
    char word[VGG_SENSOR_WORD];
    unsigned whole = 0, hundredths = 0; /* whatever the locale's decimal point */
    if (vgg_sensor_word(places, word, "/proc/loadavg") &&
        sscanf(word, "%u.%2u", &whole, &hundredths) == 2)
        vgg_reading_set(out, whole + hundredths / 100.0);
    else
        vgg_reading_miss(out, "/proc/loadavg: %s", strerror(errno));
}

static bool is_nvidia(const clvgg_device_info *info)
{
    return strncasecmp(info->vendor, "NVIDIA", 6) == 0;
}

void vgg_sensors_read(const vgg_sensor_places *places, const clvgg_device_info *info,
                      clvgg_sensors *out)
{
    const vgg_reading none = {NAN, "nothing is known of sensors of such devices"};
    vgg_readings found = {none, none, none};
    vgg_reading load = {.value = NAN};
    if (info->type == CLVGG_DEVICE_CPU)
        vgg_sensors_cpu(places, &found);
    else if (info->type == CLVGG_DEVICE_GPU && is_nvidia(info))
        vgg_sensors_nvml(places, info, &found);
    else if (info->type == CLVGG_DEVICE_GPU)
        vgg_sensors_drm(places, info, &found);
    read_load(places, &load);
    const struct {
        const vgg_reading *from;
        double *value;
        char *why;
    } all[] = {{&found.clock_mhz, &out->clock_mhz, out->clock_why},
               {&found.power_w, &out->power_w, out->power_why},
               {&found.temperature_c, &out->temperature_c, out->temperature_why},
               {&load, &out->load_average, out->load_why}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].value = all[i].from->value;
        memcpy(all[i].why, isfinite(all[i].from->value) ? "" : all[i].from->why,
               isfinite(all[i].from->value) ? 1 : CLVGG_SENSOR_WHY);
    }
}
