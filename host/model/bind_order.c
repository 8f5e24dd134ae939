/* model/bind_order.c — a VGG by the shapes of its tensors and their order: that of the file, or of
 * the numbers in their names.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "model/bind_inside.h"

/* How names of weights end, and what biases' names have there. */
static const char *const suffixes[][2] = {
    {".weight", ".bias"}, {"_weight", "_bias"}, {"_w", "_b"}, {"_W", "_b"}};
#define VARIANCE ".running_var"

typedef struct list {
    const vgg_tensor_entry *items[VGG_FAMILY_MAX_CONVOLUTIONS + 1];
    int count; /* one more than there is room for: too many */
} list;

static size_t tail_of(const char *name, const char *suffix)
{
    const size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && strcmp(name + length - tail, suffix) == 0 ? tail : 0;
}

/* Length of what makes a name a weight's; 0: it isn't one's. */
static size_t weight_tail(const char *name)
{
    size_t tail = 0;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && tail == 0; i++)
        tail = tail_of(name, suffixes[i][0]);
    return tail;
}

static bool is_weight(const vgg_tensor_entry *entry)
{
    return weight_tail(entry->name) > 0 && entry->count > 0 &&
           strlen(entry->name) < VGG_TENSOR_NAME_CAPACITY - 16;
}

static bool is_convolution(const vgg_tensor_entry *entry)
{
    const clvgg_shape *shape = &entry->shape;
    return is_weight(entry) && shape->rank == 4 && shape->dims[2] == 3 && shape->dims[3] == 3;
}

/* A layer may be kept as a convolution over all of its input. */
static bool is_dense(const vgg_tensor_entry *entry)
{
    return is_weight(entry) &&
           (entry->shape.rank == 2 || (entry->shape.rank == 4 && !is_convolution(entry)));
}

static bool is_variance(const vgg_tensor_entry *entry)
{
    return tail_of(entry->name, VARIANCE) > 0 &&
           strlen(entry->name) < VGG_TENSOR_NAME_CAPACITY - 16;
}

/* Tensors whose names begin with `prefix`, in the file's order. */
static list gather(const vgg_weights *weights, const char *prefix,
                   bool (*is)(const vgg_tensor_entry *))
{
    list found = {.count = 0};
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        if (strncmp(entry->name, prefix, strlen(prefix)) != 0 || !is(entry))
            continue;
        if (found.count <= VGG_FAMILY_MAX_CONVOLUTIONS)
            found.items[found.count] = entry;
        found.count += found.count <= VGG_FAMILY_MAX_CONVOLUTIONS;
    }
    return found;
}

/* Moves *at behind a number, and gives where its digits begin and how many there are without
 * leading zeros. */
static size_t read_digits(const char **at, const char **digits)
{
    while (**at == '0' && isdigit((unsigned char)(*at)[1]))
        (*at)++;
    *digits = *at;
    while (isdigit((unsigned char)**at))
        (*at)++;
    return (size_t)(*at - *digits);
}

/* The order of names in which 10 comes behind 9. */
static int compare_names(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            const char *left, *right;
            const size_t in_a = read_digits(&a, &left), in_b = read_digits(&b, &right);
            const int order = in_a != in_b ? (in_a < in_b ? -1 : 1) : memcmp(left, right, in_a);
            if (order != 0)
                return order;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++, b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}

static void sort(list *l)
{
    for (int i = 1; i < l->count; i++)
        for (int j = i; j > 0 && compare_names(l->items[j - 1]->name, l->items[j]->name) > 0; j--) {
            const vgg_tensor_entry *entry = l->items[j];
            l->items[j] = l->items[j - 1];
            l->items[j - 1] = entry;
        }
}

/* Says whether each convolution takes what the one before gives, and blocks are of one width. */
static bool is_chain(const list *l, const char *architecture)
{
    const int *blocks = vgg_architecture_blocks(architecture);
    int block = 0, position = 0;
    for (int i = 0; i < l->count; i++, position++) {
        const int64_t *dims = l->items[i]->shape.dims;
        if (position == blocks[block])
            position = 0, block++;
        if (i > 0 && dims[1] != l->items[i - 1]->shape.dims[0])
            return false;
        if (position > 0 && dims[0] != l->items[i - 1]->shape.dims[0])
            return false;
    }
    return true;
}

/* The number that ends a layer's name, or −1. */
static long number_of(const char *name, size_t tail)
{
    size_t end = strlen(name) - tail, first = end;
    while (first > 0 && end - first < 9 && isdigit((unsigned char)name[first - 1]))
        first--;
    long number = first == end ? -1 : 0;
    for (size_t i = first; i < end; i++)
        number = 10 * number + (name[i] - '0');
    return number;
}

