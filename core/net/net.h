/* A network: nodes in the order of their indices, each reading tensors made before it.
 *
 *     struct net net = {.input = {32, 32, 3}, .node_count = 3, .nodes = {
 *         {.kind = NODE_FLATTEN}, {.kind = NODE_DENSE, .input = {1}, .channels = 10, .bias = true},
 *         {.kind = NODE_SOFTMAX, .input = {2}}}};
 *     int failed;                                                // the node that is refused
 *     enum status status = net_check(&net, &failed);             // fills in shapes and offsets of the weights
 *     struct net_packed packed;
 *     struct net_run run;
 *     struct arena arena = {0};
 *     for (int pass = 0; pass < 2; pass++) {                     // measure, then bind
 *         arena = (struct arena){.base = pass ? aligned_alloc(ARENA_ALIGNMENT, arena.used) : NULL, .size = arena.used};
 *         net_packed_plan(&packed, &net, NET_INFER, &arena);
 *         net_run_plan(&run, &net, &packed, 1, NET_INFER, &arena);
 *     }
 *     for (int i = 0; i < net.node_count; i++)
 *         net_pack(&packed, &net, i, parameters + net.offset[i]);
 *     memcpy(run.tensor[0], image, sizeof image);
 *     net_forward(&run, 1);
 *     printf("%g\n", (double)net_logits(&run)[0]);
 *
 * Tensor 0 is the input, tensor i + 1 the output of node i, and node i reads tensors 0 .. i only: whatever a file
 * holds, it is a directed acyclic graph, and its order is the order of evaluation. The last node is a softmax; the
 * logits are what it reads. Parameters are one flat array, in node order; gradients and optimizer moments have the
 * same layout. */
#ifndef NET_H
#define NET_H

#include "base/arena.h"
#include "base/bounds.h"
#include "base/shape.h"
#include "base/status.h"
#include "kernels/gemm.h"
#include "net/kinds.h"

#include <stdbool.h>
#include <stdint.h>

/* First weights of a conv2d. */
enum initial {
    INITIAL_RANDOM,
    INITIAL_IDENTITY, /* random, but the first outputs repeat the inputs (dirac), as many as there are */
    INITIAL_WHITEN    /* set by the trainer: principal directions of the images' patches, and their negatives */
};

enum padding_side { PADDING_TOP, PADDING_LEFT, PADDING_BOTTOM, PADDING_RIGHT };

struct node {
    enum node_kind kind;
    int input[2];           /* tensors; what is beyond the kind's inputs is 0 */
    int channels;           /* of the output, where the kind has this setting (kinds.h); else 0 */
    int first;              /* slice: the input's channel that is the first of the output; else 0 */
    int kernel_h, kernel_w; /* of a window, else 0 */
    int stride;             /* of a window, else 0 */
    bool same; /* of a window: pad so that the output is ceil(input / stride), as Keras does; else no padding */
    bool bias; /* of weights */
    bool
        count_padding; /* avgpool: the divisor is the whole window, as PyTorch's count_include_pad; else pixels inside */
    int padding[4];    /* of a window that is not `same`: rows or columns, fewer than it covers (enum padding_side) */
    int dilation;      /* conv2d: pixels from one tap to the next; else 0 */
    int groups;        /* conv2d, shuffle: parts of the channels; else 0 */
    float rate;        /* by the kind (enum kind_setting) */
    /* For training only, not stored in models: */
    enum initial initial; /* conv2d */
    bool frozen;          /* conv2d: the weights, batchnorm: the scale keep their first values */
};

struct net {
    struct shape input;
    int node_count;
    int embedding; /* the tensor, of one pixel, that stays as a second output beside the scores; 0: none */
    int kept;      /* in inference this tensor, all behind it and what these are made of stay, too; 0: none */
    struct node nodes[LIMIT_NODES];
    /* Filled by net_check: */
    struct shape shapes[LIMIT_NODES + 1]; /* of the tensors */
    int consumers[LIMIT_NODES + 1];       /* nodes that read a tensor */
    size_t offset[LIMIT_NODES + 1];       /* of a node's parameters; the last one: the number of all */
};

/* Checks every field against core/base/bounds.h and every node against its input. STATUS_HEADER, of the input's size or
 * the number of nodes; STATUS_NODE or STATUS_LIMIT, then *failed (unless NULL) is the node at fault. All other
 * functions here take nets that have passed. */
enum status net_check(struct net *net, int *failed);

/* The same of the last layers of another network, taken for themselves: their input is a vector, (1, 1, c). */
enum status net_check_tail(struct net *net);

