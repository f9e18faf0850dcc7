#include "fuzz/model_parts.h"

#include "base/bytes.h"
#include "base/random.h"
#include "net/model_fields.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PART = 1 << 16 };

struct bytes {
    uint8_t at[MAX_PART];
    size_t size;
};

/* A file taken apart. As many labels as the nodes have classes, or all that look like some; the rest is everything
 * behind the notes but the checksum. */
struct parts {
    uint8_t header[MODEL_HEADER_BYTES];
    uint8_t nodes[(LIMIT_NODES + 1) * MODEL_NODE_BYTES];
    int node_count;
    struct bytes labels, notes, rest;
};

/* What is made right again when the parts are put together; cut: the file ends somewhere within. */
struct seal {
    bool counts, labels, rest, checksum, cut;
};

static void set_bytes(struct bytes *bytes, const uint8_t *from, size_t size)
{
    bytes->size = size < MAX_PART ? size : MAX_PART;
    memcpy(bytes->at, from, bytes->size);
}

/* Where the header has this member of struct model. */
static size_t header_offset(size_t member)
{
    size_t offset = MODEL_PREFIX_BYTES;
    for (const struct field *field = model_header; field->count; field++) {
        if (field->type != FIELD_ZERO && field->member == member)
            return offset;
        offset += (size_t)field->bytes * field->count;
    }
    abort();
}
#define HEADER(parts, member) ((parts)->header + header_offset(offsetof(struct model, member)))

/* The model that header and nodes describe, if they do. */
static bool describe(struct model *model, const struct parts *parts)
{
    if (fields_read(model, parts->header + MODEL_PREFIX_BYTES, model_header, STATUS_HEADER))
        return false;
    model->net.node_count = parts->node_count;
    for (int i = 0; i < parts->node_count; i++) {
        model->net.nodes[i] = (struct node){0};
        if (fields_read(&model->net.nodes[i], parts->nodes + i * MODEL_NODE_BYTES, model_node, STATUS_NODE))
            return false;
    }
    return !net_check(&model->net, NULL);
}

/* The bytes of so many labels; of less, if there are no more. */
static size_t labels_size(const uint8_t *p, size_t size, int count)
{
    size_t at = 0;
    for (; count > 0 && at < size && at + 1 + p[at] <= size; count--)
        at += 1 + (size_t)p[at];
    return at;
}

static bool take_apart(struct parts *parts, const uint8_t *data, size_t size)
{
    static struct model model;
    if (size < MODEL_HEADER_BYTES + MODEL_NODE_BYTES + 4)
        return false;
    memcpy(parts->header, data, MODEL_HEADER_BYTES);
    size_t left = size - 4 - MODEL_HEADER_BYTES, count = bytes_get2(HEADER(parts, net.node_count));
    count = count < left / MODEL_NODE_BYTES ? count : left / MODEL_NODE_BYTES;
    parts->node_count = count < LIMIT_NODES ? (int)count : LIMIT_NODES;
    const size_t nodes = (size_t)parts->node_count * MODEL_NODE_BYTES;
    memcpy(parts->nodes, data + MODEL_HEADER_BYTES, nodes);
    const uint8_t *p = data + MODEL_HEADER_BYTES + nodes;
    left -= nodes;

    const size_t labels = labels_size(p, left, describe(&model, parts) ? net_classes(&model.net) : 0);
    set_bytes(&parts->labels, p, labels);
    const size_t length = bytes_get4(HEADER(parts, notes_length)),
                 notes = length < left - labels ? length : left - labels;
    set_bytes(&parts->notes, p + labels, notes);
    const size_t weights = (size_t)model_aligned((uint64_t)(p + labels + notes - data));
    set_bytes(&parts->rest, data + (weights < size - 4 ? weights : 0), weights < size - 4 ? size - 4 - weights : 0);
    return true;
}

/* Appends bytes, if there is room; source NULL: zeros. */
static bool put(struct fuzz_part *file, uint8_t *out, size_t max_size, const uint8_t *source, size_t size)
{
    if (size > max_size - file->size)
        return false;
    if (source)
        memcpy(out + file->size, source, size);
    else
        memset(out + file->size, 0, size);
    file->size += size;
    return true;
}

static bool chance(struct random *random, uint32_t one_in) { return random_below(random, one_in) == 0; }

