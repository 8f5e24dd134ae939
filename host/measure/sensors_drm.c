/* measure/sensors_drm.c — GPUs of AMD and Intel: the card of the device's PCI address, its hwmon,
 * and the files by which i915 and xe tell their clock.
 */
#include "measure/sensors_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CARDS = 64 };

/* Says whether a card is the device: its uevent has a line PCI_SLOT_NAME=0000:03:00.0. */
static bool is_card(const vgg_sensor_places *places, int card, const char *address)
{
    char path[VGG_SENSOR_PATH], line[VGG_SENSOR_WORD * 2];
    static const char key[] = "PCI_SLOT_NAME=";
    bool found = false;
    snprintf(path, sizeof path, "%s/sys/class/drm/card%d/device/uevent", places->root, card);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found =
            strncmp(line, key, sizeof key - 1) == 0 && strcmp(line + sizeof key - 1, address) == 0;
    }
    fclose(file);
    return found;
}

/* Watts that the driver averages, or those that its counter of energy makes. */
static void read_power(const vgg_sensor_places *places, const char *hwmon, vgg_reading *out)
{
    double before = 0;
    vgg_reading after = {.value = NAN};
    vgg_sensor_take(places, out, 1e-6, "%s/power1_average", hwmon);
    if (!isfinite(out->value))
        vgg_sensor_take(places, out, 1e-6, "%s/power1_input", hwmon);
    if (isfinite(out->value) || !vgg_sensor_number(places, &before, "%s/energy1_input", hwmon))
        return;
    const double ms = places->wait();
    vgg_sensor_take(places, &after, 1, "%s/energy1_input", hwmon);
    *out = after; /* with the reason, where there is none */
    if (!isfinite(after.value))
        return;
    vgg_reading_set(out, vgg_sensor_watts(before, after.value, 0, ms));
    vgg_reading_miss(out, "%.90s/energy1_input: the counter ran backwards", hwmon);
}

/* amdgpu tells hertz, i915 and xe megahertz. */
static void read_clock(const vgg_sensor_places *places, const char *card, const char *hwmon,
                       vgg_reading *out)
{
    static const char *const files[] = {"gt/gt0/rps_act_freq_mhz", "gt_act_freq_mhz",
                                        "device/tile0/gt0/freq0/act_freq"};
    for (size_t i = 0; i < sizeof files / sizeof *files && !isfinite(out->value); i++)
        vgg_sensor_take(places, out, 1, "%s/%s", card, files[i]);
    if (!isfinite(out->value))
        vgg_sensor_take(places, out, 1e-6, "%s/freq1_input", hwmon);
}

void vgg_sensors_drm(const vgg_sensor_places *places, const clvgg_device_info *info,
                     vgg_readings *out)
{
    vgg_reading *const all[] = {&out->clock_mhz, &out->power_w, &out->temperature_c};
    char card[64] = "", hwmon[128] = "", name[VGG_SENSOR_WORD];
    int index = 0;
    while (index < MOST_CARDS && !is_card(places, index, info->pci_address))
        index++;
    if (index == MOST_CARDS) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            vgg_reading_miss(all[i],
                             info->pci_address[0] == '\0'
                                 ? "the driver doesn't tell the device's PCI address%s"
                                 : "/sys/class/drm: no card at %s",
                             info->pci_address);
        return;
    }
    snprintf(card, sizeof card, "/sys/class/drm/card%d", index);
    snprintf(hwmon, sizeof hwmon, "%s/device/hwmon", card);
    for (int i = 0; i < VGG_SENSOR_MOST; i++)
        if (vgg_sensor_word(places, name, "%s/device/hwmon/hwmon%d/name", card, i)) {
            snprintf(hwmon, sizeof hwmon, "%s/device/hwmon/hwmon%d", card, i);
            break;
        }
    read_clock(places, card, hwmon, &out->clock_mhz);
    read_power(places, hwmon, &out->power_w);
    vgg_sensor_take(places, &out->temperature_c, 1e-3, "%s/temp1_input", hwmon);
}
