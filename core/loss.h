/* Cross-entropy of softmax(logits) with label smoothing (Szegedy et al. 2016): the target is 1 - smoothing on the
 * label, plus smoothing / c on every class. */
#ifndef LOSS_H
#define LOSS_H

/* losses (n) and probabilities (n, c) from logits (n, c) and labels (n), each 0 .. c-1. */
void cross_entropy_forward(float *losses, float *probabilities, const float *logits, const int *labels,
                           float smoothing, int n, int c);

/* dlogits (n, c), overwritten: the gradient of `factor` times the sum of the losses. */
void cross_entropy_backward(float *dlogits, const float *probabilities, const int *labels, float smoothing,
                            float factor, int n, int c);

#endif
