/* One operator of a TensorFlow graph as TensorFlow.js writes it: attributes in JSON, inputs that are values of a graph or
 * constants.
 *
 *     struct tfjs_operator operator = {.graph = graph, .op = "Relu", .name = "conv1_relu", .attributes = attributes,
 *                                      .inputs = {input}, .count = 1};
 *     struct tfjs_tensor outputs[TFJS_MAX_OUTPUTS];
 *     const int count = tfjs_operator_apply(outputs, &operator);         // 0: refused, with the failure set
 *     for (int i = 0; i < count; i++)
 *         free(outputs[i].values);
 *
 * Arithmetic of constants, such as that of the shape of a Reshape with an open batch, is done at once. */
#ifndef TFJS_OPERATOR_H
#define TFJS_OPERATOR_H

#include "exchange/graph.h"
#include "exchange/json_tree.h"

enum { TFJS_MAX_INPUTS = 64, TFJS_MAX_OUTPUTS = 16 };

/* A value of the graph, or else a constant. */
struct tfjs_tensor {
    bool is_constant;
    int value;
    struct graph_constant constant;
    float *values; /* the constant's, allocated, or NULL where another owns them */
};

struct tfjs_operator {
    struct graph *graph;
    const char *op, *name;
    const cJSON *attributes;
    struct tfjs_tensor inputs[TFJS_MAX_INPUTS];
    int count;
};

/* Sets the outputs: their number, or 0 where it is refused. */
int tfjs_operator_apply(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);

/* ---- Attributes. False, or missing, where there is none of this type ---- */

bool tfjs_number(double *x, const struct tfjs_operator *operator, const char * key);
bool tfjs_bool(const struct tfjs_operator *operator, const char * key);
/* Of a list of integers: their number, at most max_count; 0: none. */
int tfjs_ints(int *x, int max_count, const struct tfjs_operator *operator, const char * key);
/* A text, or text i of a list, as at most TFJS_TEXT - 1 bytes; "" where there is none. */
enum { TFJS_TEXT = 32 };
void tfjs_text(char text[TFJS_TEXT], const struct tfjs_operator *operator, const char * key);
bool tfjs_listed_text(char text[TFJS_TEXT], const struct tfjs_operator *operator, const char * key, int i);
/* An integer as JSON writes 64 bits of it: a number, or a text. */
bool tfjs_int_of(int *x, const cJSON *value);

/* ---- Inputs. False, with the failure set, where input i is missing or of the other sort ---- */

bool tfjs_value(int *x, const struct tfjs_operator *operator, int i);
const struct graph_constant *tfjs_constant(const struct tfjs_operator *operator, int i); /* NULL then */
/* Integers in a constant of rank 0 or 1: their number, or -1. */
int tfjs_constant_ints(int *x, int max_count, const struct tfjs_operator *operator, int i);
/* A negative axis counts from the end. */
int tfjs_axis(int axis, int rank);

/* ---- What is not computed by a layer (tfjs_shapes.c): the number of outputs; 0: refused; -1: it is none of these ---- */

int tfjs_shape_operator(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);
int tfjs_strided_slice(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);
int tfjs_slice(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);
int tfjs_split(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);
int tfjs_split_v(struct tfjs_tensor *outputs, const struct tfjs_operator *operator);

/* One output: a value; and room for a constant's values. */
int tfjs_value_output(struct tfjs_tensor *output, int value);
float *tfjs_constant_output(struct tfjs_tensor *output, int rank, const int *dims);

#endif