/* The size of the file; 0 if it is too large. */
static size_t put_together(struct random *random, uint8_t *out, size_t max_size, struct parts *parts)
{
    const struct seal seal = {!chance(random, 16), !chance(random, 16), !chance(random, 16), !chance(random, 32),
                              chance(random, 12)};
    static struct model model;
    struct fuzz_part file = {out, 0};
    if (seal.counts) {
        bytes_put2(HEADER(parts, net.node_count), parts->node_count);
        bytes_put4(HEADER(parts, notes_length), (uint32_t)parts->notes.size);
    }
    const bool described = describe(&model, parts);
    bool room = put(&file, out, max_size, parts->header, MODEL_HEADER_BYTES) &&
                put(&file, out, max_size, parts->nodes, (size_t)parts->node_count * MODEL_NODE_BYTES);
    size_t labels = parts->labels.size;
    if (described && seal.labels) {
        const int classes = net_classes(&model.net);
        int there = 0;
        while (there < classes && labels_size(parts->labels.at, parts->labels.size, there + 1) >
                                      labels_size(parts->labels.at, parts->labels.size, there))
            there++;
        labels = labels_size(parts->labels.at, parts->labels.size, there);
        room = room && put(&file, out, max_size, parts->labels.at, labels);
        for (; there < classes && room; there++)
            room = put(&file, out, max_size, (const uint8_t[]){1, (uint8_t)('a' + there % 26)}, 2);
    } else {
        room = room && put(&file, out, max_size, parts->labels.at, labels);
    }
    room = room && put(&file, out, max_size, parts->notes.at, parts->notes.size) &&
           put(&file, out, max_size, NULL, (size_t)model_aligned(file.size) - file.size);

    size_t rest = parts->rest.size;
    if (described && seal.rest) {
        uint64_t end = file.size;
        for (int i = 0; i < model.net.node_count; i++)
            end += model_parameter_bytes(&model, i);
        end = model_examples_end(&model.examples, &model, NULL, end);
        if (end > max_size)
            return 0;
        rest = (size_t)end - file.size;
    }
    while (rest > parts->rest.size && room && parts->rest.size) { /* what is missing repeats what is there */
        room = put(&file, out, max_size, parts->rest.at, parts->rest.size);
        rest -= parts->rest.size;
    }
    room = room && put(&file, out, max_size, parts->rest.size ? parts->rest.at : NULL, rest);
    if (seal.cut && room)
        return random_below(random, (uint32_t)file.size);
    const uint32_t sum = bytes_crc32(out, file.size);
    uint8_t checksum[4];
    bytes_put4(checksum, seal.checksum ? sum : ~sum);
    return room && put(&file, out, max_size, checksum, sizeof checksum) ? file.size : 0;
}

/* ---- Damage ---- */

static uint32_t odd_number(struct random *random, const struct field *field, uint32_t old)
{
    static const float floats[] = {0, -0.0f, 1, -1, 1e-6f, 0.99999994f, FLT_MIN, 1e-45f, FLT_MAX, -FLT_MAX, 1e6f};
    uint8_t bytes[4];
    switch (random_below(random, 8)) {
    case 0: return (uint32_t)random_next(random);
    case 1: return old + 1;
    case 2: return old - 1;
    case 3: return old ^ 1u << random_below(random, 32);
    case 4: return field->type == FIELD_FLOAT ? 0x7fc00000 : (uint32_t)field->max;     /* a NaN, or the limit */
    case 5: return field->type == FIELD_FLOAT ? 0x7f800000 : (uint32_t)field->max + 1; /* infinity, or above it */
    case 6: return field->type == FIELD_FLOAT ? 0xff800000 : (uint32_t)field->min;
    default: break;
    }
    if (field->type != FIELD_FLOAT)
        return random_below(random, 12);
    bytes_put_float(bytes, floats[random_below(random, sizeof floats / sizeof *floats)]);
    return bytes_get4(bytes);
}

/* One value of a record, whose fields are these. */
static void damage_field(struct random *random, uint8_t *record, const struct field *fields)
{
    int values = 0;
    for (const struct field *field = fields; field->count; field++)
        values += field->type == FIELD_ZERO ? 1 : field->count;
    int left = (int)random_below(random, (uint32_t)values);
    for (const struct field *field = fields; field->count; field++) {
        const int count = field->type == FIELD_ZERO ? 1 : field->count;
        if (left >= count) {
            left -= count;
            record += field->bytes * field->count;
            continue;
        }
        record += field->bytes * (field->type == FIELD_ZERO ? (int)random_below(random, field->count) : left);
        const uint32_t old = field->bytes == 1   ? record[0]
                             : field->bytes == 2 ? bytes_get2(record)
                                                 : bytes_get4(record),
                       x = odd_number(random, field, old);
        for (int i = 0; i < field->bytes; i++)
            record[i] = (uint8_t)(x >> 8 * i);
        return;
    }
}

