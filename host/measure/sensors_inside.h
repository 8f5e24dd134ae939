/* measure/sensors_inside.h — what sensors*.c share: small files with a number or a word. */
#ifndef VGG_MEASURE_SENSORS_INSIDE_H
#define VGG_MEASURE_SENSORS_INSIDE_H

#include <stdbool.h>

#include "base/status.h"
#include "measure/sensors.h"

enum { VGG_SENSOR_PATH = 512, VGG_SENSOR_MOST = 128 /* numbers at the end of sysfs' names */ };

/* A reading as it is collected: the value, or why there is none. */
typedef struct vgg_reading {
    double value; /* NAN: none */
    char why[CLVGG_SENSOR_WHY];
} vgg_reading;

typedef struct vgg_readings {
    vgg_reading clock_mhz, power_w, temperature_c;
} vgg_readings;

/* Says why there is no value, unless there is one. */
void vgg_reading_miss(vgg_reading *reading, const char *format, ...) VGG_PRINTF(2, 3);
void vgg_reading_set(vgg_reading *reading, double value);

/* Read a file below the root, its path as printf() makes it: false, with errno, where it can't be
 * read or holds something else. The word is the file's first, [64]. */
bool vgg_sensor_number(const vgg_sensor_places *places, double *value, const char *format, ...)
    VGG_PRINTF(3, 4);
enum { VGG_SENSOR_WORD = 64 };
bool vgg_sensor_word(const vgg_sensor_places *places, char word[VGG_SENSOR_WORD],
                     const char *format, ...) VGG_PRINTF(3, 4);
/* Sets the reading to the number times `unit`, or says which file can't be read, and why. */
void vgg_sensor_take(const vgg_sensor_places *places, vgg_reading *reading, double unit,
                     const char *format, ...) VGG_PRINTF(4, 5);

/* A counter of microjoules, read twice: watts in between. `wrap` is where it begins anew; 0: never.
 */
double vgg_sensor_watts(double before_uj, double after_uj, double wrap_uj, double ms);

void vgg_sensors_cpu(const vgg_sensor_places *places, vgg_readings *out);
void vgg_sensors_drm(const vgg_sensor_places *places, const clvgg_device_info *info,
                     vgg_readings *out);
void vgg_sensors_nvml(const vgg_sensor_places *places, const clvgg_device_info *info,
                      vgg_readings *out);

#endif