/* For contracts: whether net_check has filled the shapes. */
static inline bool net_checked(const struct net *net)
{
    return net->node_count > 0 && net->node_count <= LIMIT_NODES && net->shapes[0].c == net->input.c &&
           net->shapes[net->node_count].c > 0;
}

/* For inference: reduces the shapes of tensors to the part that is read of them. Where a pool leaves out the last row
 * and column, the layers before it need not compute them. */
void net_trim(struct net *net);

/* The classifier head: the last node with weights; 0 if there is none. */
int net_head(const struct net *net);

/* Whether it has explicit padding. */
static inline bool node_has_padding(const struct node *node)
{
    return node->padding[0] || node->padding[1] || node->padding[2] || node->padding[3];
}

/* Whether a node reads a tensor. */
static inline bool node_reads(const struct node *node, int tensor)
{
    return node->input[0] == tensor || (kind_traits[node->kind].inputs > 1 && node->input[1] == tensor);
}

/* Whether a node's second input is (1, 1, c), for every pixel of the first, which has more. */
static inline bool net_broadcasts(const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    const struct shape first = net->shapes[of->input[0]], second = net->shapes[of->input[1]];
    return kind_traits[of->kind].broadcast && second.h * second.w == 1 && first.h * first.w > 1;
}

/* How a node of two inputs of n images pairs their values: `count` times `size` of them, and those of the second input
 * `repeats` times each before the next: all in one or, where it broadcasts, pixel by pixel. */
struct net_pairs {
    size_t count, size, repeats;
};
static inline struct net_pairs net_pairs(const struct net *net, int node, int n)
{
    const struct shape out = net->shapes[node + 1];
    const size_t pixels = (size_t)out.h * (size_t)out.w, all = (size_t)n * shape_count(out);
    return net_broadcasts(net, node) ? (struct net_pairs){(size_t)n * pixels, (size_t)out.c, pixels}
                                     : (struct net_pairs){1, all, 1};
}

static inline size_t net_parameter_count(const struct net *net) { return net->offset[net->node_count]; }
static inline int net_classes(const struct net *net) { return net->shapes[net->node_count].c; }

/* A node's parameters are up to four blocks in this order: conv2d and dense have weights (kernel_h, kernel_w, in /
 * groups, out) and bias (out); depthwise has weights (kernel_h, kernel_w, c) and bias (c); batchnorm has scale, shift,
 * mean, variance (c); prelu has slopes (c). */
enum block_role { BLOCK_WEIGHT, BLOCK_BIAS, BLOCK_SCALE, BLOCK_SHIFT, BLOCK_MEAN, BLOCK_VARIANCE, BLOCK_SLOPE };
struct block {
    enum block_role role;
    size_t offset, count; /* in the flat array */
};
int net_blocks(struct block blocks[4], const struct net *net, int node);

/* Multiply-adds of one node for one image. */
uint64_t net_multiply_adds(const struct net *net, int node);

/* Sliding-window geometry of a conv2d, depthwise, dense or pooling node. */
struct window net_window(const struct net *net, int node);

/* What a plan is for: inference alone, or what training needs beside it (net_backward.c), behind a pointer so that the
 * linker leaves it out of programs that do not train. */
typedef const struct net_training *net_mode;
extern const struct net_training net_training;
#define NET_INFER ((net_mode)NULL)
#define NET_TRAIN (&net_training)

/* A way to compute convolutions; arguments as in conv.h. */
struct conv_kernel {
    size_t (*packed_count)(const struct window *window);
    void (*pack)(float *packed, const float *weights, const struct window *window);
    size_t (*forward_scratch)(int n, const struct window *window);
    void (*forward)(float *out, const float *in, const float *packed, const float *bias, float ceiling, float *scratch,
                    int n, const struct window *window, gemm_function *gemm);
};
extern const struct conv_kernel net_kernel_conv, net_kernel_winograd, net_kernel_winograd_rows;

/* Weights as the kernels want them; shared, read-only, by all runs. */
struct net_packed {
    const struct conv_kernel *kernel[LIMIT_NODES]; /* conv2d, dense: what computes it (net_plan.c) */
    float ceiling[LIMIT_NODES]; /* the activation behind a layer that is done in its pass (gemm.h); 0: none */
    bool done[LIMIT_NODES];     /* relu, relu6: it is */
    float *
        forward[LIMIT_NODES]; /* conv2d, dense: packed weights; depthwise: weights; batchnorm: factors; prelu: slopes */
    float *bias[LIMIT_NODES]; /* conv2d, depthwise, dense: biases or NULL; batchnorm: offsets */
    float *backward[LIMIT_NODES]; /* conv2d, dense, when planned for NET_TRAIN */
    net_mode mode;
};

