#include "exchange/safetensors_tensors.h"

#include "base/bounds.h"
#include "base/bytes.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/json_tree.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MAX_MODULES = 8 * LIMIT_NODES };

static const char *const part_names[TORCH_PARTS] = {"weight", "bias", "running_mean", "running_var"};

/* ---- Names ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Numbers in names are compared as numbers. */
static int compare_names(const char *a, const char *b)
{
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            char *end_a, *end_b;
            const unsigned long long x = strtoull(a, &end_a, 10), y = strtoull(b, &end_b, 10);
            if (x != y)
                return x < y ? -1 : 1;
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return *a ? 1 : *b ? -1 : 0;
}

static int compare_modules(const void *a, const void *b)
{
    const struct torch_module *x = a, *y = b;
    const int order = compare_names(x->name, y->name);
    return order ? order : strcmp(x->name, y->name);
}

static struct torch_module *module_of(struct torch_modules *modules, const char *name, size_t length)
{
    for (int i = modules->count - 1; i >= 0; i--)
        if (strlen(modules->items[i].name) == length && memcmp(modules->items[i].name, name, length) == 0)
            return &modules->items[i];
    struct torch_module module = {.name = text_copy_bytes(name, length)};
    for (int part = 0; part < TORCH_PARTS; part++)
        module.parts[part].rank = -1;
    LIST_ADD(modules->items, modules->count, module);
    return &modules->items[modules->count - 1];
}

/* ---- Values ---- */

struct dtype {
    const char *name;
    int bytes;
    float (*get)(const uint8_t *p);
};

static float get_float16(const uint8_t *p) { return bytes_float16_to((uint16_t)bytes_get2(p)); }

static float get_bfloat16(const uint8_t *p)
{
    const uint8_t wide[4] = {0, 0, p[0], p[1]};
    return bytes_get_float(wide);
}

static float get_double(const uint8_t *p)
{
    const uint64_t bits = (uint64_t)bytes_get4(p) | (uint64_t)bytes_get4(p + 4) << 32;
    double x;
    memcpy(&x, &bits, sizeof x);
    return (float)x;
}

static const struct dtype dtypes[] = {
    {"F32", 4, bytes_get_float}, {"F16", 2, get_float16}, {"BF16", 2, get_bfloat16}, {"F64", 8, get_double}};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* NULL: integers and the like. */
static const struct dtype *dtype_of(const cJSON *tensor)
{
    const char *name = json_tree_text(json_tree_member(tensor, "dtype"));
    for (int i = 0; i < DTYPES && name; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

/* ---- Tensors ---- */

struct file {
    const uint8_t *data;
    size_t size, left; /* of the data; of it, what no tensor has had yet */
    const char *path;
};

/* Where the tensor stands, as far as the header is to be believed. */
static bool place(struct graph_constant *constant, size_t *offset, const cJSON *tensor, const struct dtype *dtype,
                  const struct file *file)
{
    double begin, end;
    const cJSON *offsets = json_tree_member(tensor, "data_offsets");
    constant->rank = json_tree_ints_up_to(constant->dims, GRAPH_RANK, json_tree_member(tensor, "shape"));
    size_t count = 1;
    for (int k = 0; k < constant->rank; k++) {
        if (constant->dims[k] < 1 || count > (size_t)LIMIT_PARAMETERS / (size_t)constant->dims[k])
            return false;
        count *= (size_t)constant->dims[k];
    }
    if (constant->rank < 0 || json_tree_count(offsets) != 2 || !json_tree_number(&begin, offsets->child) ||
        !json_tree_number(&end, offsets->child->next) || !(begin >= 0 && end >= begin && end <= (double)file->size))
        return false;
    *offset = (size_t)begin;
    return (size_t)end - *offset == count * (size_t)dtype->bytes;
}

static size_t count_of(const struct graph_constant *constant)
{
    size_t count = 1;
    for (int k = 0; k < constant->rank; k++)
        count *= (size_t)constant->dims[k];
    return count;
}

static bool add_tensor(struct torch_modules *modules, const cJSON *tensor, struct file *file, struct failure *failure)
{
    const char *name = tensor->string, *last = strrchr(name, '.');
    const struct dtype *dtype = dtype_of(tensor);
    struct graph_constant constant = {0};
    size_t offset = 0;
    int part = 0;
    while (part < TORCH_PARTS && strcmp(last ? last + 1 : name, part_names[part]) != 0)
        part++;
    if (!dtype || part == TORCH_PARTS)
        return true; /* num_batches_tracked and the like */
    if (!place(&constant, &offset, tensor, dtype, file))
        return failure_set(failure, file->path, NULL, "the tensor %.200s has a shape, a size or a place that cannot be",
                           name);
    if (modules->count == MAX_MODULES)
        return failure_set(failure, file->path, NULL, "there are tensors of more than %d layers", MAX_MODULES);
    struct torch_module *module = module_of(modules, name, last ? (size_t)(last - name) : 0);
    if (torch_module_has(module, (enum torch_part)part))
        return failure_set(failure, file->path, NULL, "the tensor %.200s is there twice", name);
    const size_t count = count_of(&constant);
    if (count * (size_t)dtype->bytes > file->left) /* or a small file could ask for any memory */
        return failure_set(failure, file->path, NULL, "the tensor %.200s stands where another one does", name);
    file->left -= count * (size_t)dtype->bytes;
    float *values = module->values[part] = allocate(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = dtype->get(file->data + offset + i * (size_t)dtype->bytes);
    constant.values = values;
    module->parts[part] = constant;
    return true;
}

bool torch_modules_read(struct torch_modules *modules, const uint8_t *bytes, size_t size, const char *path,
                        struct failure *failure)
{
    *modules = (struct torch_modules){0};
    const uint64_t length =
        size < LENGTH_BYTES ? UINT64_MAX : (uint64_t)bytes_get4(bytes) | (uint64_t)bytes_get4(bytes + 4) << 32;
    if (size < LENGTH_BYTES || length > size - LENGTH_BYTES)
        return failure_set(failure, path, NULL, "the file is cut short, or no safetensors file");
    cJSON *header = json_tree_parse(bytes + LENGTH_BYTES, (size_t)length, path, failure);
    if (!header)
        return false;
    const size_t data_bytes = size - LENGTH_BYTES - (size_t)length;
    struct file file = {bytes + LENGTH_BYTES + length, data_bytes, data_bytes, path};
    bool read = cJSON_IsObject(header)
                    ? true
                    : failure_set(failure, path, NULL, "its header is no object, so it is no safetensors file");
    for (const cJSON *tensor = read ? header->child : NULL; tensor && read; tensor = tensor->next)
        if (strcmp(tensor->string, "__metadata__") != 0)
            read = add_tensor(modules, tensor, &file, failure);
    cJSON_Delete(header);
    if (!read)
        torch_modules_free(modules);
    else if (modules->count)
        qsort(modules->items, (size_t)modules->count, sizeof *modules->items, compare_modules);
    return read;
}

void torch_modules_free(struct torch_modules *modules)
{
    for (int i = 0; i < modules->count; i++) {
        free(modules->items[i].name);
        for (int part = 0; part < TORCH_PARTS; part++)
            free(modules->items[i].values[part]);
    }
    free(modules->items);
    *modules = (struct torch_modules){0};
}
