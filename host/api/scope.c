/* api/scope.c — what public calls check of their arguments, and how they hand text out. */
#include <stdio.h>
#include <string.h>

#include "api/scope.h"

clvgg_status vgg_api_check_given(const char *function, const char *names, const void *const *given,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int length = (int)strcspn(names, ",");
        VGG_CHECK(given[i] != NULL, CLVGG_STATUS_INVALID_ARGUMENT, "%s: needs %.*s != NULL",
                  function, length, names);
        names += length;
        names += strspn(names, ", ");
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_api_hand_out(vgg_text *whole, char *text, size_t capacity, size_t *length)
{
    const bool failed = whole->failed;
    if (!failed) {
        *length = whole->length;
        if (capacity > 0)
            snprintf(text, capacity, "%s", whole->length > 0 ? whole->bytes : "");
    }
    vgg_text_free(whole);
    return failed ? CLVGG_STATUS_OUT_OF_MEMORY : CLVGG_STATUS_OK;
}
