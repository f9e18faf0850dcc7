#include "exchange/onnx_node.h"

#include "cli/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct onnx_value *)a)->name, ((const struct onnx_value *)b)->name);
}

static void add_names(struct onnx_reader *reader, size_t count, char *const *names)
{
    for (size_t i = 0; i < count; i++)
        if (*names[i])
            reader->values[reader->value_count++] =
                (struct onnx_value){.name = names[i], .tensor = GRAPH_FAILED, .producer = -1};
}

/* In a sorted table, not a hashed one, whose time a file could make quadratic. */
void onnx_values_begin(struct onnx_reader *reader)
{
    const Onnx__Graph *source = reader->source;
    size_t names = source->n_initializer + source->n_input + source->n_output + 1;
    for (size_t i = 0; i < source->n_node; i++)
        names += source->node[i]->n_input + source->node[i]->n_output;
    reader->values = allocate(names, sizeof *reader->values);
    for (size_t i = 0; i < source->n_initializer; i++)
        add_names(reader, source->initializer[i]->name != NULL, &source->initializer[i]->name);
    for (size_t i = 0; i < source->n_input; i++)
        add_names(reader, source->input[i]->name != NULL, &source->input[i]->name);
    for (size_t i = 0; i < source->n_output; i++)
        add_names(reader, source->output[i]->name != NULL, &source->output[i]->name);
    for (size_t i = 0; i < source->n_node; i++) {
        add_names(reader, source->node[i]->n_input, source->node[i]->input);
        add_names(reader, source->node[i]->n_output, source->node[i]->output);
    }
    qsort(reader->values, reader->value_count, sizeof *reader->values, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < reader->value_count; i++)
        if (!kept || strcmp(reader->values[kept - 1].name, reader->values[i].name) != 0)
            reader->values[kept++] = reader->values[i];
    reader->value_count = kept;
    for (size_t i = 0; i < source->n_initializer; i++) {
        struct onnx_value *value = onnx_value(reader, source->initializer[i]->name);
        if (value)
            value->initializer = source->initializer[i];
    }
    for (size_t i = 0; i < source->n_node; i++)
        for (size_t k = 0; k < source->node[i]->n_output; k++) {
            struct onnx_value *value = onnx_value(reader, source->node[i]->output[k]);
            if (!value)
                continue;
            if (value->producer >= 0 || value->initializer)
                graph_refuse(reader->graph, "makes \"%.120s\" twice: it is damaged", value->name);
            value->producer = (int)i;
        }
}

void onnx_values_free(struct onnx_reader *reader)
{
    free(reader->values);
    onnx_memory_free(&reader->memory);
}

struct onnx_value *onnx_value(struct onnx_reader *reader, const char *name)
{
    if (!name || !*name)
        return NULL;
    const struct onnx_value key = {.name = name};
    return bsearch(&key, reader->values, reader->value_count, sizeof key, by_name);
}

/* NULL: nothing will read it. */
static struct onnx_value *output(struct onnx_reader *reader, size_t k)
{
    return k < reader->node->n_output ? onnx_value(reader, reader->node->output[k]) : NULL;
}

void onnx_bind(struct onnx_reader *reader, size_t k, int tensor, bool nonnegative)
{
    struct onnx_value *value = output(reader, k);
    if (value) {
        value->tensor = tensor;
        value->nonnegative = nonnegative;
    }
}

void onnx_bind_constant(struct onnx_reader *reader, size_t k, const struct onnx_constant *constant)
{
    struct onnx_value *value = output(reader, k);
    if (value)
        value->constant = constant;
}

const struct onnx_constant *onnx_keep(struct onnx_reader *reader, const struct onnx_constant *constant)
{
    struct onnx_constant *copy = onnx_memory_take(&reader->memory, 1, sizeof *copy);
    if (!copy)
        graph_refuse(reader->graph, "the constants of the graph take more than %zu MB", ONNX_MEMORY_BYTES >> 20);
    else
        *copy = *constant;
    return copy;
}

/* ---- Inputs ---- */

bool onnx_has_input(const struct onnx_reader *reader, size_t k)
{
    return k < reader->node->n_input && *reader->node->input[k];
}

/* Input k, read if it is an initializer; NULL with a refusal where there is none. */
static const struct onnx_value *input(struct onnx_reader *reader, size_t k, const char *what)
{
    if (graph_failed(reader->graph))
        return NULL;
    if (!onnx_has_input(reader, k)) {
        graph_refuse(reader->graph, "lacks input %zu%s%s", k + 1, *what ? ": its " : "", what);
        return NULL;
    }
    struct onnx_value *value = onnx_value(reader, reader->node->input[k]);
    if (value->initializer && !value->constant) {
        char reason[ONNX_REASON];
        struct onnx_constant constant;
        if (onnx_tensor_read(&constant, value->initializer, reader->package, &reader->memory, reason))
            value->constant = onnx_keep(reader, &constant);
        else
            graph_refuse(reader->graph, "%s", reason);
    } else if (!value->constant && value->tensor == GRAPH_FAILED) {
        graph_refuse(reader->graph,
                     "reads \"%.120s\", which no node before it makes: the graph is damaged, or runs in a circle",
                     value->name);
    }
    return graph_failed(reader->graph) ? NULL : value;
}

