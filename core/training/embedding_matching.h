/* A part of knowledge distillation (distillation.h): outputs of the student, its projections, come to the teacher's
 * embedding of the image, as the features of FitNets do (Romero et al. 2015, "FitNets: Hints for Thin Deep Nets").
 * A linear layer makes them of the student's embedding, is learned with it, and is thrown away at the end: what
 * remains is an embedding from which the teacher's can be told. The loss of an image is
 *
 *     weight / (2 sqrt(e)) |projection - wanted|^2
 *
 * of e numbers. The gradient then has the length of weight times the root mean square of the errors, whatever e is:
 * that of a cross-entropy, with a weight of 1 and an embedding of standard deviation 1.
 *
 *     const struct embedding_matching matching = {wanted, targets, 1, n, e, stride};
 *     embedding_matching_forward(losses, projections, &matching);
 *     embedding_matching_backward(dprojections, projections, &matching, 1.0f / n); */
#ifndef EMBEDDING_MATCHING_H
#define EMBEDDING_MATCHING_H

#include "training/loss.h"

struct embedding_matching {
    const float *wanted;          /* (n, e) the teacher's */
    const struct target *targets; /* (n) whose weights count here too */
    float weight;
    int n, e;
    int stride; /* from the projection of an image to that of the next one */
};

/* Adds to losses (n). */
void embedding_matching_forward(float *losses, const float *projections, const struct embedding_matching *matching);

/* dprojections, laid out as projections: the gradient of `factor` times the sum of the losses. */
void embedding_matching_backward(float *dprojections, const float *projections,
                                 const struct embedding_matching *matching, float factor);

#endif
