/* Transfer learning: a trained model as the start of another one.
 *
 *     struct transfer transfer;
 *     struct transfer_start start = {.path = "trained.eyelet", .classes = classes, .labels = labels};
 *     struct failure failure;
 *     if (!transfer_open(&transfer, &net, &start, &failure))
 *         die_of(&failure);
 *     ... trainer_open(&trainer, memory, size, &options) ...   // with net and transfer.preprocess; draws new weights
 *     transfer_weights(trainer->parameters, &net, &transfer);                     // over the drawn ones
 *     trainer->frozen_nodes = transfer_frozen_nodes(&net, "trunk");
 *     transfer_learning_rate_scales(trainer->learning_rate_scales, &net, 0.5f);
 *     transfer_free(&transfer);
 *
 * The head, every dense layer behind the last pool (head.h), is replaced by a new one for the new labels; where the
 * labels are the model's own, in their order, it is kept. The preprocessing stays the model's in either case, for its first layer
 * was trained on inputs of that mean and standard deviation. Batch normalisation was folded when the model was
 * written (fold_batchnorm.h), so it goes on without; weights stored in int8 or float16 are widened. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "cli/errors.h"
#include "image/image.h"
#include "net/net.h"

struct transfer {
    float *parameters; /* the model's, in the indices of the new net; those of a new head are 0 */
    struct preprocess preprocess;
    int head;         /* its last layer with weights: a node */
    int standardizer; /* a depthwise 1x1 in front of the head, whose parameters are 0; 0: there is none */
    int trunk;        /* nodes in front of it, whose weights are the model's */
    bool head_kept;
    uint32_t checksum; /* of the parameters */
};

/* Which model, and what is to become of it. */
struct transfer_start {
    const char *path;
    int classes;
    char *const *labels; /* (classes) */
    int size;            /* height and width of the input; 0: the model's */
    bool new_head;       /* for its own labels too */
    bool standardize;    /* and a layer in front of it that brings features to a mean of 0 and a std of 1 */
};

/* The net of a model file with a head for these labels. False, with nothing to free, for a file that is no model,
 * and for a model that cannot take this size or whose head cannot be replaced. */
bool transfer_open(struct transfer *transfer, struct net *net, const struct transfer_start *start,
                   struct failure *failure);
void transfer_free(struct transfer *transfer);

/* Puts the model's weights into the flat array; a new head keeps what stands there. */
void transfer_weights(float *parameters, const struct net *net, const struct transfer *transfer);

/* What a trained model is as a start. */
struct transfer_kind {
    int side;      /* the shorter one of its input */
    bool any_size; /* its head reads a pool over the whole map, of whatever size */
    bool muon;     /* convolutions and a head with a scale behind it, as Muon's learning rates in recipes.c suppose */
};
bool transfer_kind(struct transfer_kind *kind, const char *path, struct failure *failure);

/* How many nodes, from the first on, `--freeze text` keeps as they are: a number of layers as `eyelet summary`
 * counts them, the name of the last of them (layer_name.h), or `trunk`, all in front of the head; -1 for anything
 * else. */
int transfer_frozen_nodes(const struct net *net, const char *text);

/* What each node's learning rates are multiplied with: 1 at the head, and `decay` times as much at each layer with
 * weights in front of it (Howard and Ruder 2018, discriminative fine-tuning). */
void transfer_learning_rate_scales(float *scales, const struct net *net, float decay);

#endif