/* In training, which of the two kernels that have a way back: Winograd's or, if not, the plain one. */
static inline bool net_trains_by_winograd(const struct net_packed *packed, int node)
{
    return packed->kernel[node] == &net_kernel_winograd;
}

void net_packed_plan(struct net_packed *packed, const struct net *net, net_mode mode, struct arena *arena);
void net_pack(struct net_packed *packed, const struct net *net, int node, const float *parameters);

/* Floats that n images take of a tensor in a plan. */
uint64_t net_tensor_floats(const struct net *net, int tensor, int n);

struct net_run;
struct net_training {
    void (*plan_packed)(struct net_packed *packed, int node, const struct window *window, struct arena *arena);
    void (*pack)(struct net_packed *packed, int node, const float *parameters, const struct window *window);
    size_t (*scratch)(const struct net_packed *packed, int node, int batch, const struct window *window, bool input);
    /* stack[t]: where tensor t ends, in floats, if all of them stay, one above the other; root[t]: the tensor whose
     * memory it shares, or itself. */
    void (*stack)(uint64_t stack[], const struct net *net, const int root[], int batch);
    void (*plan_run)(struct net_run *run, const int root[], const uint64_t stack[], float *base, struct arena *arena);
};

/* The memory of one thread's work. */
struct net_run {
    const struct net *net;
    const struct net_packed *packed;
    int batch; /* images at most */
    gemm_function *gemm;
    float *tensor[LIMIT_NODES + 1]; /* (n, h, w, c); some share memory */
    float *scratch;
    float temperature; /* of the softmax */
    /* For training (net_backward.c): */
    const float *parameters;
    float *gradient[LIMIT_NODES + 1]; /* of the loss, as tensor, while net_backward needs it; tensor 0 has none */
    float *statistics[LIMIT_NODES];   /* batchnorm: mean and std of the images at hand (2, c) */
    float *other_gradient;            /* of a tensor with several consumers */
    float *gradient_scratch;          /* in inference (net_gradient.h), which has some of these, too */
    bool frozen_biases;               /* the biases of frozen layers are frozen too, so need no gradient */
    /* Nodes 0 .. frozen_nodes - 1 are frozen: they get no gradients, and batch normalisation among them uses its
     * running statistics. */
    int frozen_nodes;
    uint64_t dropout_seed;
    uint64_t first_image; /* index, among all that training sees, of the first image at hand */
};

/* NET_INFER: tensors share memory by lifetime. NET_TRAIN: every tensor stays until the way back has no more use for it,
 * then gradients take its place; packed has been planned for NET_TRAIN too, which it may be for NET_INFER. At most
 * `batch` images. */
void net_run_plan(struct net_run *run, const struct net *net, const struct net_packed *packed, int batch, net_mode mode,
                  struct arena *arena);

/* Inference for n images in run->tensor[0], 1 to `batch`; dropout is the identity, batchnorm uses its running
 * statistics. */
void net_forward(struct net_run *run, int n);
void net_forward_node(struct net_run *run, int node, int n);

/* Computes what inference does of an elementwise activation; false for nodes of other kinds. out may be in. */
bool net_activate(const struct node *node, float *out, const float *in, size_t count);

/* Whether layers of this kind are computed, forward and back: all are (tests/core/test_kinds.c). The softmax's way back
 * is the loss's. */
bool net_has_forward(enum node_kind kind);
bool net_has_backward(enum node_kind kind);

/* (n, classes), the softmax's input and, after net_forward, its output. */
static inline float *net_logits(const struct net_run *run)
{
    return run->tensor[run->net->nodes[run->net->node_count - 1].input[0]];
}
static inline float *net_probabilities(const struct net_run *run) { return run->tensor[run->net->node_count]; }

/* Training, planned with NET_TRAIN and with run->parameters set: forward up to the logits with batch statistics and
 * dropout. */
void net_forward_training(struct net_run *run, int n);
void net_forward_training_node(struct net_run *run, int node, int n);

/* From the gradient of the logits, in net_logits_gradient: adds every parameter's gradient to dparameters (the flat
 * layout), and writes over tensors but the input. For the running statistics of batchnorm it adds n times the statistics
 * of these images. Of one node: after every later one but the softmax. */
void net_backward(struct net_run *run, float *dparameters, int n);
void net_backward_node(struct net_run *run, float *dparameters, int node, int n);
static inline float *net_logits_gradient(const struct net_run *run)
{
    return run->gradient[run->net->nodes[run->net->node_count - 1].input[0]];
}

#endif
