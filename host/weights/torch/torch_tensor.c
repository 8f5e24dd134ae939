/* weights/torch/torch_tensor.c — pickled calls that PyTorch would make tensors of.
 *
 * These are all the functions and classes that mean something here. Source: torch/_utils.py.
 */
#include <inttypes.h>
#include <string.h>

#include "weights/torch/torch.h"

static const vgg_torch_type types[] = {
    {"FloatStorage", "float32", 4, CLVGG_DTYPE_F32, false},
    {"HalfStorage", "float16", 2, CLVGG_DTYPE_F16, false},
    {"BFloat16Storage", "bfloat16", 2, CLVGG_DTYPE_BF16, false},
    {"DoubleStorage", "float64", 8, CLVGG_DTYPE_F32, true},
    {"LongStorage", "int64", 8, -1, false},
    {"IntStorage", "int32", 4, -1, false},
    {"ShortStorage", "int16", 2, -1, false},
    {"CharStorage", "int8", 1, -1, false},
    {"ByteStorage", "uint8", 1, -1, false},
    {"BoolStorage", "bool", 1, -1, false},
    {"UntypedStorage", "uint8", 1, -1, false},
    {"_UntypedStorage", "uint8", 1, -1, false},
    {"ComplexFloatStorage", "complex64", 8, -1, false},
    {"ComplexDoubleStorage", "complex128", 16, -1, false},
    {"QInt8Storage", "qint8", 1, -1, false},
    {"QUInt8Storage", "quint8", 1, -1, false},
    {"QInt32Storage", "qint32", 4, -1, false},
    {"QUInt4x2Storage", "quint4x2", 1, -1, false},
    {"QUInt2x4Storage", "quint2x4", 1, -1, false},
    {"", "uint16", 2, -1, false},
    {"", "uint32", 4, -1, false},
    {"", "uint64", 8, -1, false},
    {"", "complex32", 4, -1, false},
    {"", "float8_e4m3fn", 1, -1, false},
    {"", "float8_e4m3fnuz", 1, -1, false},
    {"", "float8_e5m2", 1, -1, false},
    {"", "float8_e5m2fnuz", 1, -1, false},
    {"", "float8_e8m0fnu", 1, -1, false},
};

const vgg_torch_type *vgg_torch_type_named(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].storage, name) == 0 || strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

const vgg_torch_type *vgg_torch_type_of(const vgg_pickled *global)
{
    if (global == NULL || global->kind != VGG_PICKLED_GLOBAL ||
        strncmp(global->text, "torch.", 6) != 0)
        return NULL;
    return vgg_torch_type_named(strrchr(global->text, '.') + 1);
}

const char *vgg_torch_called(const vgg_pickled *value)
{
    const vgg_pickled *callable =
        value != NULL && value->kind == VGG_PICKLED_OBJECT ? value->callable : NULL;
    /* The legacy stream gives classes of modules as ("module", class, file, source), and tar files
     * as (class, file, source). */
    if (callable != NULL && callable->kind == VGG_PICKLED_PERSISTENT) {
        const vgg_pickled *id = callable->arguments;
        callable = vgg_pickled_item(id, vgg_pickled_is(vgg_pickled_item(id, 0), "module"));
    }
    return callable != NULL && callable->kind == VGG_PICKLED_GLOBAL ? callable->text : "";
}

/* Calls that give the tensor that is their first argument. */
static bool passes_on(const char *called)
{
    return strcmp(called, "torch._utils._rebuild_parameter") == 0 ||
           strcmp(called, "torch._utils._rebuild_parameter_with_state") == 0 ||
           strcmp(called, "torch.nn.parameter.Parameter") == 0 ||
           strcmp(called, "torch.nn.parameter.Buffer") == 0 ||
           strcmp(called, "torch.autograd.variable.Variable") == 0;
}

bool vgg_torch_is_tensor(const vgg_torch_reader *reader, const vgg_pickled *value)
{
    const char *called = vgg_torch_called(value);
    vgg_torch_tensor ignored;
    if (value != NULL && value->kind == VGG_PICKLED_PERSISTENT)
        return reader->find_tensor != NULL && reader->find_tensor(reader, value, &ignored);
    return strncmp(called, "torch._utils._rebuild_", 22) == 0 ||
           strncmp(called, "torch._tensor._rebuild_", 23) == 0 || passes_on(called);
}

/* ---- the arguments ---- */

/* A tuple of numbers, or what torch.Size() makes of one. */
static clvgg_status read_extents(const vgg_pickled *value, int64_t extents[CLVGG_MAX_RANK],
                                 const char *what, int *rank)
{
    if (strcmp(vgg_torch_called(value), "torch.Size") == 0)
        value = vgg_pickled_item(value->arguments, 0);
    VGG_CHECK(value != NULL && value->kind == VGG_PICKLED_SEQUENCE, CLVGG_STATUS_BAD_FILE,
              "its %s aren't a tuple", what);
    VGG_CHECK(value->count <= CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED,
              "has more than %d dimensions", CLVGG_MAX_RANK);
    *rank = (int)value->count;
    for (int i = 0; i < *rank; i++) {
        uint64_t extent;
        VGG_CHECK(vgg_pickled_count(value->items[i], &extent), CLVGG_STATUS_BAD_FILE,
                  "one of its %s isn't a number that is 0 or more", what);
        extents[i] = (int64_t)extent;
    }
    return CLVGG_STATUS_OK;
}

