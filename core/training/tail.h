/* The last layers of a model, from its embedding on, as a network of their own, with another number of classes: what is
 * replaced when a model is taught. One of them, the head, is linear, and nothing else but factors and the softmax
 * follows it.
 *
 *     int head;                                                // node of the whole network
 *     float factor;
 *     enum status status = tail_find(&head, &factor, &model.net);
 *     if (status)
 *         status = tail_replace(&head, &factor, &model.net);   // whatever stands behind the embedding
 *     struct tail tail;
 *     struct arena arena = {0};
 *     tail_plan(&tail, &model, classes, &arena);               // measure; with arena.base set: bind
 *     tail_set(&tail, weights, range);                         // stores them as a file of the model's type would
 *     tail_run(&tail, embedding);                              // tail_logits(&tail), tail_probabilities(&tail)
 *
 * The weights are rounded as they are stored, and the network is computed from what is stored: the scores are, to the
 * last bit, those of the whole model with this head. */
#ifndef TAIL_H
#define TAIL_H

#include "net/model.h"

struct tail {
    struct model *model; /* of the tail: its net, with what was stored as weights */
    int head;            /* node of the tail, which has weights */
    uint8_t *stored;     /* (stored_bytes): as they stand in a file */
    size_t stored_bytes;
    float embedding_scale; /* quantized: of the embedding's numbers */
    float *unpacked;       /* of the head, on their way into what is computed with */
    int16_t *numbers;      /* quantized: the embedding */
    union {
        struct {
            struct net_packed packed;
            struct net_run run;
        };
        struct net_int8 quantized;
    };
};

/* The head, and the product of the factors behind it. STATUS_NO_HEAD: there is no embedding, or what is behind it is
 * not one dense layer, or one convolution of its single pixel, with flatten, dropout and scale. */
enum status tail_find(int *head, float *factor, const struct net *net);

/* Puts one dense layer, of as many classes, and a softmax in the place of all that stands behind the embedding: several
 * layers, say. It has no weights in the model's file, and those before it are as they were. STATUS_NO_HEAD: there is no
 * embedding, or what it replaces is what alone reads another tensor. */
enum status tail_replace(int *head, float *factor, struct net *net);

/* Of a model in which tail_find found a head. With arena->base NULL it only measures. The model's weights must have
 * been checked (model->scale). */
void tail_plan(struct tail *tail, const struct model *model, int classes, struct arena *arena);

/* Values of the embedding. */
static inline int tail_features(const struct tail *tail) { return tail->model->net.input.c; }

/* weights (features, classes), then biases (classes). range: the largest absolute value that the head's sums, without
 * the factors behind, have for some pictures: larger ones are clipped, a quarter above it, where the model is
 * quantized. False: the numbers are not finite or do not fit the type, float16 for instance, and the tail is not to be
 * run. */
bool tail_set(struct tail *tail, const float *weights, float range);

/* The same from a file of this model with as many classes: the head's bytes, and quantized its output's scale. */
bool tail_take(struct tail *tail, const uint8_t *stored, float scale);

/* From an embedding as eyelet_classifier_embedding gives it. */
void tail_run(struct tail *tail, const float *embedding);
const float *tail_logits(const struct tail *tail);
const float *tail_probabilities(const struct tail *tail);

#endif
