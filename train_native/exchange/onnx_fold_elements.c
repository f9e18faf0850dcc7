/* Operators that compute each element of their output from one of each input, with numpy's broadcasting, on constants.
 * In double: a sum, product or quotient of two float32 in double, rounded once more, is that in float32. */
#include "exchange/onnx_fold.h"

#include <math.h>
#include <string.h>

enum result { AS_INPUT, IS_BOOL };

struct element_operator {
    const char *name;
    double (*one)(double x);
    double (*two)(double x, double y); /* of more inputs, one after the other */
    enum result result;
};

static double add(double x, double y) { return x + y; }
static double subtract(double x, double y) { return x - y; }
static double multiply(double x, double y) { return x * y; }
static double divide(double x, double y) { return x / y; }
static double smaller(double x, double y) { return x < y ? x : y; }
static double larger(double x, double y) { return x > y ? x : y; }
static double modulo(double x, double y) { return x - floor(x / y) * y; }
static double equal(double x, double y) { return x == y; }
static double less(double x, double y) { return x < y; }
static double less_or_equal(double x, double y) { return x <= y; }
static double greater(double x, double y) { return x > y; }
static double greater_or_equal(double x, double y) { return x >= y; }
static double both(double x, double y) { return x != 0 && y != 0; }
static double either(double x, double y) { return x != 0 || y != 0; }
static double negate(double x) { return -x; }
static double invert(double x) { return 1 / x; }
static double opposite(double x) { return x == 0; }

static const struct element_operator operators[] = {
    {"Add", .two = add},
    {"Sub", .two = subtract},
    {"Mul", .two = multiply},
    {"Div", .two = divide},
    {"Pow", .two = pow},
    {"Min", .two = smaller},
    {"Max", .two = larger},
    {"Sum", .two = add},
    {"Mod", .two = modulo},
    {"Equal", .two = equal, .result = IS_BOOL},
    {"Less", .two = less, .result = IS_BOOL},
    {"LessOrEqual", .two = less_or_equal, .result = IS_BOOL},
    {"Greater", .two = greater, .result = IS_BOOL},
    {"GreaterOrEqual", .two = greater_or_equal, .result = IS_BOOL},
    {"And", .two = both, .result = IS_BOOL},
    {"Or", .two = either, .result = IS_BOOL},
    {"Neg", .one = negate},
    {"Floor", .one = floor},
    {"Ceil", .one = ceil},
    {"Sqrt", .one = sqrt},
    {"Exp", .one = exp},
    {"Abs", .one = fabs},
    {"Reciprocal", .one = invert},
    {"Not", .one = opposite, .result = IS_BOOL},
};

void onnx_store(const struct onnx_elements *elements, enum onnx_type type, size_t i, double x)
{
    static const struct {
        double min, max;
    } limits[ONNX_TYPES] = {
        [ONNX_UINT8] = {0, 255},          [ONNX_INT8] = {-128, 127}, [ONNX_UINT16] = {0, 65535},
        [ONNX_INT16] = {-32768, 32767},   [ONNX_BOOL] = {0, 1},      [ONNX_INT32] = {-2147483648.0, 2147483647.0},
        [ONNX_UINT32] = {0, 4294967295.0}};
    if (elements->floats) {
        elements->floats[i] = (float)x;
        return;
    }
    const double most = 9223372036854774784.0; /* the largest double below 2^63 */
    const double min = limits[type].max > 0 ? limits[type].min : -most,
                 max = limits[type].max > 0 ? limits[type].max : most;
    elements->integers[i] = x >= max ? (int64_t)max : x > min ? (int64_t)x : x <= min ? (int64_t)min : 0; /* NaN: 0 */
}

/* The shape of all inputs together, and where in input k the step along each dimension leads. */
struct broadcast {
    struct onnx_shape shape;
    size_t step[4][GRAPH_RANK];
};

static bool broadcast_inputs(struct broadcast *out, const struct onnx_constant *const *inputs, int count)
{
    *out = (struct broadcast){0};
    struct onnx_shape *shape = &out->shape;
    for (int k = 0; k < count; k++)
        shape->rank = inputs[k]->rank > shape->rank ? inputs[k]->rank : shape->rank;
    for (int i = 0; i < shape->rank; i++)
        shape->dims[i] = 1;
    for (int k = 0; k < count; k++) {
        size_t step = 1;
        for (int i = inputs[k]->rank - 1; i >= 0; i--) {
            const int at = shape->rank - inputs[k]->rank + i, size = inputs[k]->dims[i];
            if (size != 1 && shape->dims[at] != 1 && shape->dims[at] != size)
                return false;
            if (size != 1)
                shape->dims[at] = size;
            out->step[k][at] = size == 1 ? 0 : step;
            step *= (size_t)size;
        }
    }
    return true;
}

