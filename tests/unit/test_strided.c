/* unit/test_strided.c — values that lie with strides, read in order, as they lie and by way of the
 * cache of rows, beside a plain loop; reads and allocations that fail; several threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"
#include "support/failing_allocator.h"
#include "tensor/dtype.h"
#include "weights/strided.h"

enum { SMALL = 512 };

/* Bytes that are numbers of elements: none is like another up to 2^16. */
typedef struct source {
    size_t element;      /* bytes */
    uint64_t elements;   /* more must not be asked for */
    atomic_long left;    /* reads before one fails; negative: none does */
    atomic_ullong bytes; /* that were read */
    bool is_double;
} source;

/* Element `at` of a source. */
static uint64_t value_at(const source *from, uint64_t at)
{
    return from->element == 2 ? at % 65521 : at;
}

static clvgg_status read_bytes(const void *from, uint64_t offset, void *data, size_t bytes)
{
    source *at = (source *)from;
    const uint64_t first = offset / at->element, count = bytes / at->element;
    assert_true(offset % at->element == 0 && bytes % at->element == 0);
    assert_true(first + count <= at->elements);
    if (atomic_fetch_sub(&at->left, 1) == 0)
        return vgg_fail(CLVGG_STATUS_IO, "broken on purpose");
    atomic_fetch_add(&at->bytes, bytes);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t value = value_at(at, first + i);
        if (at->is_double)
            ((double *)data)[i] = (double)value;
        else if (at->element == 4)
            ((float *)data)[i] = (float)value;
        else
            ((uint16_t *)data)[i] = (uint16_t)value;
    }
    return CLVGG_STATUS_OK;
}

static void set_source(vgg_strided *view, source *from, clvgg_dtype dtype, bool is_double)
{
    *from = (source){.is_double = is_double, .left = -1};
    from->element = is_double ? sizeof(double) : vgg_dtype_bytes(dtype);
    view->read_bytes = read_bytes;
    view->source = from;
    view->is_double = is_double;
    uint64_t reach;
    assert_true(vgg_strided_extent(view, &reach));
    from->elements = view->offset / from->element + reach;
}

static uint64_t count_of(const vgg_strided *view)
{
    uint64_t count = 1;
    for (int i = 0; i < view->rank; i++)
        count *= (uint64_t)view->dims[i];
    return count;
}

/* Where element `at`, in order, lies in the source. */
static uint64_t place_of(const vgg_strided *view, uint64_t at)
{
    uint64_t place = view->offset / ((const source *)view->source)->element;
    for (int i = view->rank - 1; i >= 0; i--) {
        place += at % (uint64_t)view->dims[i] * (uint64_t)view->strides[i];
        at /= (uint64_t)view->dims[i];
    }
    return place;
}

/* What was read is what lies there, and nothing behind it was touched. */
static void check(const vgg_strided *view, uint64_t first, uint64_t count,
                  const unsigned char *data)
{
    const source *from = view->source;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t expected = value_at(from, place_of(view, first + i));
        uint64_t got;
        if (from->element == 2) {
            uint16_t bits;
            memcpy(&bits, data + 2 * i, sizeof bits);
            got = bits;
        } else {
            float value;
            memcpy(&value, data + 4 * i, sizeof value);
            got = (uint64_t)value;
        }
        if (got != expected)
            fail_msg("element %llu: %llu expected, got %llu", (unsigned long long)(first + i),
                     (unsigned long long)expected, (unsigned long long)got);
    }
}

/* The definition of `inner`. */
static bool inner_fits(const vgg_strided *view, uint64_t inner)
{
    const uint64_t rows = (uint64_t)view->dims[0], count = count_of(view), columns = count / rows;
    bool fits = columns % inner == 0;
    for (uint64_t at = 0; at < count && fits; at++) { /* as it lies */
        const uint64_t column = at / rows % inner * (columns / inner) + at / rows / inner;
        fits = place_of(view, at % rows * columns + column) == place_of(view, 0) + at;
    }
    return fits;
}

static size_t inner_found;

/* Every piece of the view, both ways. */
static void check_view(vgg_row_cache *cache, vgg_strided *view, clvgg_dtype dtype, bool is_double)
{
    source from;
    unsigned char data[SMALL * sizeof(float) + 1];
    set_source(view, &from, dtype, is_double);
    const uint64_t count = count_of(view);
    const size_t size = vgg_dtype_bytes(dtype);
    for (uint64_t first = 0; first <= count; first++)
        for (uint64_t some = 0; some <= count - first; some++) {
            data[some * size] = 0xA5;
            assert_int_equal(vgg_strided_read(view, dtype, first, some, data), CLVGG_STATUS_OK);
            check(view, first, some, data);
            assert_int_equal(data[some * size], 0xA5);
            memset(data, 0, some * size);
            assert_int_equal(vgg_row_cache_read(cache, view, dtype, first, some, data),
                             CLVGG_STATUS_OK);
            check(view, first, some, data);
            assert_int_equal(data[some * size], 0xA5);
        }
    const uint64_t inner = vgg_strided_inner(view);
    bool fits = false;
    for (uint64_t i = 1; i <= count && vgg_strided_is_turned(view) && !is_double && !fits; i++)
        fits = inner_fits(view, inner != 0 ? inner : i);
    assert_int_equal(fits, inner != 0);
    inner_found += fits;
}

