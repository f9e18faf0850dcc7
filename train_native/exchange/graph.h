/* Builds a network and its weights out of the operators of another program's graph: what every importer calls, operator
 * by operator, in the order of evaluation.
 *
 *     struct graph *graph = graph_new(&failure);
 *     int x = graph_input(graph, 4, (const int[]){1, 3, 224, 224}, 1); // NCHW: the channels are dimension 1
 *     graph_at(graph, "Conv", "features.0");                           // named in messages
 *     x = graph_conv(graph, x, &conv);
 *     x = graph_activation(graph, x, NODE_RELU6, 0);
 *     x = graph_reduce_mean(graph, x, 2, (const int[]){2, 3}, true);
 *     x = graph_reshape(graph, x, 2, (const int[]){1, -1});
 *     x = graph_dense(graph, x, &dense);
 *     struct graph_result result;
 *     if (!graph_finish(&result, graph, x))
 *         die_of(&failure);
 *     graph_free(graph);
 *
 * A value (an int, 0 or more) is a tensor with the dimensions that the other program sees, the batch, always 1, among
 * them. Each dimension is a product of factors of the axes h, w and c of a tensor of ours (NHWC), so that to transpose,
 * squeeze, split or join dimensions takes no layer: only where an operator needs another order of the channels than
 * there is does a shuffle stand in the network, and a dense layer behind a flattened map gets its rows reordered.
 *
 * What cannot be built sets the failure, with operator, node and what it would take, and gives GRAPH_FAILED; a function
 * that is handed GRAPH_FAILED gives it back, so a reader may check once, at the end. All numbers from outside
 * (dimensions, axes, paddings, counts) are checked here: a reader may hand on what the file says. Constants are copied;
 * they are the reader's own. Nothing ends the program but a lack of memory. */
#ifndef GRAPH_H
#define GRAPH_H

#include "cli/errors.h"
#include "net/net.h"

#include <stdbool.h>

enum { GRAPH_FAILED = -1, GRAPH_RANK = 8 };

struct graph;

struct graph *graph_new(struct failure *failure);
void graph_free(struct graph *graph);

/* The operator that is being read and its node's name (may be empty), for messages; both are copied. */
void graph_at(struct graph *graph, const char *operator_name, const char *node);

