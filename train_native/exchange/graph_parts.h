/* What the files of the graph builder (graph.h) share. A graph is a list of layers, each reading tensors made before it,
 * as in a net (net.h), but with tensors and layers that a net does not have; graph_finish turns it into one.
 *
 *     const struct value *value = value_of(graph, x);
 *     const struct layer layer = {.kind = NODE_RELU, .node = {.input = {value->tensor}},
 *                                 .shape = tensor_shape(graph, value->tensor)};
 *     x = value_like(graph, add_layer(graph, &layer), value); */
#ifndef GRAPH_PARTS_H
#define GRAPH_PARTS_H

#include "exchange/graph.h"

/* Beside those of enum node_kind: what no net has. */
enum {
    LAYER_PAD = 100,   /* zeros around (node.padding), to be joined with the window behind */
    LAYER_AFFINE = 101 /* times a factor, plus an offset, a channel each */
};

enum map_axis { AXIS_H, AXIS_W, AXIS_C, AXES };

/* A dimension that the other program sees is a product of factors, the last one fastest. A factor's index i stands for
 * i * stride along an axis of the tensor. One of size 1 has no factors. All factors of a value together go through
 * each element of its tensor once. */
struct factor {
    enum map_axis axis;
    int size, stride;
};
enum { MAX_FACTORS = 8 };
struct dim {
    int count;
    struct factor factors[MAX_FACTORS];
};
struct value {
    int tensor, rank;
    struct dim dims[GRAPH_RANK];
};

struct layer {
    struct node node; /* all but `kind`, which stands below; `input` are tensors of the graph */
    int kind;
    struct shape shape; /* of the output */
    float *parameters;  /* as in a net (net_blocks), allocated, or NULL; of LAYER_AFFINE: the batch norm that it is */
    size_t count;       /* of those */
    double *affine;     /* LAYER_AFFINE: factors (c), offsets (c), allocated */
    bool uniform;       /* LAYER_AFFINE: all factors are one number, and all offsets */
    bool division;      /* LAYER_AFFINE: it was written as a division by a number */
    bool lowest;        /* LAYER_PAD: with the lowest number instead of zeros */
    char *origin;       /* operator and node, for messages; set by add_layer */
};

struct graph {
    struct failure *failure;
    bool failed, has_input;
    char origin[200]; /* OPERATOR "node" */
    struct shape input;
    struct layer *layers; /* layer i makes tensor i + 1 */
    int layer_count;
    size_t parameter_count;
    struct value *values;
    int value_count;
    int expected[GRAPH_EXPECTED], expected_count; /* graph_expect_classes */
    int dims[GRAPH_RANK];                         /* graph_dims */
};

static inline struct shape tensor_shape(const struct graph *graph, int tensor)
{
    return tensor == 0 ? graph->input : graph->layers[tensor - 1].shape;
}

/* The layer that makes a tensor; NULL: the input. */
static inline struct layer *layer_of(const struct graph *graph, int tensor)
{
    return tensor == 0 ? NULL : &graph->layers[tensor - 1];
}

/* ---- graph_values.c ---- */

/* Whether x can be read; sets the failure where it is no value. */
bool graph_readable(struct graph *graph, int x);
const struct value *value_of(const struct graph *graph, int x);
/* A new value: a copy; and one with the dimensions of another. GRAPH_FAILED where the tensor is. */
int add_value(struct graph *graph, const struct value *value);
int value_like(struct graph *graph, int tensor, const struct value *like);
/* Adds a layer, or finds one that computes the same; takes the layer's allocated parts over. Returns its tensor. */
int add_layer(struct graph *graph, const struct layer *layer);
/* The number of values of a constant whose dimensions are valid and which are all finite; 0 where not, with the failure
 * set. */
size_t constant_count(struct graph *graph, const struct graph_constant *constant, const char *what);
/* The same of a constant of `count` values, one a channel; NULL is taken for true. */
bool constant_fits(struct graph *graph, const struct graph_constant *constant, const char *what, int count);

