/* measure/sensors.h — what the system shows of a device's state: clock, power, temperature. */
#ifndef VGG_MEASURE_SENSORS_H
#define VGG_MEASURE_SENSORS_H

#include "clvgg/bench.h"

/* Where to look: the system's own places, or a test's. */
typedef struct vgg_sensor_places {
    const char *root;     /* in front of /sys and /proc; "" */
    const char *nvml;     /* NVIDIA's library */
    double (*wait)(void); /* between two readings of a counter: the milliseconds that it took */
} vgg_sensor_places;

extern const vgg_sensor_places vgg_sensor_places_system;

/* Fills the struct, as clvgg_device_read_sensors() says. */
void vgg_sensors_read(const vgg_sensor_places *places, const clvgg_device_info *info,
                      clvgg_sensors *out);

#endif
