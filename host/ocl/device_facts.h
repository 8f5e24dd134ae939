/* ocl/device_facts.h — a device in words, for a report: what the driver says, what was tried. */
#ifndef VGG_OCL_DEVICE_FACTS_H
#define VGG_OCL_DEVICE_FACTS_H

#include "clvgg/report.h"
#include "ocl/device.h"

/* Visits what the driver says: versions, limits, extensions. Unanswered questions are left out. */
void vgg_device_visit_facts(const vgg_device_entry *entry, clvgg_fact_fn visit, void *user);
/* Visits what clvgg finds out by trying. A failed check is a fact too. */
void vgg_device_visit_checks(clvgg_device *device, clvgg_fact_fn visit, void *user);

#endif