static void check_all_types(vgg_strided *view)
{
    vgg_row_cache *cache;
    assert_int_equal(vgg_row_cache_create(&cache), CLVGG_STATUS_OK);
    for (clvgg_dtype dtype = CLVGG_DTYPE_F32; dtype <= CLVGG_DTYPE_BF16; dtype++) {
        view->offset = 3 * vgg_dtype_bytes(dtype);
        check_view(cache, view, dtype, false);
    }
    view->offset = 3 * sizeof(double);
    check_view(cache, view, CLVGG_DTYPE_F32, true);
    vgg_row_cache_free(cache);
}

/* Strides of an array whose axes are stored in this order, each but the first `gap` times as long.
 */
static void lay_out(vgg_strided *view, const int *order, int64_t gap)
{
    int64_t stride = 1;
    for (int i = view->rank - 1; i >= 0; i--) {
        view->strides[order[i]] = stride;
        stride *= view->dims[order[i]] * (i > 0 ? gap : 1);
    }
}

static void every_permutation_is_read(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {
        {2, 3, 2, 3}, {3, 1, 2, 2}, {1, 3, 2, 2}, {4, 5, 1, 1}, {2, 2, 1, 3}, {5, 1, 1, 1},
    };
    inner_found = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int rank = 1; rank <= 4; rank++)
            for (int code = 0; code < 256; code++) {
                vgg_strided view = {.rank = rank};
                int order[4], seen = 0;
                for (int i = 0; i < rank; i++) {
                    order[i] = code >> 2 * i & 3;
                    seen |= 1 << order[i];
                }
                if (seen != (1 << rank) - 1 || code >> 2 * rank != 0)
                    continue;
                memcpy(view.dims, shapes[s], (size_t)rank * sizeof *view.dims);
                for (int64_t gap = 1; gap <= 2; gap++) {
                    lay_out(&view, order, gap);
                    check_all_types(&view);
                }
            }
    assert_true(inner_found > 50);
}

/* Repeated, overlapping, stepped over; scalars, and nothing at all. */
static void every_view_is_read(void **state)
{
    (void)state;
    vgg_strided views[] = {
        {.rank = 0},
        {.rank = 1, .dims = {7}, .strides = {3}},
        {.rank = 2, .dims = {3, 4}, .strides = {0, 1}},
        {.rank = 2, .dims = {3, 4}, .strides = {1, 0}},
        {.rank = 2, .dims = {3, 4}, .strides = {1, 1}},
        {.rank = 2, .dims = {3, 4}, .strides = {1, 2}},
        {.rank = 2, .dims = {3, 4}, .strides = {2, 7}},
        {.rank = 3, .dims = {3, 2, 4}, .strides = {1, 20, 3}},
        {.rank = 3, .dims = {3, 4, 2}, .strides = {1, 3, 13}},
        {.rank = 2, .dims = {0, 4}, .strides = {1, 1}},
        {.rank = 2, .dims = {4, 0}, .strides = {1, 4}},
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        check_all_types(&views[i]);
}

static void the_order_of_keras_is_known(void **state)
{
    (void)state;
    source from;
    vgg_strided dense = {.rank = 3, .dims = {4096, 512, 49}, .strides = {1, 4096, 4096 * 512}};
    set_source(&dense, &from, CLVGG_DTYPE_F32, false);
    assert_int_equal(vgg_strided_inner(&dense), 512);
    vgg_strided other = {.rank = 2, .dims = {4096, 25088}, .strides = {1, 4096}};
    set_source(&other, &from, CLVGG_DTYPE_F16, false);
    assert_int_equal(vgg_strided_inner(&other), 25088);
    set_source(&other, &from, CLVGG_DTYPE_F32, true);
    assert_int_equal(vgg_strided_inner(&other), 0);
}

static void extents_are_found_or_refused(void **state)
{
    (void)state;
    uint64_t elements = 0;
    static const struct {
        vgg_strided view;
        uint64_t elements; /* 0: refused */
    } cases[] = {
        {{.rank = 2, .dims = {3, 4}, .strides = {4, 1}}, 12},
        {{.rank = 2, .dims = {3, 4}, .strides = {10, 0}}, 21},
        {{.rank = 1, .dims = {3}, .strides = {-1}}, 0},
        {{.rank = 1, .dims = {-3}, .strides = {1}}, 0},
        {{.rank = 1, .dims = {INT64_MAX}, .strides = {3}}, 0},
        {{.rank = 2, .dims = {INT64_MAX, 3}, .strides = {1, INT64_MAX}}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vgg_strided_extent(&cases[i].view, &elements), cases[i].elements != 0);
        assert_true(cases[i].elements == 0 || elements == cases[i].elements);
    }
    const vgg_strided nothing = {.rank = 2, .dims = {0, 9}, .strides = {1, 1}};
    assert_true(vgg_strided_extent(&nothing, &elements));
    assert_int_equal(elements, 0);
}

/* ---- beyond a tile, and beyond the cache ---- */

/* Reads the tensor in pieces, in order, as an upload or a writer does. */
static clvgg_status read_pieces(vgg_row_cache *cache, const vgg_strided *view, clvgg_dtype dtype,
                                uint64_t piece)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t count = count_of(view);
    unsigned char *data = malloc((size_t)piece * sizeof(float));
    for (uint64_t first = 0; first < count && status == CLVGG_STATUS_OK; first += piece) {
        const uint64_t some = piece < count - first ? piece : count - first;
        status = vgg_row_cache_read(cache, view, dtype, first, some, data);
        if (status == CLVGG_STATUS_OK)
            check(view, first, some, data);
    }
    free(data);
    return status;
}

