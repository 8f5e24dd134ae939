/* e2e/driver/nvml.c — a library of NVIDIA's for a machine without one: knows a device at one PCI
 * address, whose power it doesn't tell.
 */
#include <stddef.h>
#include <string.h>

enum { SUCCESS, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int error);
int nvmlDeviceGetHandleByPciBusId_v2(const char *address, void **device);
int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz);
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts);
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius);

static int opened, the_device;

int nvmlInit_v2(void)
{
    opened++;
    return SUCCESS;
}

int nvmlShutdown(void)
{
    opened--;
    return SUCCESS;
}

const char *nvmlErrorString(int error)
{
    return error == NOT_SUPPORTED ? "Not Supported" : "Not Found";
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *address, void **device)
{
    *device = &the_device;
    return opened == 1 && strcmp(address, "0000:41:00.0") == 0 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz)
{
    *mhz = 1980;
    return device == &the_device && clock == 1 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
    (void)device;
    *milliwatts = 0;
    return NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius)
{
    *celsius = 43;
    return device == &the_device && sensor == 0 ? SUCCESS : NOT_FOUND;
}