/* The next element in row-major order: position counts it along each dimension, at[k] is where it lies in input k. */
static void advance(int position[GRAPH_RANK], size_t at[4], const struct broadcast *broadcast, int count)
{
    for (int i = broadcast->shape.rank - 1; i >= 0; i--) {
        for (int k = 0; k < count; k++)
            at[k] += broadcast->step[k][i];
        if (++position[i] < broadcast->shape.dims[i])
            return;
        for (int k = 0; k < count; k++)
            at[k] -= broadcast->step[k][i] * (size_t)position[i];
        position[i] = 0;
    }
}

static bool fold_where(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *inputs[4];
    for (size_t k = 0; k < 3; k++)
        if (!(inputs[k] = onnx_numbers(reader, k, "operands")))
            return false;
    struct broadcast broadcast;
    struct onnx_elements elements;
    if (!broadcast_inputs(&broadcast, inputs, 3))
        return onnx_refuse(reader, "its operands' dimensions do not fit together");
    if (!onnx_fold_make(out, &elements, reader, inputs[1]->type, &broadcast.shape))
        return false;
    int position[GRAPH_RANK] = {0};
    size_t at[4] = {0};
    for (size_t i = 0; i < out->count; i++) {
        const int from = onnx_element(inputs[0], at[0]) != 0 ? 1 : 2;
        onnx_store(&elements, out->type, i, onnx_element(inputs[from], at[from]));
        advance(position, at, &broadcast, 3);
    }
    return true;
}

static bool fold_one(struct onnx_constant *out, struct onnx_reader *reader, const struct element_operator *operator)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    if (!in)
        return false;
    struct broadcast broadcast;
    struct onnx_elements elements;
    broadcast_inputs(&broadcast, &in, 1);
    if (!onnx_fold_make(out, &elements, reader, operator->result == IS_BOOL ? ONNX_BOOL : in->type, &broadcast.shape))
        return false;
    for (size_t i = 0; i < out->count; i++)
        onnx_store(&elements, out->type, i, operator->one(onnx_element(in, i)));
    return true;
}

static bool fold_two(struct onnx_constant *out, struct onnx_reader *reader, const struct element_operator *operator,
                     const struct onnx_constant * x, const struct onnx_constant *y)
{
    const struct onnx_constant *inputs[] = {x, y};
    struct broadcast broadcast;
    struct onnx_elements elements;
    if (!broadcast_inputs(&broadcast, inputs, 2))
        return onnx_refuse(reader, "its operands' dimensions do not fit together");
    if (!onnx_fold_make(out, &elements, reader, operator->result == IS_BOOL ? ONNX_BOOL : x->type, &broadcast.shape))
        return false;
    const bool by_integer = x->integers && (operator->two == divide || operator->two == modulo);
    int position[GRAPH_RANK] = {0};
    size_t at[4] = {0};
    for (size_t i = 0; i < out->count; i++) {
        const double a = onnx_element(x, at[0]), b = onnx_element(y, at[1]);
        if (by_integer && b == 0)
            return onnx_refuse(reader, "divides by 0");
        onnx_store(&elements, out->type, i, operator->two(a, b));
        advance(position, at, &broadcast, 2);
    }
    return true;
}

bool onnx_fold_elements(struct onnx_constant *out, struct onnx_reader *reader, bool *refused)
{
    const char *type = reader->node->op_type;
    *refused = false;
    if (strcmp(type, "Where") == 0) {
        *refused = !fold_where(out, reader);
        return true;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i].name, type) != 0)
            continue;
        if (operators[i].one) {
            *refused = !fold_one(out, reader, &operators[i]);
            return true;
        }
        const struct onnx_constant *so_far = onnx_numbers(reader, 0, "operand");
        *refused = !so_far;
        if (so_far)
            *out = *so_far;
        for (size_t k = 1; !*refused && k < reader->node->n_input; k++) {
            const struct onnx_constant left = *out, *right = onnx_numbers(reader, k, "operand");
            *refused = !right || !fold_two(out, reader, &operators[i], &left, right);
        }
        return true;
    }
    return false;
}