/* ("storage", class, key, location, elements) and, in the legacy stream, None or (key of the view,
 * its first element, its elements). */
static clvgg_status read_storage(const vgg_pickled *value, vgg_torch_tensor *out)
{
    const vgg_pickled *id =
        value != NULL && value->kind == VGG_PICKLED_PERSISTENT ? value->arguments : NULL;
    const vgg_pickled *class = vgg_pickled_item(id, 1), *view = vgg_pickled_item(id, 5);
    VGG_CHECK(vgg_pickled_is(vgg_pickled_item(id, 0), "storage") && class != NULL,
              CLVGG_STATUS_BAD_FILE, "views what isn't a storage");
    out->type = vgg_torch_type_of(class);
    VGG_CHECK(out->type != NULL, CLVGG_STATUS_UNSUPPORTED, "its storage is of an unknown class, %s",
              class->kind == VGG_PICKLED_GLOBAL ? class->text : "without a name");
    out->storage = vgg_pickled_text(vgg_pickled_item(id, 2));
    VGG_CHECK(out->storage != NULL && vgg_pickled_count(vgg_pickled_item(id, 4), &out->limit),
              CLVGG_STATUS_BAD_FILE, "its storage has no key, or no size");
    if (view != NULL && view->kind == VGG_PICKLED_SEQUENCE) {
        uint64_t first, count;
        VGG_CHECK(vgg_pickled_count(vgg_pickled_item(view, 1), &first) &&
                      vgg_pickled_count(vgg_pickled_item(view, 2), &count) && first <= out->limit &&
                      count <= out->limit - first,
                  CLVGG_STATUS_BAD_FILE, "its storage is a view that doesn't lie in the other");
        out->offset = first;
        out->limit = first + count;
    }
    return CLVGG_STATUS_OK;
}

/* (storage, offset, size, strides, requires_grad, hooks, metadata); in version 3 the element type
 * stands before the metadata, and the storage is of bytes. */
static clvgg_status read_view(const vgg_pickled *arguments, bool typed, vgg_torch_tensor *out)
{
    uint64_t offset;
    int strides;
    VGG_PASS(read_storage(vgg_pickled_item(arguments, 0), out));
    if (typed) {
        const vgg_torch_type *type = vgg_torch_type_of(vgg_pickled_item(arguments, 6));
        VGG_CHECK(type != NULL, CLVGG_STATUS_UNSUPPORTED, "is of an unknown element type");
        out->limit = out->limit * out->type->bytes / type->bytes;
        out->type = type;
    }
    VGG_CHECK(vgg_pickled_count(vgg_pickled_item(arguments, 1), &offset) &&
                  !__builtin_add_overflow(out->offset, offset, &out->offset),
              CLVGG_STATUS_BAD_FILE, "its offset isn't a number that is 0 or more");
    VGG_PASS(read_extents(vgg_pickled_item(arguments, 2), out->dims, "dimensions", &out->rank));
    VGG_PASS(read_extents(vgg_pickled_item(arguments, 3), out->strides, "strides", &strides));
    VGG_CHECK(out->rank == strides, CLVGG_STATUS_BAD_FILE, "has %d dimensions and %d strides",
              out->rank, strides);
    const vgg_pickled *metadata = vgg_pickled_item(arguments, typed ? 7 : 6);
    if (metadata != NULL && metadata->count > 0)
        out->odd = "a view of negated or conjugated values";
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_torch_tensor_of(const vgg_torch_reader *reader, const vgg_pickled *value,
                                 vgg_torch_tensor *out)
{
    *out = (vgg_torch_tensor){0};
    const vgg_pickled *arguments = value != NULL ? value->arguments : NULL;
    const vgg_pickled *callable = value != NULL ? value->callable : NULL;
    const char *called = vgg_torch_called(value);
    for (int depth = 0;; depth++) {
        VGG_CHECK(depth < 8, CLVGG_STATUS_BAD_FILE, "is wrapped more than 8 times");
        if (value != NULL && value->kind == VGG_PICKLED_PERSISTENT && reader->find_tensor != NULL &&
            reader->find_tensor(reader, value, out))
            return CLVGG_STATUS_OK;
        if (passes_on(called)) { /* (tensor, …) */
            value = vgg_pickled_item(arguments, 0);
        } else if (strncmp(called, "torch._tensor._rebuild_from_type", 32) == 0) {
            /* (function, type, arguments, state): as if called by itself */
            callable = vgg_pickled_item(arguments, 0);
            called = callable != NULL && callable->kind == VGG_PICKLED_GLOBAL ? callable->text : "";
            arguments = vgg_pickled_item(arguments, 2);
            value = NULL;
            continue;
        } else {
            break;
        }
        arguments = value != NULL ? value->arguments : NULL;
        called = vgg_torch_called(value);
    }
    if (strcmp(called, "torch._utils._rebuild_tensor_v2") == 0 ||
        strcmp(called, "torch._utils._rebuild_tensor") == 0)
        return read_view(arguments, false, out);
    if (strcmp(called, "torch._utils._rebuild_tensor_v3") == 0)
        return read_view(arguments, true, out);
    out->odd = called[0] != '\0' ? called : "no tensor";
    return CLVGG_STATUS_OK;
}
