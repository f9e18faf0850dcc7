/* Cross-entropy of softmax(logits) with label smoothing (Szegedy et al. 2016): the target is 1 - smoothing on the
 * label, plus smoothing / c on every class.
 *
 *     struct target targets[n];
 *     targets[i] = target_of(label);
 *     cross_entropy_forward(losses, probabilities, logits, targets, 0, n, c);
 *     cross_entropy_backward(dlogits, probabilities, targets, 0, 1.0f / n, n, c); */
#ifndef LOSS_H
#define LOSS_H

/* What one image's scores should be: of the 1 - smoothing, `fraction` goes to the other label (mixup, cutmix) and the
 * rest to the label; the image's loss counts `weight` times. */
struct target {
    int label, other; /* each 0 .. c-1 */
    float fraction, weight;
};

static inline struct target target_of(int label) { return (struct target){label, label, 0, 1}; }

/* losses (n) and probabilities (n, c) from logits (n, c) and targets (n). */
void cross_entropy_forward(float *losses, float *probabilities, const float *logits, const struct target *targets,
                           float label_smoothing, int n, int c);

/* dlogits (n, c), overwritten: the gradient of `factor` times the sum of the losses. */
void cross_entropy_backward(float *dlogits, const float *probabilities, const struct target *targets,
                            float label_smoothing, float factor, int n, int c);

#endif
