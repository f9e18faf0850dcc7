#include "exchange/tfjs_operator.h"

#include "cli/memory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a constant that is computed: more than a shape has, and as many as a layer may have channels. */
enum { MAX_COMPUTED = 4096 };

static size_t count_of(const struct graph_constant *constant)
{
    size_t count = 1;
    for (int i = 0; i < constant->rank; i++)
        count *= (size_t)constant->dims[i];
    return count;
}

int tfjs_value_output(struct tfjs_tensor *outputs, int value)
{
    outputs[0] = (struct tfjs_tensor){.value = value};
    return value != GRAPH_FAILED;
}

float *tfjs_constant_output(struct tfjs_tensor *output, int rank, const int *dims)
{
    *output = (struct tfjs_tensor){.is_constant = true, .constant = {.rank = rank}};
    for (int i = 0; i < rank; i++)
        output->constant.dims[i] = dims[i];
    output->values = allocate(count_of(&output->constant), sizeof *output->values);
    output->constant.values = output->values;
    return output->values;
}

/* All inputs are constants of at most MAX_COMPUTED values together. */
static bool computes(const struct tfjs_operator *operator)
{
    size_t total = 0;
    for (int i = 0; i < operator->count; i++) {
        if (!operator->inputs[i].is_constant)
            return false;
        total += count_of(&operator->inputs[i].constant);
    }
    return operator->count> 0 && total <= MAX_COMPUTED;
}

/* ---- The same values by another name ---- */

static int pass(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    if (!operator->count || operator->count> TFJS_MAX_OUTPUTS) {
        graph_refuse(operator->graph, "it has %d inputs", operator->count);
        return 0;
    }
    for (int i = 0; i < operator->count; i++) {
        outputs[i] = operator->inputs[i];
        outputs[i].values = NULL; /* its first owner frees them */
    }
    return operator->count;
}

/* Replaces one -1 in dims. */
static bool resolve_dims(int *dims, int rank, size_t count)
{
    size_t known = 1;
    int open = -1;
    for (int i = 0; i < rank; i++)
        if (dims[i] == -1 && open < 0)
            open = i;
        else if (dims[i] < 0 || __builtin_mul_overflow(known, (size_t)dims[i], &known))
            return false;
    if (open >= 0) {
        if (!known || count % known || count / known > INT_MAX)
            return false;
        dims[open] = (int)(count / known);
        known *= (size_t)dims[open];
    }
    return known == count;
}

/* Input 0 with these dims. */
static int reshape_to(struct tfjs_tensor *outputs, const struct tfjs_operator *operator, int rank, int *dims)
{
    int x;
    if (!operator->inputs[0].is_constant)
        return tfjs_value_output(outputs, tfjs_value(&x, operator, 0) ? graph_reshape(operator->graph, x, rank, dims)
                                                                      : GRAPH_FAILED);
    if (!resolve_dims(dims, rank, count_of(&operator->inputs[0].constant))) {
        graph_refuse(operator->graph, "a constant of %zu values cannot have this shape",
                     count_of(&operator->inputs[0].constant));
        return 0;
    }
    outputs[0] = operator->inputs[0];
    outputs[0].values = NULL;
    outputs[0].constant.rank = rank;
    memcpy(outputs[0].constant.dims, dims, (size_t)rank * sizeof *dims);
    return 1;
}

static int reshape(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int dims[GRAPH_RANK];
    const int rank = tfjs_constant_ints(dims, GRAPH_RANK, operator, 1);
    return rank < 0 ? 0 : reshape_to(outputs, operator, rank, dims);
}

/* The dims of input 0. */
static int input_dims(int dims[GRAPH_RANK], const struct tfjs_operator *operator)
{
    const struct tfjs_tensor *input = &operator->inputs[0];
    const int rank = input->is_constant ? input->constant.rank : graph_rank(operator->graph, input->value);
    memcpy(dims, input->is_constant ? input->constant.dims : graph_dims(operator->graph, input->value),
           (size_t)rank * sizeof *dims);
    return rank;
}

static int squeeze(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int dims[GRAPH_RANK], axes[GRAPH_RANK], kept = 0;
    const int rank = input_dims(dims, operator);
    int count = tfjs_ints(axes, GRAPH_RANK, operator, "squeeze_dims");
    if (!count)
        count = tfjs_ints(axes, GRAPH_RANK, operator, "axis");
    for (int i = 0; i < rank; i++) {
        bool named = count == 0 && dims[i] == 1;
        for (int k = 0; k < count; k++)
            named = named || tfjs_axis(axes[k], rank) == i;
        if (named && dims[i] != 1) {
            graph_refuse(operator->graph, "dimension %d is %d, not 1", i, dims[i]);
            return 0;
        }
        if (!named)
            dims[kept++] = dims[i];
    }
    return reshape_to(outputs, operator, kept, dims);
}

static int expand_dims(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int dims[GRAPH_RANK], axis;
    const int rank = input_dims(dims, operator);
    if (tfjs_constant_ints(&axis, 1, operator, 1) != 1)
        return 0;
    axis = tfjs_axis(axis, rank + 1);
    if (rank == GRAPH_RANK || axis < 0 || axis > rank) {
        graph_refuse(operator->graph, "its axis is none of its input's");
        return 0;
    }
    memmove(dims + axis + 1, dims + axis, (size_t)(rank - axis) * sizeof *dims);
    dims[axis] = 1;
    return reshape_to(outputs, operator, rank + 1, dims);
}

