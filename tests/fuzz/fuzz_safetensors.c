/* libFuzzer target: the reader of PyTorch's weights: the text of a network, a line "--8<--", the safetensors file. The
 * mutator changes the text, the header's JSON or the data, and makes the header's length right again, and often where
 * the tensors stand and how many bytes there are. */
#include "base/bytes.h"
#include "base/random.h"
#include "fuzz/import_parts.h"
#include "fuzz/json_parts.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

/* The bytes of a tensor with this shape; 0: it is none that a small file can have. */
static size_t bytes_of(const cJSON *tensor, size_t max_size)
{
    const char *dtype = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tensor, "dtype"));
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(tensor, "shape"), *size;
    size_t bytes = !dtype ? 0 : strcmp(dtype, "F32") == 0 ? 4 : strchr(dtype, '6') && !strchr(dtype, '4') ? 2 : 8;
    cJSON_ArrayForEach(size, shape)
    {
        if (!(size->valuedouble >= 1 && size->valuedouble <= (double)max_size))
            return 0;
        bytes *= (size_t)size->valuedouble;
        if (bytes > max_size)
            return 0;
    }
    return bytes;
}

/* The header with each tensor behind the one before, in *header, and the size of them all. Header NULL: it is no JSON,
 * or what it describes is too large. */
static size_t placed(char **header, const uint8_t *json, size_t size, size_t max_size)
{
    cJSON *tree = cJSON_ParseWithLength((const char *)json, size), *tensor;
    size_t end = 0;
    *header = NULL;
    cJSON_ArrayForEach(tensor, tree)
    {
        const size_t bytes = bytes_of(tensor, max_size);
        cJSON *offsets = cJSON_GetObjectItemCaseSensitive(tensor, "data_offsets");
        if (!bytes || cJSON_GetArraySize(offsets) != 2)
            continue;
        cJSON_SetNumberValue(offsets->child, (double)end);
        end += bytes;
        cJSON_SetNumberValue(offsets->child->next, (double)end);
        if (end > max_size)
            break;
    }
    if (tree && end <= max_size)
        *header = cJSON_PrintUnformatted(tree);
    cJSON_Delete(tree);
    return end;
}

struct parts {
    struct fuzz_part text, json, values;
};

/* False: the input has no such parts. */
static bool take_apart(struct parts *parts, const uint8_t *data, size_t size)
{
    struct fuzz_part file = {data, size};
    fuzz_next(&parts->text, &file);
    if (!file.bytes || file.size < LENGTH_BYTES || bytes_get4(file.bytes) > file.size - LENGTH_BYTES)
        return false;
    parts->json = (struct fuzz_part){file.bytes + LENGTH_BYTES, bytes_get4(file.bytes)};
    parts->values =
        (struct fuzz_part){parts->json.bytes + parts->json.size, file.size - LENGTH_BYTES - parts->json.size};
    return true;
}

/* The input's size; 0: there is no room. Values that are missing repeat those that there are. */
static size_t put_together(uint8_t *data, size_t max_size, const struct parts *parts, size_t value_bytes)
{
    static const char cut[] = "\n--8<--\n";
    const size_t text_bytes = parts->text.size, json_bytes = parts->json.size;
    if (text_bytes + sizeof cut - 1 + LENGTH_BYTES + json_bytes + value_bytes > max_size)
        return 0;
    uint8_t *p = data;
    if (text_bytes)
        memcpy(p, parts->text.bytes, text_bytes);
    memcpy(p += text_bytes, cut, sizeof cut - 1);
    bytes_put4(p += sizeof cut - 1, (uint32_t)json_bytes);
    bytes_put4(p + 4, 0);
    if (json_bytes)
        memcpy(p + LENGTH_BYTES, parts->json.bytes, json_bytes);
    p += LENGTH_BYTES + json_bytes;
    for (size_t i = 0; i < value_bytes; i++)
        p[i] = parts->values.size ? parts->values.bytes[i % parts->values.size] : (uint8_t)i;
    return (size_t)(p - data) + value_bytes;
}

/* Changes one of the parts; memory has room for max_size bytes. */
static void damage(struct parts *parts, uint8_t *memory, size_t max_size, struct random *random)
{
    const uint32_t which = random_below(random, 8);
    struct fuzz_part *part = which < 3 ? &parts->text : which < 7 ? &parts->json : &parts->values;
    const size_t room = max_size - parts->text.size - parts->json.size - parts->values.size + part->size;
    if (part->size)
        memcpy(memory, part->bytes, part->size);
    part->size = which >= 3 && which < 7 ? json_mutate(memory, part->size, room, (unsigned)random_next(random))
                                         : LLVMFuzzerMutate(memory, part->size, room);
    part->bytes = memory;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct random random = random_seed(seed, 0);
    uint8_t *before = fuzz_copy(data, size), *memory = malloc(max_size);
    char *header = NULL;
    struct parts parts;
    size_t made = 0;
    if (take_apart(&parts, before, size) && random_below(&random, 12)) {
        damage(&parts, memory, max_size, &random);
        size_t value_bytes = parts.values.size;
        const size_t wanted =
            random_below(&random, 2) ? placed(&header, parts.json.bytes, parts.json.size, max_size) : 0;
        if (header) {
            parts.json = (struct fuzz_part){(const uint8_t *)header, strlen(header)};
            value_bytes = wanted;
        }
        made = put_together(data, max_size, &parts, value_bytes);
    }
    cJSON_free(header);
    free(memory);
    free(before);
    return made ? made : LLVMFuzzerMutate(data, size, max_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part text, file = {data, size};
    fuzz_next(&text, &file);
    if (file.bytes)
        import_described(&safetensors_importer, "fuzzed.safetensors", &file, &text);
    return 0;
}
