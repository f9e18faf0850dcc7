/* The kinds of layers: one table, a row a kind, of what a layer of that kind is. Code that needs to know asks the
 * table, not the kind.
 *
 *     struct node node = {.kind = NODE_ADD, .input = {1, 2}};
 *     for (int k = 0; k < kind_traits[node.kind].inputs; k++)
 *         printf("%s reads tensor %d\n", kind_names[node.kind], node.input[k]);
 *
 * To add a layer:
 *
 *     1. core/net/kinds.h, kinds.c: its number, which models store, and its row. The row alone brings it into the
 *        network language, `eyelet summary`, net_check, planning, batch-norm folding, the list of layers in safetensors
 *        and, by its int8 form, into quantization.
 *     2. core/kernels/: x_forward and x_backward, with a naive loop in double in tests/support/oracle.c.
 *     3. core/net/net_run.c, net_gradient.c: what calls them, in forward[] and net_input_gradients[]; activations in
 *        activations[] and slopes[]. The gradient of parameters: net_backward.c.
 *     4. train_native/exchange/onnx.c: what ONNX calls it.
 *     5. train_native/model/network.h: a line in the description of the network language.
 *
 * Nothing is left out silently: the oracle and ONNX switch over kinds without `default:`, and do not compile without
 * it; the other tables are gone through by tests/core/test_kinds.c, test_net_gradients.c, test_net_int8.c and
 * tests/cli/kinds.test.js, export.test.js and safetensors.test.js, which take the list of kinds from here and build a
 * network with each. Beside these a kernel has its own tests, with sizes around vectors and tolerances from its
 * roundings. */
#ifndef KINDS_H
#define KINDS_H

#include <stdbool.h>

/* Pinned: stored in models. */
enum node_kind {
    NODE_CONV2D = 1,
    NODE_MAXPOOL = 2,
    NODE_AVGPOOL = 3,
    NODE_GLOBAL_AVGPOOL = 4, /* (h, w, c) to (1, 1, c) */
    NODE_FLATTEN = 5,        /* (h, w, c) to (1, 1, h*w*c) */
    NODE_DENSE = 6,          /* input (1, 1, c) */
    NODE_BATCHNORM = 7,
    NODE_DROPOUT = 8, /* the identity, but in training */
    NODE_ADD = 9,     /* two inputs of one shape, or the second (1, 1, c): for every pixel of the first */
    NODE_RELU = 10,
    NODE_SIGMOID = 11,
    NODE_TANH = 12,
    NODE_SOFTMAX = 13, /* last, and only there */
    NODE_GELU = 14,
    NODE_SCALE = 15,     /* multiplies by a constant */
    NODE_DEPTHWISE = 16, /* a filter for each channel */
    NODE_RELU6 = 17,
    NODE_HARDSWISH = 18,   /* x * relu6(x + 3) / 6 (Howard et al. 2019, MobileNetV3) */
    NODE_SILU = 19,        /* x * sigmoid(x) (Elfwing et al. 2017; swish, Ramachandran et al. 2017) */
    NODE_HARDSIGMOID = 20, /* min(max(x / 6 + 1/2, 0), 1) */
    NODE_LEAKY_RELU = 21,  /* x, or below 0 x times a constant (Maas et al. 2013) */
    NODE_PRELU = 22,       /* x, or below 0 x times a parameter of its channel (He et al. 2015) */
    NODE_MULTIPLY = 23,    /* two inputs as add: squeeze-and-excitation's gate (Hu et al. 2018) is (1, 1, c) */
    NODE_CONCAT = 24,      /* two inputs of the same h and w: the channels of the first, then those of the second */
    NODE_SLICE = 25,       /* channels `first` .. first + channels - 1 */
    NODE_SHUFFLE = 26      /* out[j * groups + i] = in[i * (c / groups) + j] (Zhang et al. 2018, ShuffleNet) */
};
#define NODE_KINDS 27 /* one more than the last: the rows of a table by kind */

/* These are packed into a byte each: the table is part of the inference module.
 *
 * The output's shape, from an input (h, w, c). */
