/* What the files of the TFLite reader (tflite_reader.c) share: the file's tables, the tensors of its graph, and what is
 * known of each so far.
 *
 *     struct tflite_tensor *bias = tflite_input(node, 2);
 *     struct tflite_constant numbers;
 *     if (bias && tflite_constant(&numbers, node->model, bias))
 *         printf("%g\n", (double)numbers.constant.values[0]);
 *     tflite_constant_free(&numbers);
 *
 * Fields and enumerations are numbered as in TensorFlow's lite/schema/schema.fbs, version 3. */
#ifndef TFLITE_PARTS_H
#define TFLITE_PARTS_H

#include "exchange/flatbuffer.h"
#include "exchange/graph.h"
#include "exchange/importer.h"

enum { TFLITE_MAX_TENSORS = 1 << 15, TFLITE_MAX_OPERATORS = 1 << 14, TFLITE_MAX_INTS = 64, TFLITE_NAME = 120 };

enum tflite_type {
    TFLITE_FLOAT32 = 0,
    TFLITE_FLOAT16 = 1,
    TFLITE_INT32 = 2,
    TFLITE_UINT8 = 3,
    TFLITE_INT64 = 4,
    TFLITE_INT16 = 7,
    TFLITE_INT8 = 9
};

/* A short list of integers: a shape, axes, paddings. */
struct tflite_ints {
    int count, values[TFLITE_MAX_INTS];
};

struct tflite_tensor {
    char name[TFLITE_NAME];
    int type; /* enum tflite_type, or what else the file says */
    int rank, dims[GRAPH_RANK];
    struct flatbuffer_vector data; /* of a constant */
    bool constant;
    const char *unreadable; /* why the data of a constant cannot be read; NULL: it can */
    /* A number q stands for (q - zero point) * scale; none: for itself. One for all, or one an index of dimension
     * `axis`. */
    struct flatbuffer_vector scales, zero_points;
    int axis;
    /* What the operators read so far have made of it: */
    int value;                 /* of the graph, or GRAPH_FAILED: none */
    struct tflite_tensor *of;  /* it has the numbers of this constant, with dims of its own */
    struct tflite_ints *known; /* integers that were computed, allocated */
};

struct tflite_model {
    struct flatbuffer buffer;
    flatbuffer_table root, subgraph;
    struct tflite_tensor *tensors;
    int tensor_count;
    struct graph *graph;
};

struct tflite_operator {
    struct tflite_model *model;
    const char *name;
    struct flatbuffer_vector inputs, outputs; /* int32: tensors */
    flatbuffer_table options;
};

/* ---- tflite_tensors.c ---- */

/* All of the model's tensors, or false with the graph's failure set. */
bool tflite_read_tensors(struct tflite_model *model);
void tflite_free_tensors(struct tflite_model *model);

/* NULL: there is none; an index that is no tensor's also sets the graph's failure. */
struct tflite_tensor *tflite_tensor_at(struct tflite_model *model, int64_t index);
struct tflite_tensor *tflite_input(const struct tflite_operator *node, int i);
struct tflite_tensor *tflite_output(const struct tflite_operator *node, int i);

bool tflite_is_constant(const struct tflite_tensor *tensor);

/* Of a tensor with one scale for all: that scale, and zero point and range of what it can hold; false for others. */
struct tflite_range {
    float scale, min, max;
    int zero_point;
};
bool tflite_range(struct tflite_range *range, const struct tflite_tensor *tensor);

/* A constant as float32, dequantised; false with the graph's failure set, then too it may be freed. */
struct tflite_constant {
    struct graph_constant constant;
    float *memory;
};
bool tflite_constant(struct tflite_constant *constant, struct tflite_model *model, const struct tflite_tensor *tensor);
void tflite_constant_free(struct tflite_constant *constant);

/* Whether a tensor's integers are known, as constants or by arithmetic with shapes, and them. */
bool tflite_known_ints(struct tflite_ints *ints, const struct tflite_tensor *tensor);
/* Those of input i; false, with the graph's failure set, where they are not known: "what" names them. */
bool tflite_ints(struct tflite_ints *ints, const struct tflite_operator *node, int i, const char *what);
/* A field of the options, a list of int32. */
bool tflite_option_ints(struct tflite_ints *ints, const struct tflite_operator *node, int field);

/* Text of the file: cut to `size`, zero-terminated. */
void tflite_text(char *out, size_t size, struct flatbuffer *buffer, flatbuffer_table table, int field);
/* As the schema calls a type. */
const char *tflite_type_name(int type);

/* ---- tflite_shapes.c: arithmetic with shapes ---- */

/* Computes an operator whose output is integers that follow from what is known; false: it is no such operator. */
bool tflite_shape_operator(const struct tflite_operator *node, int code);
/* What is taken of dimension `dim`, of so many items, by a STRIDED_SLICE; false: all of it. */
struct tflite_stride {
    int start, end, step;
    bool shrinks; /* the dimension disappears */
};
bool tflite_stride(struct tflite_stride *stride, const struct tflite_operator *node, int dim, int size);

/* ---- tflite_operators.c ---- */

/* Builds an operator into the graph; false with its failure set. */
bool tflite_build(struct tflite_operator *node, int code, int options_type);
/* As the schema calls an operator; NULL: by no name known here. */
const char *tflite_operator_name(int code);

/* ---- tflite_metadata.c ---- */

/* Name, preprocessing and labels, as far as the file has them; bytes, all of it, may end in a zip. */
bool tflite_read_metadata(struct imported *imported, struct tflite_model *model, const struct package *package,
                          struct failure *failure);

/* Operators that are named elsewhere than in the table of tflite_operators.c. */
enum {
    TFLITE_ADD = 0,
    TFLITE_CONCATENATION = 2,
    TFLITE_MUL = 18,
    TFLITE_RESHAPE = 22,
    TFLITE_CUSTOM = 32,
    TFLITE_GATHER = 36,
    TFLITE_SUB = 41,
    TFLITE_SQUEEZE = 43,
    TFLITE_STRIDED_SLICE = 45,
    TFLITE_CAST = 53,
    TFLITE_SLICE = 65,
    TFLITE_EXPAND_DIMS = 70,
    TFLITE_SHAPE = 77,
    TFLITE_REDUCE_PROD = 81,
    TFLITE_PACK = 83
};

#endif
