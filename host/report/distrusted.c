/* report/distrusted.c — see distrusted.h. */
#include "report/distrusted.h"

#include "clvgg/verify.h"
#include "report/format.h"

static void put_line(void *user, const clvgg_distrusted *kernel)
{
    vgg_text *text = user;
    const bool wrong = kernel->verdict == CLVGG_VERIFY_WRONG;
    vgg_text_printf(text, "    not used   %s on %s: %s", kernel->variant, kernel->problem,
                    wrong ? "wrong, " : "doesn't build\n");
    if (wrong)
        vgg_text_name(text, "", kernel->reason, "\n");
}

clvgg_status vgg_report_distrusted(clvgg_runtime *runtime, const clvgg_device_info *info,
                                   vgg_text *text)
{
    return clvgg_verify_list(runtime, info, put_line, text);
}

/* The array, and the device that it is about. */
typedef struct object_list {
    vgg_json *json;
    int device;
} object_list;

static void put_object(void *user, const clvgg_distrusted *kernel)
{
    const object_list *list = user;
    vgg_json_begin_object(list->json, NULL);
    vgg_json_integer(list->json, "device", list->device);
    vgg_json_string(list->json, "variant", kernel->variant);
    vgg_json_string(list->json, "problem", kernel->problem);
    vgg_json_string(list->json, "verdict",
                    kernel->verdict == CLVGG_VERIFY_WRONG ? "wrong" : "unbuildable");
    vgg_json_string(list->json, "reason", kernel->reason);
    vgg_json_end(list->json);
}

clvgg_status vgg_report_distrusted_json(clvgg_runtime *runtime, const clvgg_device_info *info,
                                        vgg_json *json)
{
    object_list list = {json, info->index};
    return clvgg_verify_list(runtime, info, put_object, &list);
}
