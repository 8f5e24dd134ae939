/* A photograph is prepared to the same bits by every processor and compiler: checksums of what x86
 * without fused multiply-add gives. Clang fuses a product and a sum of one expression, which are
 * then rounded once, wherever it may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "image/image.h"
#include "image/view.h"
#include "image/warp.h"

static clvgg_image *photograph(void)
{
    clvgg_image *image = NULL;
    if (vgg_image_read(TEST_DATA "/chelsea.png", &image) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return image;
}

/* Preparations: torchvision's, Caffe's, grey. */
static clvgg_preprocess preparation(int kind)
{
    clvgg_preprocess p;
    clvgg_preprocess_defaults(&p);
    if (kind == 1) {
        p.order = CLVGG_BGR;
        p.scale = 1;
        for (int c = 0; c < 3; c++) {
            p.mean[c] = (float[]){103.939f, 116.779f, 123.68f}[c];
            p.std[c] = 1;
        }
    }
    p.channels = kind == 2 ? 1 : 3;
    return p;
}

static void check(const char *what, int index, const clvgg_preprocess *p, const float *data,
                  uint64_t expected)
{
    const size_t elements = (size_t)(p->channels * p->height * p->width);
    const uint64_t got = vgg_checksum(data, elements * sizeof *data, 0);
    if (got != expected)
        fail_msg("%s %d: %016llx, not %016llx", what, index, (unsigned long long)got,
                 (unsigned long long)expected);
}

static float data[3 * 224 * 224];

static void prepared(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0xecc51597304a6cba, 0xf578d3e35b87a6d2, 0x1684b6c83327a482};
    clvgg_image *image = photograph();
    for (int kind = 0; kind < 3; kind++) {
        const clvgg_preprocess p = preparation(kind);
        assert_int_equal(vgg_image_prepare(image, &p, data), CLVGG_STATUS_OK);
        check("preparation", kind, &p, data, expected[kind]);
    }
    vgg_image_free(image);
}

/* Cropped, mirrored and coloured. */
static void views(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0x03ba1922e6658789, 0xdd0b07b891eb9dc6, 0xe012c6ab16869e4a};
    static const uint8_t digest[32] = {7};
    clvgg_image *image = photograph();
    for (uint32_t i = 0; i < 3; i++) {
        const clvgg_preprocess p = preparation((int)i);
        const vgg_view view = vgg_view_draw(VGG_VIEW_FLIP | VGG_VIEW_CROP | VGG_VIEW_COLOR, 3,
                                            digest, i + 1, image->width, image->height);
        assert_int_equal(vgg_image_prepare_view(image, &p, &view, data), CLVGG_STATUS_OK);
        check("view", (int)i, &p, data, expected[i]);
    }
    vgg_image_free(image);
}

/* Shifted, enlarged, turned by what needs no sine of the C library's. */
static void warped(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0xf151ddc0746b56ad, 0x6e428af783f9bcf6, 0x56661612f2af98e7};
    static const vgg_warp warps[] = {{.scale = 1, .right = 7.25, .down = -3.5},
                                     {.scale = 1.21, .edge = true},
                                     {.scale = 1, .turn = 90}};
    clvgg_image *image = photograph();
    for (int i = 0; i < 3; i++) {
        const clvgg_preprocess p = preparation(i);
        assert_int_equal(vgg_image_prepare_warped(image, &p, &warps[i], data), CLVGG_STATUS_OK);
        check("warp", i, &p, data, expected[i]);
    }
    vgg_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepared),
        cmocka_unit_test(views),
        cmocka_unit_test(warped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
