/* measure/sensors_nvml.c — GPUs of NVIDIA: its own library (NVML), which comes with the driver and
 * is opened only now.
 */
#include "measure/sensors_inside.h"

#include <dlfcn.h>

/* nvml.h's, of which only this is needed. */
typedef void *nvml_device;
enum { NVML_SUCCESS = 0, NVML_CLOCK_SM = 1, NVML_TEMPERATURE_GPU = 0 };

typedef struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error_string)(int);
    int (*handle)(const char *pci, nvml_device *);
    int (*clock)(nvml_device, int, unsigned *);
    int (*power)(nvml_device, unsigned *);
    int (*temperature)(nvml_device, int, unsigned *);
} nvml;

static bool load(nvml *n, const char *path)
{
    n->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (n->library == NULL)
        return false;
    const struct {
        const char *name;
        void *function; /* a pointer to a function pointer: ISO C converts no other */
    } wanted[] = {{"nvmlInit_v2", &n->init},
                  {"nvmlShutdown", &n->shutdown},
                  {"nvmlErrorString", &n->error_string},
                  {"nvmlDeviceGetHandleByPciBusId_v2", &n->handle},
                  {"nvmlDeviceGetClockInfo", &n->clock},
                  {"nvmlDeviceGetPowerUsage", &n->power},
                  {"nvmlDeviceGetTemperature", &n->temperature}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        *(void **)wanted[i].function = dlsym(n->library, wanted[i].name);
        if (*(void **)wanted[i].function == NULL)
            return false;
    }
    return true;
}

static void take(const nvml *n, vgg_reading *reading, const char *function, int error, double value)
{
    if (error == NVML_SUCCESS)
        vgg_reading_set(reading, value);
    else
        vgg_reading_miss(reading, "%s: %s", function, n->error_string(error));
}

static void miss_all(vgg_readings *out, const char *what, const char *why)
{
    vgg_reading_miss(&out->clock_mhz, "%s: %s", what, why);
    vgg_reading_miss(&out->power_w, "%s: %s", what, why);
    vgg_reading_miss(&out->temperature_c, "%s: %s", what, why);
}

static void read_all(const nvml *n, const clvgg_device_info *info, vgg_readings *out)
{
    nvml_device device = NULL;
    unsigned value = 0;
    if (info->pci_address[0] == '\0') {
        miss_all(out, "NVML", "the OpenCL driver doesn't tell the device's PCI address");
        return;
    }
    int error = n->handle(info->pci_address, &device);
    if (error != NVML_SUCCESS) {
        miss_all(out, "nvmlDeviceGetHandleByPciBusId", n->error_string(error));
        return;
    }
    error = n->clock(device, NVML_CLOCK_SM, &value);
    take(n, &out->clock_mhz, "nvmlDeviceGetClockInfo", error, value);
    error = n->power(device, &value);
    take(n, &out->power_w, "nvmlDeviceGetPowerUsage", error, value * 1e-3);
    error = n->temperature(device, NVML_TEMPERATURE_GPU, &value);
    take(n, &out->temperature_c, "nvmlDeviceGetTemperature", error, value);
}

void vgg_sensors_nvml(const vgg_sensor_places *places, const clvgg_device_info *info,
                      vgg_readings *out)
{
    nvml n = {.library = NULL};
    if (!load(&n, places->nvml)) {
        miss_all(out, places->nvml, n.library == NULL ? "can't be opened" : "lacks a function");
    } else {
        const int error = n.init();
        if (error == NVML_SUCCESS) {
            read_all(&n, info, out);
            n.shutdown();
        } else {
            miss_all(out, "nvmlInit", n.error_string(error));
        }
    }
    if (n.library != NULL)
        dlclose(n.library);
}