/* Sets the failure: OPERATOR "node": `what it would take`, as printf. Returns GRAPH_FAILED. For readers too. */
int graph_refuse(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a kind of layer that there is none of here. */
int graph_refuse_kind(struct graph *graph, const char *reason);
bool graph_failed(const struct graph *graph);

/* Numbers that the graph holds: float32, row-major. `values` may be NULL where a size is 0. */
struct graph_constant {
    int rank, dims[GRAPH_RANK];
    const float *values;
};

/* The picture: dims of which one is the batch (1, or anything below 1 for "any"), one the channels (1 or 3). */
int graph_input(struct graph *graph, int rank, const int *dims, int channel_dim);

/* What a value's dimensions are: valid until the next call. */
int graph_rank(const struct graph *graph, int x);
const int *graph_dims(const struct graph *graph, int x);

/* ---- Windows ---- */

enum graph_padding { GRAPH_EXPLICIT, GRAPH_SAME_UPPER, GRAPH_SAME_LOWER }; /* UPPER is TensorFlow's SAME */

struct graph_window {
    int kernel[2], stride[2], dilation[2]; /* h, w; kernel: of pools alone */
    enum graph_padding mode;
    int padding[4];     /* GRAPH_EXPLICIT: top, left, bottom, right */
    bool ceil;          /* pools: the last window may reach past the padding (ceil_mode) */
    bool count_padding; /* average pools: padding counts, as zeros (count_include_pad) */
};

/* Of weights: kernel height and width, i: inputs of a group, o: outputs, m: outputs a channel of a depthwise one. */
enum graph_layout {
    GRAPH_OIHW, /* ONNX, PyTorch, also of depthwise ones (c*m, 1, h, w) with groups */
    GRAPH_HWIO, /* TensorFlow */
    GRAPH_OHWI, /* TFLite */
    GRAPH_HWCM, /* TensorFlow, depthwise: (h, w, c, m) */
    GRAPH_1HWC  /* TFLite, depthwise: (1, h, w, c*m) */
};

struct graph_conv {
    const struct graph_constant *weights, *bias; /* bias (o) or NULL */
    enum graph_layout layout;
    int groups;      /* of GRAPH_OIHW, HWIO and OHWI; 1 of the depthwise layouts */
    int channel_dim; /* of x: 1 in NCHW, 3 in NHWC */
    struct graph_window window;
};
int graph_conv(struct graph *graph, int x, const struct graph_conv *conv);
int graph_maxpool(struct graph *graph, int x, const struct graph_window *window, int channel_dim);
int graph_avgpool(struct graph *graph, int x, const struct graph_window *window, int channel_dim);

/* Over dims `axes` (negative: from the end): all of h and w, so a global pool; any other choice is refused. */
int graph_reduce_mean(struct graph *graph, int x, int count, const int *axes, bool keep_dims);
/* Zeros around h and w, to be joined with the window that follows. before, after: (rank). Other values: refused. */
int graph_pad(struct graph *graph, int x, const int *before, const int *after, float value);

/* ---- Products, sums ---- */

struct graph_dense {
    const struct graph_constant *weights, *bias; /* weights (in, out), or (out, in) if transposed; bias (out) or NULL */
    bool transposed;
};
/* Over the last dimension; all others are 1 (or become a 1x1 convolution where they are h and w). */
int graph_dense(struct graph *graph, int x, const struct graph_dense *dense);

/* (x - mean) / sqrt(variance + epsilon) * scale + shift, each (c); scale, shift may be NULL. */
struct graph_batchnorm {
    const struct graph_constant *scale, *shift, *mean, *variance;
    float epsilon;
    int channel_dim;
};
int graph_batchnorm(struct graph *graph, int x, const struct graph_batchnorm *batchnorm);

enum graph_arithmetic { GRAPH_ADD, GRAPH_SUBTRACT, GRAPH_MULTIPLY, GRAPH_DIVIDE };

/* Of two values, with numpy's broadcasting as far as it is one shape or (1, 1, c). Recognises x * sigmoid(x) as SiLU,
 * x * hardsigmoid(x) and x * relu6(x + 3) / 6 as hardswish. */
int graph_arithmetic(struct graph *graph, enum graph_arithmetic operation, int x, int y);
/* x (op) constant, or constant (op) x if `first`; the constant is one number or one a channel, broadcast as numpy
 * does. */
int graph_arithmetic_constant(struct graph *graph, enum graph_arithmetic operation, int x,
                              const struct graph_constant *constant, bool first);

/* ---- Activations ---- */

/* Of kinds with a setting (leaky ReLU's slope) that number; else 0. */
int graph_activation(struct graph *graph, int x, enum node_kind kind, float setting);
int graph_clip(struct graph *graph, int x, float min, float max);                /* ReLU, ReLU6 or refused */
int graph_hard_sigmoid(struct graph *graph, int x, float alpha, float beta);     /* min(max(alpha x + beta, 0), 1) */
int graph_prelu(struct graph *graph, int x, const struct graph_constant *slope); /* one, or one a channel, broadcast */
int graph_softmax(struct graph *graph, int x, int axis);                         /* the last one is the network's own */

/* ---- Shapes ---- */

int graph_identity(struct graph *graph, int x); /* dropout at inference, casts and the like */
int graph_concat(struct graph *graph, int count, const int *x, int axis);
/* Items start, start + step .. below end of dim `axis`: channels. */
int graph_slice(struct graph *graph, int x, int axis, int start, int end, int step);
/* One dim may be -1 (what is left), as in all of these frameworks; 0 is refused: resolve it before. */
int graph_reshape(struct graph *graph, int x, int rank, const int *dims);
int graph_transpose(struct graph *graph, int x, const int *permutation); /* (rank) */

/* ---- The end ---- */

struct graph_result {
    struct net net;    /* has passed net_check; ends in a softmax, which is added where the graph has none */
    float *parameters; /* the flat array, the caller's to free */
    bool has_front;    /* the graph began with a normalisation of its own, which was taken out: */
    float front_scale[3], front_shift[3]; /* the network reads picture * scale + shift where the graph read picture */
    bool features_only; /* the graph had no classes: a global pool and a dense layer of one class stand behind it */
    bool logits_were_probabilities; /* the graph ended in a softmax */
    float temperature;              /* by which the graph divided its logits before that; else 1 */
};

/* How many labels there are, in one place where there are some (0: none): where a graph ends in a mean of so many
 * channels, or of one more for a background, they are scores of classes. Up to GRAPH_EXPECTED places count. */
enum { GRAPH_EXPECTED = 2 };
void graph_expect_classes(struct graph *graph, int classes);

/* Folds batch norms, drops what does not lead to `output`, joins equal layers and pads. */
bool graph_finish(struct graph_result *result, struct graph *graph, int output);

#endif
