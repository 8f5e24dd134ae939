/* cli/each_device.c — devices in the order of `clvgg devices`. */
#include "cli/each_device.h"

#include <stdio.h>
#include <string.h>

#include "cli/context.h"
#include "cli/interrupt.h"
#include "report/memory.h"

bool cli_wants_all_devices(const char *device)
{
    return device != NULL && strcmp(device, "all") == 0;
}

clvgg_status cli_each_device(cli_program *cli, bool blank,
                             clvgg_status (*work)(void *user, const char *device), void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    size_t devices = 0, done = 0;
    VGG_TRY(cli_runtime(cli, &runtime));
    VGG_TRY(clvgg_device_count(runtime, &devices));
    for (size_t i = 0; i < devices && cli_interrupt_signal() == 0; i++) {
        clvgg_device_info info = {.struct_size = sizeof info};
        char index[32];
        VGG_TRY(clvgg_device_query(runtime, i, &info));
        if (!info.usable)
            continue;
        snprintf(index, sizeof index, "%zu", i);
        if (blank && done > 0)
            vgg_text_puts(&cli->out.text, "\n");
        cli_fail(cli, work(user, index));
        vgg_out_flush(&cli->out);
        done++;
    }
    VGG_REQUIRE(done > 0, CLVGG_STATUS_NO_DEVICE, "no device that can be used");
cleanup:
    clvgg_runtime_free(runtime);
    return status;
}
