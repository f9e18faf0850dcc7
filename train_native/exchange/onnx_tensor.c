#include "exchange/onnx_tensor.h"

#include "base/bounds.h"
#include "base/bytes.h"
#include "cli/list.h"
#include "cli/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct element_type {
    const char *name; /* NULL: there is no such type, or it is not read */
    int bytes;        /* of an element in raw_data */
    bool is_float;
};
static const struct element_type types[ONNX_TYPES] = {
    [ONNX_FLOAT] = {"float32", 4, true},     [ONNX_UINT8] = {"uint8", 1, false},
    [ONNX_INT8] = {"int8", 1, false},        [ONNX_UINT16] = {"uint16", 2, false},
    [ONNX_INT16] = {"int16", 2, false},      [ONNX_INT32] = {"int32", 4, false},
    [ONNX_INT64] = {"int64", 8, false},      [ONNX_BOOL] = {"bool", 1, false},
    [ONNX_FLOAT16] = {"float16", 2, true},   [ONNX_DOUBLE] = {"float64", 8, true},
    [ONNX_UINT32] = {"uint32", 4, false},    [ONNX_UINT64] = {"uint64", 8, false},
    [ONNX_BFLOAT16] = {"bfloat16", 2, true},
};

static bool is_known(int type) { return type >= 0 && type < ONNX_TYPES && types[type].name; }
bool onnx_type_is_float(int type) { return is_known(type) && types[type].is_float; }

const char *onnx_type_name(int type)
{
    static const char *const others[] = {"no element type",
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         "text",
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         NULL,
                                         "complex64",
                                         "complex128",
                                         NULL,
                                         "float8",
                                         "float8",
                                         "float8",
                                         "float8",
                                         "uint4",
                                         "int4",
                                         "float4"};
    const int count = (int)(sizeof others / sizeof others[0]);
    if (is_known(type))
        return types[type].name;
    return type >= 0 && type < count && others[type] ? others[type] : "an unknown element type";
}

void *onnx_memory_take(struct onnx_memory *memory, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > ONNX_MEMORY_BYTES - memory->bytes)
        return NULL;
    void *block = allocate(bytes ? bytes : 1, 1);
    memory->bytes += bytes;
    LIST_ADD(memory->blocks, memory->count, block);
    return block;
}

void onnx_memory_free(struct onnx_memory *memory)
{
    for (int i = 0; i < memory->count; i++)
        free(memory->blocks[i]);
    free(memory->blocks);
    *memory = (struct onnx_memory){0};
}

/* dims and their product, below 2^31. */
static bool set_dims(struct onnx_constant *out, enum onnx_type type, int rank, const int64_t *dims)
{
    *out = (struct onnx_constant){.type = type, .rank = rank, .count = 1};
    if (rank < 0 || rank > GRAPH_RANK)
        return false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0 || dims[i] > INT_MAX || __builtin_mul_overflow(out->count, (size_t)dims[i], &out->count) ||
            out->count > INT_MAX)
            return false;
        out->dims[i] = (int)dims[i];
    }
    return true;
}

bool onnx_constant_make(struct onnx_constant *out, struct onnx_elements *elements, enum onnx_type type, int rank,
                        const int64_t *dims, struct onnx_memory *memory)
{
    *elements = (struct onnx_elements){0};
    if (!set_dims(out, type, rank, dims) || out->count > LIMIT_PARAMETERS)
        return false;
    if (onnx_type_is_float((int)type))
        out->floats = elements->floats = onnx_memory_take(memory, out->count, sizeof(float));
    else
        out->integers = elements->integers = onnx_memory_take(memory, out->count, sizeof(int64_t));
    return out->floats || out->integers;
}

/* The elements' little-endian bytes: in the file, or in another one. */
struct raw {
    const uint8_t *bytes;
    size_t size;
};