static void tails_of_tiles_are_read(void **state)
{
    (void)state;
    for (int type = CLVGG_DTYPE_F32; type <= CLVGG_DTYPE_BF16 + 1; type++) {
        const bool is_double = type > CLVGG_DTYPE_BF16;
        const clvgg_dtype dtype = is_double ? CLVGG_DTYPE_F32 : (clvgg_dtype)type;
        vgg_strided view = {.rank = 3, .dims = {4096 + 5, 3, 22}, .strides = {1, 4101, 4101 * 3}};
        vgg_row_cache *cache;
        source from;
        set_source(&view, &from, dtype, is_double);
        assert_int_equal(vgg_row_cache_create(&cache), CLVGG_STATUS_OK);
        assert_int_equal(read_pieces(cache, &view, dtype, count_of(&view)), CLVGG_STATUS_OK);
        assert_int_equal(read_pieces(cache, &view, dtype, 10007), CLVGG_STATUS_OK);
        vgg_row_cache_free(cache);
    }
}

/* 25 MiB of 250 rows, 167 of which fit the cache: each value is read twice at most, once to bring
 * it into memory. */
static void blocks_of_rows_are_kept(void **state)
{
    (void)state;
    vgg_strided view = {.rank = 2, .dims = {250, 25088}, .strides = {1, 250}};
    vgg_row_cache *cache;
    source from;
    set_source(&view, &from, CLVGG_DTYPE_F32, false);
    assert_int_equal(vgg_row_cache_create(&cache), CLVGG_STATUS_OK);
    assert_int_equal(read_pieces(cache, &view, CLVGG_DTYPE_F32, 100001), CLVGG_STATUS_OK);
    assert_true(atomic_load(&from.bytes) <= 2 * 4 * count_of(&view));
    vgg_row_cache_free(cache);
}

static void a_row_larger_than_the_cache_is_read(void **state)
{
    (void)state;
    const int64_t columns = VGG_ROW_CACHE_BYTES / 4 + 3;
    vgg_strided view = {.rank = 2, .dims = {2, columns}, .strides = {1, 2}};
    vgg_row_cache *cache;
    source from;
    set_source(&view, &from, CLVGG_DTYPE_F16, false);
    assert_int_equal(vgg_row_cache_create(&cache), CLVGG_STATUS_OK);
    assert_int_equal(read_pieces(cache, &view, CLVGG_DTYPE_F16, (uint64_t)columns),
                     CLVGG_STATUS_OK);
    set_source(&view, &from, CLVGG_DTYPE_F32, false);
    unsigned char data[20 * sizeof(float)];
    const uint64_t first = (uint64_t)columns - 10;
    assert_int_equal(vgg_row_cache_read(cache, &view, CLVGG_DTYPE_F32, first, 20, data),
                     CLVGG_STATUS_OK);
    check(&view, first, 20, data);
    assert_true(atomic_load(&from.bytes) < 1000);
    vgg_row_cache_free(cache);
}

/* ---- failures ---- */

/* 20 MiB, in two blocks. */
static vgg_strided two_blocks(void)
{
    return (vgg_strided){.rank = 2, .dims = {1300, 4096}, .strides = {1, 1300}};
}