enum __attribute__((packed)) kind_shape {
    SHAPE_KEPT,   /* (h, w, c) */
    SHAPE_WINDOW, /* of a sliding window: kernel_h, kernel_w, stride, same; (oh, ow, channels or c) */
    SHAPE_POOLED, /* (1, 1, c) */
    SHAPE_FLAT,   /* (1, 1, h*w*c), the same values in the same order */
    SHAPE_UNITS,  /* (1, 1, c) to (1, 1, channels) */
    SHAPE_VECTOR, /* (1, 1, c) */
    SHAPE_JOINED, /* (h, w, c) and (h, w, d) to (h, w, c + d) */
    SHAPE_PART    /* (h, w, channels), the input's from `first` on */
};

enum __attribute__((packed)) kind_parameters {
    PARAMETERS_NONE,
    PARAMETERS_WEIGHTS, /* weights, and perhaps a bias */
    PARAMETERS_NORM,    /* scale, shift, mean, variance of each channel */
    PARAMETERS_SLOPES   /* a slope for each channel */
};

/* What node.rate is. */
enum __attribute__((packed)) kind_setting {
    SETTING_NONE,        /* unused: 0 */
    SETTING_PROBABILITY, /* with which a value is zeroed: 0 <= rate < 1 */
    SETTING_FACTOR,      /* 0 < rate <= 1e6 */
    SETTING_SLOPE        /* below 0: 0 <= rate <= 1 */
};

/* How an int8 network computes it, and which scale its output has (net_int8.h). */
enum __attribute__((packed)) int8_form {
    INT8_FORM_NONE,    /* not at all: a network with such a layer cannot be quantized; the error names the layer */
    INT8_FORM_LAYER,   /* weights in int8; a scale of its own, stored in the model */
    INT8_FORM_ADD,     /* a scale of its own */
    INT8_FORM_PRODUCT, /* a scale of its own */
    INT8_FORM_MEAN,    /* a scale of its own */
    INT8_FORM_CONCAT,  /* a scale of its own */
    INT8_FORM_MAX,     /* its input's scale */
    INT8_FORM_MOVE,    /* some or all of its input's channels, moved; its input's scale */
    INT8_FORM_CLAMP,   /* from 0 to `ceiling`; its input's scale */
    INT8_FORM_TABLE,   /* look-up of every value of an activation; its input's scale */
    INT8_FORM_UNIT,    /* look-up; results are within -1 .. 1, so the scale is fixed: 1 / ACTIVATION_MAX */
    INT8_FORM_ALIAS,   /* its input read by another name; its input's scale, times `rate` if that is a factor */
    INT8_FORM_FOLDED,  /* quantizing turns it into a layer of another kind */
    INT8_FORM_OUTPUT   /* in floating point, from the logits */
};

struct kind_traits {
    unsigned char inputs; /* tensors that it reads: 1 or 2; 0: there is no such kind */
    enum kind_shape shape;
    enum kind_parameters parameters;
    enum kind_setting setting;
    enum int8_form int8;
    bool channels;    /* the number of output channels is a setting of the node */
    bool groups;      /* so is the number of parts of the channels */
    bool per_channel; /* a filter a channel: weights (kernel_h, kernel_w, c), not (kernel_h, kernel_w, in, out) */
    bool broadcast;   /* the second input may be (1, 1, c), for every pixel of the first */
    bool activation;  /* elementwise, or the softmax: the text writes it behind the layer that it follows */
    bool in_place;    /* may write over its input: its backward pass reads its output alone */
    bool overwritten; /* lets an activation behind it do so: its own backward pass does not read its output */
    bool fuses;       /* does the activation behind it in its own pass, if that one has a ceiling */
    float ceiling;    /* of min(max(x, 0), ceiling), for those activations; else 0 */
};

extern const struct kind_traits kind_traits[NODE_KINDS];

/* In the network language, `eyelet summary` and exported files. */
extern const char *const kind_names[NODE_KINDS];

/* Whether node.rate may be this of a layer of this kind. */
bool kind_accepts_rate(enum node_kind kind, float rate);

static inline bool node_has_weights(enum node_kind kind) { return kind_traits[kind].parameters == PARAMETERS_WEIGHTS; }

static inline bool node_has_window(enum node_kind kind) { return kind_traits[kind].shape == SHAPE_WINDOW; }

#endif
