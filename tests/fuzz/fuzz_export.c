/* libFuzzer target: a model written in the formats of other programs. What is written must hold together: the lengths
 * of protobuf's fields, the offsets of safetensors. */
#include "exchange/onnx.h"
#include "exchange/safetensors.h"
#include "fuzz/model_parts.h"
#include "net/model.h"

#include <stdlib.h>
#include <string.h>

FUZZ_MODELS

static bool take_varint(uint64_t *x, struct fuzz_part *rest)
{
    *x = 0;
    for (int shift = 0; rest->size && shift < 64; shift += 7) {
        const uint8_t byte = *rest->bytes++;
        rest->size--;
        *x |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Whether the bytes are a row of fields to their end. */
static bool is_message(struct fuzz_part message, int *fields)
{
    static const size_t fixed[] = {[1] = 8, [5] = 4};
    for (*fields = 0; message.size; ++*fields) {
        uint64_t key, size;
        if (!take_varint(&key, &message))
            return false;
        switch (key & 7) {
        case 0:
            if (!take_varint(&size, &message))
                return false;
            continue;
        case 1:
        case 5: size = fixed[key & 7]; break;
        case 2:
            if (!take_varint(&size, &message))
                return false;
            break;
        default: return false;
        }
        if (size > message.size)
            return false;
        message.bytes += size;
        message.size -= (size_t)size;
    }
    return true;
}

static void to_onnx(void *context)
{
    struct fuzz_part file;
    int fields;
    uint8_t *bytes = onnx_bytes(&file.size, context);
    file.bytes = bytes;
    fuzz_require(is_message(file, &fields) && fields > 4);
    free(bytes);
}

/* "data_offsets":[0,12], one tensor behind the other, up to the end. */
static void to_safetensors(void *context)
{
    size_t size, at = 0;
    struct failure failure;
    uint8_t *bytes = safetensors_bytes(&size, context, "fuzzed.eyelet", &failure);
    if (!bytes) /* a flattened image in an order that has no form there */
        return;
    uint64_t header = 0;
    for (int i = 0; i < 8; i++)
        header |= (uint64_t)bytes[i] << (8 * i);
    fuzz_require(header <= size - 8);
    char *text = strndup((char *)bytes + 8, header);
    for (char *next = text; (next = strstr(next, "\"data_offsets\"")); next++) {
        size_t from = strcspn(next, "0123456789");
        char *end;
        fuzz_require(strtoull(next + from, &end, 10) == at);
        end += strcspn(end, "0123456789");
        at = strtoull(end, NULL, 10);
    }
    fuzz_require(at == size - 8 - header);
    free(text);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    uint8_t *bytes = fuzz_copy(data, size);
    if (model_read(&model, bytes, size) == STATUS_OK && net_parameter_count(&model.net) < 1 << 16) {
        fuzz_require(fuzz_command(to_onnx, &model));
        fuzz_command(to_safetensors, &model);
    }
    free(bytes);
    return 0;
}