static void a_read_that_fails_is_told_and_forgotten(void **state)
{
    (void)state;
    vgg_strided view = two_blocks();
    vgg_row_cache *cache;
    source from;
    float row[4096];
    set_source(&view, &from, CLVGG_DTYPE_F32, false);
    assert_int_equal(vgg_row_cache_create(&cache), CLVGG_STATUS_OK);
    /* read through, each tile of the first block, rows in front of a piece */
    for (long fails = 0; fails < 4096 + 21; fails += fails < 24 ? 1 : 97) {
        atomic_store(&from.left, fails);
        assert_int_equal(vgg_row_cache_read(cache, &view, CLVGG_DTYPE_F32, 0, 4096, row),
                         CLVGG_STATUS_IO);
        assert_string_equal(vgg_message(), "broken on purpose");
    }
    atomic_store(&from.left, -1);
    assert_int_equal(vgg_row_cache_read(cache, &view, CLVGG_DTYPE_F32, 4096, 4096, row),
                     CLVGG_STATUS_OK);
    check(&view, 4096, 4096, (unsigned char *)row);
    atomic_store(&from.left, 5); /* the second block: the first one mustn't be taken for it */
    const uint64_t second = 4096 * 1100;
    assert_int_equal(vgg_row_cache_read(cache, &view, CLVGG_DTYPE_F32, second, 4096, row),
                     CLVGG_STATUS_IO);
    atomic_store(&from.left, -1);
    for (uint64_t first = 4096; first <= second; first += second - 4096) {
        assert_int_equal(vgg_row_cache_read(cache, &view, CLVGG_DTYPE_F32, first, 4096, row),
                         CLVGG_STATUS_OK);
        check(&view, first, 4096, (unsigned char *)row);
    }
    for (long fails = 0; fails < 100; fails += 7) {
        atomic_store(&from.left, fails);
        assert_int_equal(vgg_strided_read(&view, CLVGG_DTYPE_F32, 4090, 20, row),
                         fails < 20 ? CLVGG_STATUS_IO : CLVGG_STATUS_OK);
    }
    vgg_row_cache_free(cache);
}

static clvgg_status read_by_cache(void *user)
{
    vgg_row_cache *cache = NULL;
    vgg_strided *view = user;
    float row[100];
    VGG_PASS(vgg_row_cache_create(&cache));
    const clvgg_status status = vgg_row_cache_read(cache, view, CLVGG_DTYPE_F32, 4000, 100, row);
    if (status == CLVGG_STATUS_OK)
        check(view, 4000, 100, (unsigned char *)row);
    vgg_row_cache_free(cache);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    vgg_strided view = two_blocks();
    source from;
    set_source(&view, &from, CLVGG_DTYPE_F32, false);
    assert_int_equal(failing_allocator_sweep(read_by_cache, &view), 4);
}

/* ---- threads ---- */

typedef struct shared {
    vgg_row_cache *cache;
    vgg_strided views[2];
    atomic_int failed;
} shared;

static void read_some(void *user, int worker, size_t index)
{
    shared *all = user;
    const vgg_strided *view = &all->views[index % 2];
    float row[4096];
    const uint64_t first = index * 7919 * 64 % (count_of(view) - 4096);
    (void)worker;
    if (vgg_row_cache_read(all->cache, view, CLVGG_DTYPE_F32, first, 4096, row) != CLVGG_STATUS_OK)
        atomic_fetch_add(&all->failed, 1);
    for (uint64_t i = 0; i < 4096; i++)
        if (row[i] != (float)place_of(view, first + i))
            atomic_fetch_add(&all->failed, 1);
}

static void threads_share_a_cache(void **state)
{
    (void)state;
    shared all = {.views = {{.rank = 2, .dims = {600, 512}, .strides = {1, 600}},
                            {.rank = 3, .dims = {300, 64, 9}, .strides = {1, 300, 300 * 64}}}};
    source from[2];
    for (int i = 0; i < 2; i++)
        set_source(&all.views[i], &from[i], CLVGG_DTYPE_F32, false);
    assert_int_equal(vgg_row_cache_create(&all.cache), CLVGG_STATUS_OK);
    vgg_parallel(4, 200, read_some, &all);
    assert_int_equal(all.failed, 0);
    vgg_row_cache_free(all.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_permutation_is_read),
        cmocka_unit_test(every_view_is_read),
        cmocka_unit_test(the_order_of_keras_is_known),
        cmocka_unit_test(extents_are_found_or_refused),
        cmocka_unit_test(tails_of_tiles_are_read),
        cmocka_unit_test(blocks_of_rows_are_kept),
        cmocka_unit_test(a_row_larger_than_the_cache_is_read),
        cmocka_unit_test(a_read_that_fails_is_told_and_forgotten),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(threads_share_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
