#include "exchange/onnx_gelu.h"

#include "exchange/onnx_fold.h"

#include <math.h>
#include <string.h>

/* The nodes that lie between a value and its GELU compute each element by itself, with constants of one number. For each
 * value that these nodes read, what they would make of some samples of it is compared with GELU of them. */

enum { MAX_NODES = 14, SAMPLES = 13 };

static double add(double x, double y) { return x + y; }
static double subtract(double x, double y) { return x - y; }
static double multiply(double x, double y) { return x * y; }
static double divide(double x, double y) { return x / y; }
static double sigmoid(double x, double y) { return 1 / (1 + exp(-x)) + 0 * y; }
static double bend_tanh(double x, double y) { return tanh(x) + 0 * y; }
static double bend_erf(double x, double y) { return erf(x) + 0 * y; }
static double negate(double x, double y) { return -x + 0 * y; }

static const struct function {
    const char *name;
    double (*of)(double x, double y);
    int inputs;
    bool bends; /* without one such there is no GELU */
} functions[] = {{"Add", add, 2, false},        {"Sub", subtract, 2, false},  {"Mul", multiply, 2, false},
                 {"Div", divide, 2, false},     {"Pow", pow, 2, false},       {"Neg", negate, 1, false},
                 {"Sigmoid", sigmoid, 1, true}, {"Tanh", bend_tanh, 1, true}, {"Erf", bend_erf, 1, true}};

static const struct function *function_of(const Onnx__Node *node)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, node->op_type) == 0 && node->n_input == (size_t)functions[i].inputs)
            return &functions[i];
    return NULL;
}

/* Whether a value is one number, and which. A Constant node is evaluated for that. */
static bool is_number(struct onnx_reader *reader, struct onnx_value *value, double *number)
{
    if (!value->constant && value->producer >= 0) {
        const Onnx__Node *producer = reader->source->node[value->producer];
        if (strcmp(producer->op_type, "Constant") != 0)
            return false;
        reader->node = producer;
        graph_at(reader->graph, producer->op_type, producer->name ? producer->name : "");
        onnx_fold(reader);
    } else if (!value->constant && value->initializer) {
        size_t count = 1;
        for (size_t i = 0; i < value->initializer->n_dims; i++)
            count = value->initializer->dims[i] == 1 ? count : 0;
        struct onnx_constant constant;
        char reason[ONNX_REASON];
        if (count && onnx_tensor_read(&constant, value->initializer, reader->package, &reader->memory, reason))
            value->constant = onnx_keep(reader, &constant);
    }
    if (!value->constant || value->constant->count != 1)
        return false;
    *number = onnx_element(value->constant, 0);
    return true;
}

/* An input of a node: a number, the root, or the result of a node of the list. */
struct operand {
    bool is_number;
    double number;
    struct onnx_value *value;
};

/* Nodes on the way from the values they read to the last one. */
struct chain {
    int count, nodes[MAX_NODES]; /* the last one first */
    struct operand operands[MAX_NODES][2];
};

static int position_of(const struct chain *chain, int node)
{
    for (int i = 0; i < chain->count; i++)
        if (chain->nodes[i] == node)
            return i;
    return -1;
}

/* All nodes before `last` that compute elements, up to MAX_NODES, but for those behind `root`. False where they read
 * something else, unless root is NULL, or one of them does not come before those that read it. */
static bool find_chain(struct chain *chain, struct onnx_reader *reader, int last, const struct onnx_value *root)
{
    bool closed = true;
    *chain = (struct chain){.count = 1, .nodes = {last}};
    for (int i = 0; i < chain->count; i++) {
        const Onnx__Node *node = reader->source->node[chain->nodes[i]];
        for (size_t k = 0; k < node->n_input; k++) {
            struct operand *operand = &chain->operands[i][k];
            operand->value = onnx_value(reader, node->input[k]);
            if (!operand->value)
                return false;
            operand->is_number = is_number(reader, operand->value, &operand->number);
            const int producer = operand->value->producer;
            if (operand->is_number || operand->value == root)
                continue;
            if (producer >= chain->nodes[i])
                return false;
            if (position_of(chain, producer) >= 0)
                continue;
            if (producer >= 0 && chain->count < MAX_NODES && function_of(reader->source->node[producer]) &&
                reader->source->node[producer]->n_output == 1)
                chain->nodes[chain->count++] = producer;
            else
                closed = false;
        }
    }
    return closed;
}

static double value_at(const struct chain *chain, const double *results, const struct operand *operand,
                       const struct onnx_value *root, double x)
{
    if (operand->is_number)
        return operand->number;
    return operand->value == root ? x : results[position_of(chain, operand->value->producer)];
}

/* What the chain makes of x: its nodes in the order of the file, which is that of evaluation. */
static double evaluate(const struct chain *chain, struct onnx_reader *reader, const struct onnx_value *root, double x)
{
    double results[MAX_NODES] = {0};
    for (int done = 0, before = -1; done < chain->count; done++) {
        int next = -1;
        for (int i = 0; i < chain->count; i++)
            if (chain->nodes[i] > before && (next < 0 || chain->nodes[i] < chain->nodes[next]))
                next = i;
        before = chain->nodes[next];
        const struct function *function = function_of(reader->source->node[before]);
        const double first = value_at(chain, results, &chain->operands[next][0], root, x);
        results[next] = function->of(
            first, function->inputs == 2 ? value_at(chain, results, &chain->operands[next][1], root, x) : 0);
    }
    return results[0];
}

static double gelu_tanh(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x))); }
static double gelu_erf(double x) { return 0.5 * x * (1 + erf(x / sqrt(2))); }

/* The two forms differ by up to 0.0005; constants in float16 make a tenth of that. */
static bool computes(const struct chain *chain, struct onnx_reader *reader, const struct onnx_value *root,
                     double (*function)(double x))
{
    for (int i = 0; i < SAMPLES; i++) {
        const double x = 0.61 * (i - SAMPLES / 2) + 0.013;
        if (!(fabs(evaluate(chain, reader, root, x) - function(x)) < 1e-4))
            return false;
    }
    return true;
}

const char *onnx_gelu_input(struct onnx_reader *reader, int node, bool *exact)
{
    const Onnx__Node *last = reader->source->node[node];
    const bool may = strcmp(last->op_type, "Mul") == 0 || strcmp(last->op_type, "Div") == 0;
    if (!may || last->n_input != 2 || last->n_output != 1)
        return NULL;
    struct chain all, chain;
    find_chain(&all, reader, node, NULL);
    bool bends = false;
    for (int i = 0; i < all.count; i++)
        bends |= function_of(reader->source->node[all.nodes[i]])->bends;
    for (int i = 0; bends && i < all.count; i++)
        for (int k = 0; k < 2; k++) {
            const struct onnx_value *root = all.operands[i][k].value;
            if (!root || all.operands[i][k].is_number || !find_chain(&chain, reader, node, root))
                continue;
            *exact = computes(&chain, reader, root, gelu_erf);
            if (*exact || computes(&chain, reader, root, gelu_tanh))
                return root->name;
        }
    return NULL;
}