/* A layer that net_check may well accept behind tensor `from`. */
static void new_node(struct random *random, uint8_t *record, int from)
{
    const enum node_kind kind = (enum node_kind)(1 + random_below(random, NODE_KINDS - 1));
    const struct kind_traits *traits = &kind_traits[kind];
    struct node node = {.kind = kind, .input = {from}};
    if (traits->inputs > 1)
        node.input[1] = chance(random, 2) ? from : (int)random_below(random, (uint32_t)from + 1);
    if (traits->broadcast && chance(random, 4)) /* of which the newer one is more often a single pixel */
        node.input[0] = (int)random_below(random, (uint32_t)from + 1), node.input[1] = from;
    node.channels = traits->channels ? 1 + (int)random_below(random, 9) : 0;
    if (node_has_window(kind)) {
        node.kernel_h = 1 + (int)random_below(random, 3);
        node.kernel_w = 1 + (int)random_below(random, 3);
        node.stride = 1 + (int)random_below(random, 2);
        node.same = chance(random, 2);
        node.dilation = kind == NODE_CONV2D ? 1 + (int)chance(random, 4) : 0;
    }
    node.groups = traits->groups ? 1 + (int)(kind == NODE_SHUFFLE && chance(random, 2)) : 0;
    node.bias = traits->parameters == PARAMETERS_WEIGHTS && chance(random, 2);
    node.rate = traits->setting == SETTING_NONE ? 0 : 0.5f;
    fields_write(record, &node, model_node);
}

/* Adds `step` to the numbers of the tensors from `tensor` on, that nodes from `first` on and the header name. */
static void renumber(struct parts *parts, int first, int tensor, int step)
{
    for (int i = first; i < parts->node_count; i++) {
        struct node node = {0};
        uint8_t *record = parts->nodes + i * MODEL_NODE_BYTES;
        if (fields_read(&node, record, model_node, STATUS_NODE))
            continue;
        for (int k = 0; k < kind_traits[node.kind].inputs; k++)
            node.input[k] += node.input[k] >= tensor && node.input[k] + step >= 0 ? step : 0;
        fields_write(record, &node, model_node);
    }
    uint8_t *embedding = HEADER(parts, net.embedding);
    const int named = (int)bytes_get2(embedding);
    if (named >= tensor)
        bytes_put2(embedding, named + step);
}

static void insert_node(struct random *random, struct parts *parts)
{
    const int at = (int)random_below(random, (uint32_t)parts->node_count + 1);
    uint8_t *record = parts->nodes + at * MODEL_NODE_BYTES;
    if (parts->node_count > LIMIT_NODES - 1)
        return;
    memmove(record + MODEL_NODE_BYTES, record, (size_t)(parts->node_count++ - at) * MODEL_NODE_BYTES);
    if (chance(random, 3))
        memcpy(record, parts->nodes + random_below(random, (uint32_t)parts->node_count) * MODEL_NODE_BYTES,
               MODEL_NODE_BYTES);
    else
        new_node(random, record, at);
    renumber(parts, at + 1, chance(random, 4) ? at + 1 : at, 1); /* what read its input reads it */
}

static void remove_node(struct random *random, struct parts *parts)
{
    if (parts->node_count < 2)
        return;
    const int at = (int)random_below(random, (uint32_t)parts->node_count);
    uint8_t *record = parts->nodes + at * MODEL_NODE_BYTES;
    memmove(record, record + MODEL_NODE_BYTES, (size_t)(--parts->node_count - at) * MODEL_NODE_BYTES);
    renumber(parts, at, at + 1, -1);
}

