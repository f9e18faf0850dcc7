/* Federated averaging (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized
 * Data", algorithm 1): models that were trained apart, on pictures that stay where they are, become one.
 *
 *     struct client *clients = allocate((size_t)count, sizeof *clients);
 *     struct failure failure;
 *     for (int i = 0; i < count; i++)
 *         if (!client_load(&clients[i], paths[i], &failure))
 *             die_of(&failure);
 *     const struct averaging averaging = {.clients = clients, .count = count, .step = 1, .notes = "name: average\n"};
 *     uint8_t *bytes = averaging_file(&size, &averaging, &failure);
 *     clients_free(clients, count);
 *
 * With n_k pictures of client k, every weight becomes  sum_k n_k w_k / sum_k n_k.  Sums are in double, over the clients
 * in the order of their files' bytes, so that the order of `clients` is none of the result's; a weight that all have
 * alike stays as it is, to the bit.
 *
 * With a base, the model that the clients began with, each update  d_k = w_k - base  may be clipped to an L2 norm of C,
 * d_k min(1, C / |d_k|), and noise may be added (McMahan et al. 2018, "Learning Differentially Private Recurrent
 * Language Models"). Of noise z every client weighs alike, what is added to the base is
 *
 *     (sum_k clipped d_k + N(0, (z C)^2)) / divisor
 *
 * and privacy.h says what that hides.
 *
 * With a base, a step s other than 1 goes further, to  base + s (average - base): the server's learning rate of Reddi et
 * al. 2021 ("Adaptive Federated Optimization"), for clients that see few of the classes pull in different directions, and
 * their mean is short.
 *
 * The result is stored as the clients are if all are alike, else in float32; so it is of quantized ones with noise, for
 * the scales of their outputs are not made for it. Layers that are the same in all files keep their bytes; the scale of
 * another quantized layer's output is the largest of the clients'. Batch normalisation is folded in model files; what
 * is left of it is averaged as the rest is. The temperature is 1, and there are no examples. */
#ifndef AVERAGING_H
#define AVERAGING_H

#include "cli/errors.h"
#include "net/model.h"

struct client {
    const char *path;
    uint8_t *bytes; /* of the file */
    size_t size;
    struct model *model;
    uint64_t images; /* that it was trained on, by its notes */
    double norm;     /* of its update, once averaging_norms has been called */
};

/* Reads a model and from its notes (`data`) on how many images it was trained. False, with nothing to free, for a file
 * that is no model, has a weight that is not finite, or notes that say nothing of images, or of none. */
bool client_load(struct client *client, const char *path, struct failure *failure);
void clients_free(struct client *clients, int count);

struct averaging {
    struct client *clients; /* that fit each other (same_model.h); put into order here */
    int count;
    const struct model *base; /* where they began; NULL: not needed */
    bool head;                /* the head alone: all else stays the base's */
    double clip, noise;       /* C and z; 0: none. Both need a base, noise needs a clip */
    double step;              /* s; needs a base unless it is 1 */
    double divisor;           /* of noise */
    const uint64_t *seed;     /* of the noise; NULL: from the operating system */
    const char *notes;
};

/* Whether a layer is the same, as it is stored, in all clients. */
bool averaging_same(const struct averaging *averaging, int node);

/* The L2 norm of each client's update. */
void averaging_norms(const struct averaging *averaging);

/* The bytes of the model file, read back; the caller frees them. NULL with a failure. */
uint8_t *averaging_file(size_t *size, const struct averaging *averaging, struct failure *failure);

#endif