static int transpose(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int x, permutation[GRAPH_RANK];
    const int rank = tfjs_constant_ints(permutation, GRAPH_RANK, operator, 1);
    if (rank < 0 || !tfjs_value(&x, operator, 0))
        return 0;
    if (rank != graph_rank(operator->graph, x)) {
        graph_refuse(operator->graph, "its permutation has %d dimensions", rank);
        return 0;
    }
    return tfjs_value_output(outputs, graph_transpose(operator->graph, x, permutation));
}

/* ---- Arithmetic of constants ---- */

static int shape(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int dims[GRAPH_RANK];
    const int rank = input_dims(dims, operator);
    float *values = tfjs_constant_output(outputs, 1, &rank);
    for (int i = 0; i < rank; i++)
        values[i] = (float)dims[i];
    return 1;
}

/* Scalars behind one another, or lists of one dimension. */
static int join(struct tfjs_tensor *outputs, const struct tfjs_operator *operator, int inputs)
{
    size_t total = 0;
    for (int i = 0; i < inputs; i++) {
        if (operator->inputs[i].constant.rank> 1) {
            graph_refuse(operator->graph, "its constants have several dimensions");
            return 0;
        }
        total += count_of(&operator->inputs[i].constant);
    }
    float *values = tfjs_constant_output(outputs, 1, (const int[]){(int)total});
    for (int i = 0; i < inputs; i++) {
        const struct graph_constant *constant = &operator->inputs[i].constant;
        memcpy(values, constant->values, count_of(constant) * sizeof *values);
        values += count_of(constant);
    }
    return 1;
}

static int product(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    const struct graph_constant *factors = &operator->inputs[0].constant;
    float *values = tfjs_constant_output(outputs, 0, NULL);
    values[0] = 1;
    for (size_t i = 0; i < count_of(factors); i++)
        values[0] *= factors->values[i];
    return 1;
}

static float compute(char operation, float a, float b)
{
    switch (operation) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '_': return floorf(a / b);
    case '>': return fmaxf(a, b);
    case '<': return fminf(a, b);
    case 'r': return 1 / sqrtf(a);
    case 's': return sqrtf(a);
    case 'n': return -a;
    default: return a;
    }
}

/* Of one constant, or of two of one shape or of which one is a single number. */
static int elementwise(struct tfjs_tensor *outputs, const struct tfjs_operator *operator, char operation)
{
    const struct graph_constant *a = &operator->inputs[0].constant,
                                *b = &operator->inputs[operator->count - 1].constant;
    const size_t a_count = count_of(a), b_count = count_of(b);
    const struct graph_constant *like = a_count >= b_count ? a : b;
    if (operator->count> 2 ||(a_count != b_count && a_count != 1 && b_count != 1)) {
        graph_refuse(operator->graph, "its constants are of different shapes, or not as many as it takes");
        return 0;
    }
    float *values = tfjs_constant_output(outputs, like->rank, like->dims);
    for (size_t i = 0; i < count_of(like); i++)
        values[i] = compute(operation, a->values[a_count == 1 ? 0 : i], b->values[b_count == 1 ? 0 : i]);
    return 1;
}

/* ---- All of them ---- */

/* The axis comes last. */
static int concat(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int values[TFJS_MAX_INPUTS], axis;
    const int count = operator->count - 1;
    if (count < 1 || tfjs_constant_ints(&axis, 1, operator, count) != 1)
        return graph_refuse(operator->graph, "it has no axis") != GRAPH_FAILED;
    if (computes(operator))
        return join(outputs, operator, count);
    for (int i = 0; i < count; i++)
        if (!tfjs_value(&values[i], operator, i))
            return 0;
    return tfjs_value_output(outputs, graph_concat(operator->graph, count, values, axis));
}

static const struct {
    const char *op;
    int (*apply)(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);
} operators[] = {
    {"Identity", pass},
    {"IdentityN", pass},
    {"StopGradient", pass},
    {"PreventGradient", pass},
    {"Snapshot", pass},
    {"CheckNumerics", pass},
    {"PlaceholderWithDefault", pass},
    {"Cast", pass},
    {"Reshape", reshape},
    {"Squeeze", squeeze},
    {"ExpandDims", expand_dims},
    {"Transpose", transpose},
    {"Shape", shape},
    {"StridedSlice", tfjs_strided_slice},
    {"Slice", tfjs_slice},
    {"Split", tfjs_split},
    {"SplitV", tfjs_split_v},
    {"ConcatV2", concat},
};

static const struct {
    const char *op;
    char operation;
} computed[] = {{"Add", '+'},      {"AddV2", '+'},   {"Sub", '-'},     {"Mul", '*'},   {"RealDiv", '/'}, {"Div", '/'},
                {"FloorDiv", '_'}, {"Maximum", '>'}, {"Minimum", '<'}, {"Rsqrt", 'r'}, {"Sqrt", 's'},    {"Neg", 'n'}};

int tfjs_shape_operator(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].op, operator->op) == 0) {
            if (operator->count)
                return operators[i].apply(outputs, operator);
            graph_refuse(operator->graph, "it has no input");
            return 0;
        }
    if (!computes(operator))
        return -1;
    if (strcmp(operator->op, "Pack") == 0)
        return join(outputs, operator, operator->count);
    if (strcmp(operator->op, "Prod") == 0)
        return product(outputs, operator);
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++)
        if (strcmp(computed[i].op, operator->op) == 0)
            return elementwise(outputs, operator, computed[i].operation);
    return -1;
}