/* What normalises each convolution, where it is counted right behind it or isn't counted. */
static bool take_norms(const vgg_weights *weights, bool sorted, vgg_binding *binding,
                       const list *convolutions)
{
    list norms = gather(weights, "", is_variance);
    char name[VGG_TENSOR_NAME_CAPACITY];
    binding->batch_norm = norms.count > 0;
    if (norms.count == 0)
        return true;
    if (norms.count != convolutions->count)
        return false;
    if (sorted)
        sort(&norms);
    for (int i = 0; i < norms.count; i++) {
        const clvgg_shape *shape = &norms.items[i]->shape;
        const long number = number_of(norms.items[i]->name, strlen(VARIANCE));
        const char *convolution = convolutions->items[i]->name;
        const long before = number_of(convolution, weight_tail(convolution));
        if (shape->rank != 1 || shape->dims[0] != convolutions->items[i]->shape.dims[0] ||
            number == before + 2)
            return false;
        binding->norms[i] = norms.items[i];
    }
    vgg_order_name(norms.items[0]->name, "weight", name);
    binding->norm.affine = vgg_weights_find(weights, name) != NULL;
    vgg_order_name(convolutions->items[0]->name, "bias", name);
    binding->bare = vgg_weights_find(weights, name) == NULL;
    return true;
}

static const char *architecture_of(int convolutions)
{
    static const char *const names[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (vgg_family_convolutions(names[i]) == convolutions)
            return names[i];
    return NULL;
}

bool vgg_order_convolutions(const vgg_weights *weights, vgg_binding *binding)
{
    list found = gather(weights, "", is_convolution);
    const char *architecture = architecture_of(found.count);
    if (architecture == NULL)
        return false;
    const bool sorted = !is_chain(&found, architecture);
    if (sorted)
        sort(&found);
    if (!is_chain(&found, architecture) || !take_norms(weights, sorted, binding, &found))
        return false;
    for (int i = 0; i < found.count; i++)
        binding->convolutions[i] = found.items[i];
    binding->architecture = architecture;
    vgg_text_printf(&binding->notes,
                    "%sbound by shape and order: its names are of no known scheme; '%s' is "
                    "conv1_1's weight, '%s' the last convolution's",
                    binding->notes.length > 0 ? "\n" : "", found.items[0]->name,
                    found.items[found.count - 1]->name);
    return true;
}

static int64_t inputs_of(const vgg_tensor_entry *entry)
{
    return (int64_t)entry->count / entry->shape.dims[0];
}

/* Says whether dense layers follow one another in this order. */
static bool is_head(const list *l, const int order[3], int64_t channels)
{
    for (int i = 0; i < l->count; i++) {
        const int64_t inputs = inputs_of(l->items[order[i]]);
        if (i == 0 ? inputs % channels != 0 : inputs != l->items[order[i - 1]]->shape.dims[0])
            return false;
    }
    return true;
}

clvgg_status vgg_order_dense(const vgg_weights *weights, int64_t channels, vgg_binding *binding)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    list found = gather(weights, binding->prefix, is_dense);
    const bool outside = found.count == 0;
    if (outside)
        found = gather(weights, "", is_dense);
    sort(&found);
    binding->dense_count = 0;
    for (size_t o = 0; o < 6 && found.count > 0 && found.count <= 3; o++) {
        /* Of fewer than three layers, orders that begin with those. */
        bool of_these = true;
        for (int i = 0; i < found.count; i++)
            of_these = of_these && orders[o][i] < found.count;
        if (!of_these || !is_head(&found, orders[o], channels))
            continue;
        for (int i = 0; i < found.count; i++)
            binding->dense[binding->dense_count++] = found.items[orders[o][i]];
        return CLVGG_STATUS_OK;
    }
    /* What stands elsewhere may be of anything: it is then said that no layer uses it. */
    VGG_CHECK(found.count == 0 || outside, CLVGG_STATUS_UNSUPPORTED,
              "another network: behind the convolutions, which end with %lld channels, '%s' and "
              "the dense layers beside it are no chain of three at most",
              (long long)channels, found.items[0]->name);
    return CLVGG_STATUS_OK;
}

void vgg_order_name(const char *bound, const char *parameter, char name[VGG_TENSOR_NAME_CAPACITY])
{
    size_t tail = tail_of(bound, VARIANCE);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && tail == 0; i++) {
        tail = tail_of(bound, suffixes[i][0]);
        if (tail > 0 && i > 0) {
            snprintf(name, VGG_TENSOR_NAME_CAPACITY, "%.*s%s", (int)(strlen(bound) - tail), bound,
                     suffixes[i][strcmp(parameter, "bias") == 0]);
            return;
        }
    }
    snprintf(name, VGG_TENSOR_NAME_CAPACITY, "%.*s.%s", (int)(strlen(bound) - tail), bound,
             parameter);
}
