/* The node of an ONNX graph that is being read: its inputs, its attributes, and what its outputs are called.
 *
 *     static int read_leaky_relu(struct onnx_reader *reader)
 *     {
 *         const int x = onnx_tensor(reader, 0);
 *         return graph_activation(reader->graph, x, NODE_LEAKY_RELU, onnx_float(reader, "alpha", 0.01f));
 *     }
 *
 * A value is a tensor of the network that is being built (graph.h), or a constant: numbers that do not depend on the
 * picture. What is not as an operator wants it is refused by graph_refuse, which names the node, and the first refusal
 * stays: functions here then give GRAPH_FAILED or NULL, which those of graph.h hand on. */
#ifndef ONNX_NODE_H
#define ONNX_NODE_H

#include "exchange/graph.h"
#include "exchange/onnx_tensor.h"
#include "exchange/package.h"

#include <onnx.pb-c.h>

struct onnx_value {
    const char *name;
    const Onnx__Tensor *initializer;      /* not read before something asks for it */
    const struct onnx_constant *constant; /* or NULL: */
    int tensor;                           /* of the graph; GRAPH_FAILED: no node has made it yet */
    bool nonnegative;                     /* the tensor has no element below 0, as far as the operators say */
    int producer;                         /* the node that makes it; -1: none does */
};

struct onnx_reader {
    struct graph *graph;
    const struct package *package;
    const Onnx__Graph *source;
    int opset;
    int batch;              /* that the input was exported with; 1: any, or one picture */
    const Onnx__Node *node; /* that is being read */
    bool clamped;           /* set by an operator whose output cannot be below 0 for a reason of its own */
    struct onnx_memory memory;
    /* private: */
    struct onnx_value *values; /* of all names in the graph, sorted by them */
    size_t value_count;
};

/* graph_refuse, but false. */
#define onnx_refuse(reader, ...) (graph_refuse((reader)->graph, __VA_ARGS__) != GRAPH_FAILED)

/* A value for each name in the graph; initializers are known by theirs. Refuses a graph that makes one twice. */
void onnx_values_begin(struct onnx_reader *reader);
void onnx_values_free(struct onnx_reader *reader);

/* The value of this name; NULL where the graph has none such, as for a name of no characters, which stands for what is
 * left out. */
struct onnx_value *onnx_value(struct onnx_reader *reader, const char *name);

/* What outputs of the node at hand are. Output k is a tensor; nothing where the node has no such output. */
void onnx_bind(struct onnx_reader *reader, size_t k, int tensor, bool nonnegative);
void onnx_bind_constant(struct onnx_reader *reader, size_t k, const struct onnx_constant *constant);

/* A copy that lives as long as the reader. */
const struct onnx_constant *onnx_keep(struct onnx_reader *reader, const struct onnx_constant *constant);

/* ---- Inputs of the node at hand ---- */

/* Whether it has an input k. */
bool onnx_has_input(const struct onnx_reader *reader, size_t k);
/* Whether input k is, or will be, numbers: for an operator that takes both. */
bool onnx_is_constant(struct onnx_reader *reader, size_t k);
bool onnx_is_nonnegative(struct onnx_reader *reader, size_t k);
/* Input k, which must be a tensor. */
int onnx_tensor(struct onnx_reader *reader, size_t k);
/* Input k, which must be numbers; `what` says what they are in a refusal: "weights". */
const struct onnx_constant *onnx_numbers(struct onnx_reader *reader, size_t k, const char *what);
/* The same, of floating-point numbers; NULL without a refusal where the input is left out. */
const struct graph_constant *onnx_floats(struct onnx_reader *reader, size_t k, const char *what);
/* One number in input k, or `otherwise` where it is left out. */
double onnx_number(struct onnx_reader *reader, size_t k, const char *what, double otherwise);

/* ---- Attributes ---- */

const Onnx__Attribute *onnx_attribute(const struct onnx_reader *reader, const char *name); /* NULL: there is none */
int64_t onnx_int(const struct onnx_reader *reader, const char *name, int64_t otherwise);
float onnx_float(const struct onnx_reader *reader, const char *name, float otherwise);
bool onnx_text_is(const struct onnx_reader *reader, const char *name, const char *text);

/* Whole numbers of an attribute or an input, cut to what an int holds. */
enum { ONNX_MAX_INTS = 16 };
struct onnx_ints {
    int count, values[ONNX_MAX_INTS];
    bool given;
};
/* Of the attribute; count 0 where there is none. Refuses more than ONNX_MAX_INTS. */
struct onnx_ints onnx_ints(struct onnx_reader *reader, const char *name);
/* Of the attribute or, as later opsets have it, input k. */
struct onnx_ints onnx_ints_or_input(struct onnx_reader *reader, const char *name, size_t k);

int onnx_int_of(int64_t x); /* cut to what an int holds */

#endif