static bool refuse(char reason[ONNX_REASON], const Onnx__Tensor *tensor, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(char reason[ONNX_REASON], const Onnx__Tensor *tensor, const char *format, ...)
{
    const char *name = tensor->name ? tensor->name : "";
    const int used = snprintf(reason, ONNX_REASON, "the initializer \"%.120s\" ", name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + used, ONNX_REASON - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* A decimal number without a sign; false if it is none, or too large. */
static bool read_size(size_t *size, const char *text)
{
    *size = 0;
    for (const char *p = text; *p; p++)
        if (*p < '0' || *p > '9' || __builtin_mul_overflow(*size, (size_t)10, size) ||
            __builtin_add_overflow(*size, (size_t)(*p - '0'), size))
            return false;
    return *text != '\0';
}

/* location: a file in the model's folder; offset and length, in bytes: all of it unless said. */
static bool find_external(struct raw *raw, const Onnx__Tensor *tensor, const struct package *package,
                          char reason[ONNX_REASON])
{
    const char *location = NULL, *offset = "0", *length = NULL;
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = tensor->external_data[i]->key, *value = tensor->external_data[i]->value;
        if (!key || !value)
            continue;
        if (strcmp(key, "location") == 0)
            location = value;
        else if (strcmp(key, "offset") == 0)
            offset = value;
        else if (strcmp(key, "length") == 0)
            length = value;
    }
    if (!location)
        return refuse(reason, tensor, "is in another file (external data) that it does not name");
    struct failure failure;
    size_t size, first, count;
    const uint8_t *bytes = package_file(&size, package, location, &failure);
    if (!bytes)
        return refuse(reason, tensor, "is in another file (external data): %.200s: %.200s", failure.subject,
                      failure.reason);
    if (!read_size(&first, offset) || (length && !read_size(&count, length)))
        return refuse(reason, tensor, "has offset \"%.30s\" and length \"%.30s\" in %.120s: they are no numbers",
                      offset, length ? length : "", location);
    if (first > size || (length && count > size - first))
        return refuse(reason, tensor, "ends behind the end of %.120s, which has %zu bytes: fetch that file again",
                      location, size);
    *raw = (struct raw){bytes + first, length ? count : size - first};
    return true;
}

static uint64_t load(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static int64_t integer_of(uint64_t bits, enum onnx_type type)
{
    if (type == ONNX_INT8)
        return (int8_t)bits;
    if (type == ONNX_INT16)
        return (int16_t)bits;
    if (type == ONNX_INT32)
        return (int32_t)bits;
    return (int64_t)bits;
}

static float float_of(uint64_t bits, enum onnx_type type)
{
    if (type == ONNX_FLOAT16)
        return bytes_float16_to((uint16_t)bits);
    if (type == ONNX_DOUBLE) {
        double x;
        memcpy(&x, &bits, sizeof x);
        return (float)x;
    }
    const uint32_t word = (uint32_t)(type == ONNX_BFLOAT16 ? bits << 16 : bits);
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* Whether float32 lies there as this machine has it in memory, so that it need not be copied. */
static bool is_native(const struct raw *raw)
{
    const uint32_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1 && (uintptr_t)raw->bytes % _Alignof(float) == 0;
}

static bool read_raw(struct onnx_constant *out, const Onnx__Tensor *tensor, const struct raw *raw,
                     struct onnx_memory *memory, char reason[ONNX_REASON])
{
    const int bytes = types[out->type].bytes;
    if (raw->size != out->count * (size_t)bytes)
        return refuse(reason, tensor, "has %zu bytes, but its %zu elements (%s) take %zu", raw->size, out->count,
                      types[out->type].name, out->count * (size_t)bytes);
    if (out->type == ONNX_FLOAT && is_native(raw)) {
        out->floats = (const float *)(const void *)raw->bytes;
        return true;
    }
    if (types[out->type].is_float) {
        float *to = onnx_memory_take(memory, out->count, sizeof *to);
        for (size_t i = 0; to && i < out->count; i++)
            to[i] = float_of(load(raw->bytes + i * (size_t)bytes, bytes), out->type);
        out->floats = to;
    } else {
        int64_t *to = onnx_memory_take(memory, out->count, sizeof *to);
        for (size_t i = 0; to && i < out->count; i++)
            to[i] = integer_of(load(raw->bytes + i * (size_t)bytes, bytes), out->type);
        out->integers = to;
    }
    return out->floats || out->integers || refuse(reason, tensor, "takes more memory than all constants may together");
}

/* Elements in the list for their type: float16 and bfloat16 as the bits of int32_data. */
static bool read_lists(struct onnx_constant *out, const Onnx__Tensor *tensor, struct onnx_memory *memory,
                       char reason[ONNX_REASON])
{
    const enum onnx_type type = out->type;
    const bool in_uint64 = type == ONNX_UINT32 || type == ONNX_UINT64;
    const size_t there = type == ONNX_FLOAT    ? tensor->n_float_data
                         : type == ONNX_DOUBLE ? tensor->n_double_data
                         : type == ONNX_INT64  ? tensor->n_int64_data
                         : in_uint64           ? tensor->n_uint64_data
                                               : tensor->n_int32_data;
    if (there != out->count)
        return refuse(reason, tensor, "has %zu elements, but its dimensions are of %zu", there, out->count);
    if (type == ONNX_FLOAT)
        out->floats = tensor->float_data;
    if (type == ONNX_INT64)
        out->integers = tensor->int64_data;
    if (out->floats || out->integers)
        return true;
    float *floats = types[type].is_float ? onnx_memory_take(memory, out->count, sizeof *floats) : NULL;
    int64_t *integers = types[type].is_float ? NULL : onnx_memory_take(memory, out->count, sizeof *integers);
    if (!floats && !integers)
        return refuse(reason, tensor, "takes more memory than all constants may together");
    for (size_t i = 0; i < out->count; i++) {
        if (type == ONNX_DOUBLE)
            floats[i] = (float)tensor->double_data[i];
        else if (floats)
            floats[i] = float_of((uint16_t)tensor->int32_data[i], type);
        else
            integers[i] =
                in_uint64 ? (int64_t)tensor->uint64_data[i] : integer_of((uint64_t)tensor->int32_data[i], type);
    }
    out->floats = floats;
    out->integers = integers;
    return true;
}

bool onnx_tensor_read(struct onnx_constant *out, const Onnx__Tensor *tensor, const struct package *package,
                      struct onnx_memory *memory, char reason[ONNX_REASON])
{
    enum { EXTERNAL = 1 };
    *out = (struct onnx_constant){0};
    if (!is_known(tensor->data_type))
        return refuse(reason, tensor, "has elements of %s, which Eyelet does not read",
                      onnx_type_name(tensor->data_type));
    if (tensor->n_dims > GRAPH_RANK)
        return refuse(reason, tensor, "has %zu dimensions; %d are the most that Eyelet reads", tensor->n_dims,
                      GRAPH_RANK);
    if (!set_dims(out, (enum onnx_type)tensor->data_type, (int)tensor->n_dims, tensor->dims))
        return refuse(reason, tensor, "has dimensions that are negative, or of more than 2^31 elements");
    if (!out->count) {
        static const float no_float[1];
        static const int64_t no_integer[1];
        out->floats = types[out->type].is_float ? no_float : NULL;
        out->integers = types[out->type].is_float ? NULL : no_integer;
        return true;
    }
    struct raw raw = {tensor->raw_data.data, tensor->raw_data.len};
    if (tensor->data_location == EXTERNAL)
        return find_external(&raw, tensor, package, reason) && read_raw(out, tensor, &raw, memory, reason);
    return tensor->has_raw_data ? read_raw(out, tensor, &raw, memory, reason) : read_lists(out, tensor, memory, reason);
}