/* ---- graph_axes.c ---- */

int dim_size(const struct dim *dim);
bool same_dim(const struct dim *a, const struct dim *b);
struct dim whole_axis(enum map_axis axis, int size);
/* Adds a factor at the end, joined with the last one where they are one; false: there is no room. */
bool add_factor(struct dim *dim, struct factor factor);
/* An axis counted from the end where it is negative; -1, with the failure set, where there is none such. */
int resolve_axis(struct graph *graph, int axis, int rank);
/* Where a dimension is exactly the tensor's channels, in some order. */
bool is_channels(const struct graph *graph, const struct value *value, int dim);
/* order (size of the dim): the channel that stands at each index of such a dimension. */
void channel_order(int *order, const struct value *value, int dim);
/* order (all elements): which element of the tensor (h, w, c) stands at each place of the value, row-major. */
void element_order(int *order, const struct graph *graph, const struct value *value);
/* x with its channels in the tensor in the order of its dimensions: itself, or behind a shuffle. */
int plain_channels(struct graph *graph, int x);
/* Whether a value is the batch, channels, rows and columns, as (n, c, h, w) and (n, h, w, c) are; is_map sets the failure
 * where it is not. */
bool could_be_map(const struct graph *graph, const struct value *value, int channel_dim);
bool is_map(struct graph *graph, const struct value *value, int channel_dim);

/* ---- graph_windows.c ---- */

/* The tensor that a window slides over, with the padding that a layer before it added. */
struct ground {
    int tensor;
    struct shape shape; /* without that padding */
    int padding[4];
    const struct layer *pad; /* NULL: none */
};

struct ground ground_of(const struct graph *graph, int tensor);
/* Sets window, padding and, but for the channels, shape of a layer. counted: padding counts in a mean. */
bool place_window(struct graph *graph, struct layer *layer, const struct ground *ground,
                  const struct graph_window *window, bool counted);
/* A tensor as (n, c, h, w) or (n, h, w, c). */
int map_value(struct graph *graph, int tensor, int channel_dim);

/* ---- graph_affine.c ---- */

/* x * factors + offsets, arrays (c) in the tensor's order of channels, and the layer's other fields. */
struct affine {
    const double *factors, *offsets;
    const float *batchnorm; /* (4, c) or NULL */
    bool division;
};
int add_affine(struct graph *graph, int x, const struct affine *affine);
/* The same for all channels. */
int add_scaling(struct graph *graph, int x, double factor, double offset, bool division);
/* out (c): a constant's value, one for all or one a channel, for each channel of x as it stands in the tensor. */
bool channel_values(double *out, struct graph *graph, int x, const struct graph_constant *constant);
/* Whether a tensor is another one times a number plus a number. */
bool is_scaling(const struct graph *graph, int tensor, double *factor, double *offset);
/* Goes through factors alone: to the tensor that is multiplied, and all of them. */
int without_factors(const struct graph *graph, int tensor, double *factor);

/* ---- graph_layers.c ---- */

/* x in one pixel: itself, or behind a flatten. The order of its elements is as before. */
int flatten_value(struct graph *graph, int x);
/* A layer of one input, without parameters, that keeps the shape: its tensor. */
int add_elementwise(struct graph *graph, int kind, int tensor, float setting);

/* ---- graph_fold.c ---- */

/* What is left of the layers: those that lead to the output; affine ones are folded into others where that is possible,
 * and those at the front into the result's. */
struct folding {
    bool *live;     /* (layers), allocated */
    int *replaced;  /* (tensors), allocated: the one that holds a tensor's values now */
    int *consumers; /* (tensors), allocated: live layers that read it */
};
void fold_layers(struct folding *folding, struct graph *graph, struct graph_result *result, int output);
void folding_free(struct folding *folding);

#endif