static void damage_labels(struct random *random, struct bytes *labels)
{
    static const char *const texts[] = {
        "",   "\xc3\xa4", "\xf0\x9f\x90\x88", "\xe2\x80\xae", "\xed\xa0\x80", "\xc0\x80",
        "\n", "\x7f",     "\xf4\x8f\xbf\xbf"};
    size_t at = 0;
    for (int skip = (int)random_below(random, 10); skip > 0 && at < labels->size; skip--)
        at += 1 + (size_t)labels->at[at];
    if (at >= labels->size)
        at = 0;
    const size_t old = labels->size ? 1 + (size_t)labels->at[at] : 0, left = labels->size - at;
    uint8_t text[256] = {0};
    size_t length;
    if (chance(random, 2) && old && old <= left) {
        memcpy(text, labels->at + at + 1, old - 1);
        length = LLVMFuzzerMutate(text, old - 1, 255);
    } else {
        const char *chosen = texts[random_below(random, sizeof texts / sizeof *texts)];
        const size_t times = *chosen && chance(random, 4) ? 255 / strlen(chosen) : 1;
        for (length = 0; length < times * strlen(chosen); length += strlen(chosen))
            memcpy(text + length, chosen, strlen(chosen));
    }
    if (old > left || labels->size + 256 > MAX_PART)
        return;
    memmove(labels->at + at + 1 + length, labels->at + at + old, labels->size - at - old);
    labels->at[at] = (uint8_t)length;
    memcpy(labels->at + at + 1, text, length);
    labels->size += 1 + length - old;
}

static void damage_bytes(struct random *random, struct bytes *bytes)
{
    static const uint32_t floats[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 1, 0x00800000, 0x7f7fffff, 0};
    if (bytes->size >= 4 && chance(random, 2)) /* where a float may stand */
        bytes_put4(bytes->at + 4 * random_below(random, (uint32_t)(bytes->size / 4)),
                   floats[random_below(random, sizeof floats / sizeof *floats)]);
    else
        bytes->size =
            LLVMFuzzerMutate(bytes->at, bytes->size, bytes->size < MAX_PART / 2 ? 2 * bytes->size + 64 : MAX_PART);
}

static void change_examples(struct random *random, struct parts *parts)
{
    const bool embeddings = chance(random, 2);
    bytes_put4(HEADER(parts, examples.count), 1 + random_below(random, 4));
    bytes_put2(HEADER(parts, examples.thumbnail_side), (int)random_below(random, 10) + !embeddings);
    HEADER(parts, examples.has_embeddings)[0] = embeddings;
    if (embeddings && parts->node_count > 1 && chance(random, 2))
        bytes_put2(HEADER(parts, net.embedding), parts->node_count - 1 - (int)random_below(random, 2));
}

static void damage(struct random *random, struct parts *parts)
{
    uint8_t *record = parts->nodes;
    if (parts->node_count)
        record += random_below(random, (uint32_t)parts->node_count) * MODEL_NODE_BYTES;
    switch (random_below(random, 13)) {
    case 0:
    case 1: damage_field(random, parts->header + MODEL_PREFIX_BYTES, model_header); break;
    case 2:
    case 3:
    case 4: damage_field(random, record, model_node); break;
    case 5: insert_node(random, parts); break;
    case 6: remove_node(random, parts); break;
    case 7: new_node(random, record, (int)((record - parts->nodes) / MODEL_NODE_BYTES)); break;
    case 8: damage_labels(random, &parts->labels); break;
    case 9: damage_bytes(random, &parts->notes); break;
    case 10: damage_bytes(random, &parts->rest); break;
    case 11: change_examples(random, parts); break;
    default: HEADER(parts, type)[0] = (uint8_t)random_below(random, WEIGHTS_QUANTIZED + 1); break;
    }
}

size_t model_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct parts parts;
    struct random random = random_seed(seed, 0);
    if (chance(&random, 12) || !take_apart(&parts, data, size)) {
        const size_t changed = LLVMFuzzerMutate(data, size, max_size);
        if (changed >= 4 && chance(&random, 2))
            bytes_put4(data + changed - 4, bytes_crc32(data, changed - 4));
        return changed;
    }
    do
        damage(&random, &parts);
    while (chance(&random, 2));
    const size_t made = put_together(&random, data, max_size, &parts);
    return made ? made : LLVMFuzzerMutate(data, size < max_size ? size : max_size, max_size);
}

size_t model_cross(const struct fuzz_part parents[2], uint8_t *out, size_t max_size, unsigned seed)
{
    static struct parts parts, other;
    struct random random = random_seed(seed, 1);
    if (!take_apart(&parts, parents[0].bytes, parents[0].size) ||
        !take_apart(&other, parents[1].bytes, parents[1].size))
        return 0;
    if (chance(&random, 2)) {
        memcpy(parts.nodes, other.nodes, sizeof parts.nodes);
        parts.node_count = other.node_count;
    }
    if (chance(&random, 2))
        parts.labels = other.labels;
    if (chance(&random, 2))
        parts.notes = other.notes;
    if (chance(&random, 2))
        parts.rest = other.rest;
    return put_together(&random, out, max_size, &parts);
}