bool onnx_is_constant(struct onnx_reader *reader, size_t k)
{
    const struct onnx_value *value = onnx_has_input(reader, k) ? onnx_value(reader, reader->node->input[k]) : NULL;
    return value && (value->initializer || value->constant);
}

bool onnx_is_nonnegative(struct onnx_reader *reader, size_t k)
{
    const struct onnx_value *value = onnx_has_input(reader, k) ? onnx_value(reader, reader->node->input[k]) : NULL;
    return value && value->nonnegative;
}

int onnx_tensor(struct onnx_reader *reader, size_t k)
{
    const struct onnx_value *value = input(reader, k, "");
    if (!value)
        return GRAPH_FAILED;
    if (value->constant)
        return graph_refuse(reader->graph, "its input %zu is a constant, where a part of the picture should come in",
                            k + 1);
    return value->tensor;
}

const struct onnx_constant *onnx_numbers(struct onnx_reader *reader, size_t k, const char *what)
{
    const struct onnx_value *value = input(reader, k, what);
    if (value && !value->constant)
        graph_refuse(reader->graph,
                     "its %s (input %zu) are computed from the picture: only constant ones can be imported", what,
                     k + 1);
    return value ? value->constant : NULL;
}

const struct graph_constant *onnx_floats(struct onnx_reader *reader, size_t k, const char *what)
{
    if (!onnx_has_input(reader, k))
        return NULL;
    const struct onnx_constant *numbers = onnx_numbers(reader, k, what);
    if (!numbers)
        return NULL;
    struct graph_constant *floats = onnx_memory_take(&reader->memory, 1, sizeof *floats);
    if (!numbers->floats || !floats) {
        graph_refuse(reader->graph, "its %s (input %zu) are %s, not floating-point numbers", what, k + 1,
                     onnx_type_name((int)numbers->type));
        return NULL;
    }
    *floats = (struct graph_constant){.rank = numbers->rank, .values = numbers->floats};
    memcpy(floats->dims, numbers->dims, sizeof floats->dims);
    return floats;
}

double onnx_number(struct onnx_reader *reader, size_t k, const char *what, double otherwise)
{
    const struct onnx_constant *numbers = onnx_has_input(reader, k) ? onnx_numbers(reader, k, what) : NULL;
    if (!numbers)
        return otherwise;
    if (numbers->count == 1)
        return onnx_element(numbers, 0);
    graph_refuse(reader->graph, "its %s (input %zu) is %zu numbers, not one", what, k + 1, numbers->count);
    return otherwise;
}

/* ---- Attributes ---- */

const Onnx__Attribute *onnx_attribute(const struct onnx_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->node->n_attribute; i++)
        if (reader->node->attribute[i]->name && strcmp(reader->node->attribute[i]->name, name) == 0)
            return reader->node->attribute[i];
    return NULL;
}

int64_t onnx_int(const struct onnx_reader *reader, const char *name, int64_t otherwise)
{
    const Onnx__Attribute *attribute = onnx_attribute(reader, name);
    return attribute ? attribute->i : otherwise;
}

float onnx_float(const struct onnx_reader *reader, const char *name, float otherwise)
{
    const Onnx__Attribute *attribute = onnx_attribute(reader, name);
    return attribute ? attribute->f : otherwise;
}

bool onnx_text_is(const struct onnx_reader *reader, const char *name, const char *text)
{
    const Onnx__Attribute *attribute = onnx_attribute(reader, name);
    return attribute && attribute->s.len == strlen(text) && memcmp(attribute->s.data, text, attribute->s.len) == 0;
}

int onnx_int_of(int64_t x) { return x > INT_MAX ? INT_MAX : x < INT_MIN ? INT_MIN : (int)x; }

struct onnx_ints onnx_ints(struct onnx_reader *reader, const char *name)
{
    struct onnx_ints ints = {0};
    const Onnx__Attribute *attribute = onnx_attribute(reader, name);
    if (!attribute)
        return ints;
    ints.given = true;
    if (attribute->n_ints > ONNX_MAX_INTS)
        graph_refuse(reader->graph, "its %s are %zu numbers; %d are the most that make sense", name, attribute->n_ints,
                     ONNX_MAX_INTS);
    else
        for (; ints.count < (int)attribute->n_ints; ints.count++)
            ints.values[ints.count] = onnx_int_of(attribute->ints[ints.count]);
    return ints;
}

struct onnx_ints onnx_ints_or_input(struct onnx_reader *reader, const char *name, size_t k)
{
    struct onnx_ints ints = {0};
    if (onnx_attribute(reader, name) || !onnx_has_input(reader, k))
        return onnx_ints(reader, name);
    const struct onnx_constant *numbers = onnx_numbers(reader, k, name);
    if (!numbers)
        return ints;
    ints.given = true;
    if (!numbers->integers || numbers->count > ONNX_MAX_INTS)
        graph_refuse(reader->graph,
                     "its %s (input %zu) are %zu numbers of %s; %d integers are the most that make sense", name, k + 1,
                     numbers->count, onnx_type_name((int)numbers->type), ONNX_MAX_INTS);
    else
        for (; ints.count < (int)numbers->count; ints.count++)
            ints.values[ints.count] = onnx_int_of(numbers->integers[ints.count]);
    return ints;
}
