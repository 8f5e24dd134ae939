/* support/must_run.c — the table of what variants need, and the demand made of it. */
#include "support/must_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grad/dense_grad.h"
#include "tensor/storage.h"

/* What kinds of device have. Every device has work-groups of 64, which nothing is asked for. */
enum {
    VECTORS = 1,    /* vector registers of 4, 8 or 16 floats: CPUs */
    LOCAL = 2,      /* work-groups of 256 and the 32 KiB of local memory that OpenCL guarantees */
    SUB_GROUPS = 4, /* sub-groups of 8 or 16 lanes, seen to work */
    AMX = 8         /* AMX tiles, seen to work, beside vectors of 16 floats */
};

/* Storages of weights. */
enum {
    F32 = 1 << CLVGG_STORAGE_F32,
    BF16 = 1 << CLVGG_STORAGE_BF16,
    INT8 = 1 << CLVGG_STORAGE_INT8, /* test_int8.c asks for these itself */
    ALL = F32 | 1 << CLVGG_STORAGE_F16 | BF16
};

static const struct demand {
    const char *variant;
    unsigned needs, storages;
} demands[] = {
    {"conv_amx", AMX, BF16},
    {"conv_int8", VECTORS, INT8},
    {"conv_direct_int8", 0, INT8},
    {"conv_blocked", VECTORS, ALL},
    {"conv_subgroup", SUB_GROUPS, ALL},
    {"conv_tiled", LOCAL, ALL},
    {"conv_im2col_clblast", LOCAL, F32},
    {"winograd_f6_fused", VECTORS, ALL}, /* F16 and BF16 of few channels, which stay float32 */
    {"winograd_f4_fused", VECTORS, ALL},
    {"winograd_f4_staged", VECTORS, ALL},
    {"winograd_f4_panels", VECTORS, ALL},
    {"winograd_f2_fused", VECTORS, ALL},
    {"winograd_f2_staged", VECTORS, ALL},
    {"winograd_f2_tiled", LOCAL, ALL},
    {"winograd_f4_batched", LOCAL, ALL},
    {"winograd_f4_subgroup", SUB_GROUPS, ALL},
    {"conv_direct", 0, ALL},
    {"dense_int8", VECTORS, INT8},
    {"dense_direct_int8", 0, INT8},
    {"dense_blocked", VECTORS, ALL},
    {"dense_tiled", LOCAL, ALL},
    {"dense_rows", LOCAL, ALL},
    {"dense_clblast", LOCAL, F32},
    {"dense_direct", 0, ALL},
    {"map_peak", 0, F32},
    {"map_peak_group", LOCAL, F32},
    {"dgrad_blocked", VECTORS, F32},
    {"update_blocked", VECTORS, F32},
    {"dgrad_tiled", LOCAL, F32},
    {"update_tiled", LOCAL, F32},
    {"dgrad_direct", 0, F32},
    {"update_direct", 0, F32},
};

static const struct demand *find(const char *variant)
{
    for (size_t i = 0; i < sizeof demands / sizeof *demands; i++)
        if (strcmp(demands[i].variant, variant) == 0)
            return &demands[i];
    fail_msg("%s has no row in support/must_run.c: on which devices must it run?", variant);
    return NULL;
}

void must_run_rows_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof demands / sizeof *demands; i++) {
        bool met = vgg_variant_find(demands[i].variant) != NULL;
        for (size_t v = 0; v < vgg_grad_variant_count; v++)
            met = met || strcmp(vgg_grad_variants[v]->name, demands[i].variant) == 0;
        if (!met)
            fail_msg("%s is in neither table of variants", demands[i].variant);
    }
}

static unsigned has(const vgg_traits *traits)
{
    enum { GROUP_ITEMS = 256, LOCAL_BYTES = 32 << 10 };
    return (traits->vector_width >= 4 ? VECTORS : 0u) |
           (traits->max_work_group_size >= GROUP_ITEMS && traits->local_memory_bytes >= LOCAL_BYTES
                ? LOCAL
                : 0u) |
           (traits->sub_groups.sizes != 0 ? SUB_GROUPS : 0u) |
           (traits->amx && traits->vector_width == 16 ? AMX : 0u);
}

void must_run(const test_device *device, const char *variant, clvgg_storage storage, int ran)
{
    const vgg_traits traits = test_traits(device);
    const struct demand *demand = find(variant);
    if (ran > 0 || (demand->needs & ~has(&traits)) != 0 || (demand->storages & 1u << storage) == 0)
        return;
    fail_msg("%s, %s: nothing ran, but it must on a device with vectors of %d, work-groups of %zu, "
             "%llu bytes of local memory, %s, %s; the last refusal: %s",
             variant, vgg_storage_name(storage), traits.vector_width, traits.max_work_group_size,
             (unsigned long long)traits.local_memory_bytes,
             traits.sub_groups.sizes != 0 ? "sub-groups" : "no sub-groups",
             traits.amx ? "AMX" : "no AMX", clvgg_status_message());
}

clvgg_storage must_run_storage(const char *variant)
{
    clvgg_storage storage = CLVGG_STORAGE_F32;
    while ((find(variant)->storages & 1u << storage) == 0)
        storage++;
    return storage;
}
