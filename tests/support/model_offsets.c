#include "support/model_offsets.h"

#include "net/model_fields.h"
#include "support/test.h"

#include <string.h>

static const struct named {
    const char *name;
    int bytes, count;
} header[] =
    {
#define NAMED(name, type, bytes, count, member, min, max) {name, bytes, count},
        {"magic", 1, 8}, {"version", 4, 1}, MODEL_HEADER_FIELDS(NAMED){0}},
  node_fields[] = {MODEL_NODE_FIELDS(NAMED){0}};

size_t model_offset(int node, const char *name, int index, int *bytes)
{
    size_t offset = node < 0 ? 0 : MODEL_HEADER_BYTES + (size_t)node * MODEL_NODE_BYTES;
    for (const struct named *field = node < 0 ? header : node_fields; field->name; field++) {
        *bytes = field->bytes;
        if (strcmp(field->name, name) == 0 && index < field->count)
            return offset + (size_t)(index * field->bytes);
        offset += (size_t)(field->bytes * field->count);
    }
    test_fail(__FILE__, __LINE__, "there is no field %s", name);
    return 0;
}

void model_put(unsigned char *model, int node, const char *name, int index, unsigned value)
{
    int bytes;
    const size_t offset = model_offset(node, name, index, &bytes);
    for (int i = 0; i < bytes; i++)
        model[offset + (size_t)i] = (unsigned char)(value >> 8 * i);
}
