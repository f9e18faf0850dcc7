#include "training/loss.h"

#include "kernels/activation.h"

#include <assert.h>
#include <math.h>

/* -log softmax(z)[k] = log(sum exp(z - max)) - (z[k] - max): no logarithm of a rounded-off probability. */
void cross_entropy_forward(float *losses, float *probabilities, const float *logits, const struct target *targets,
                           float smoothing, int n, int c)
{
    softmax_forward(probabilities, logits, 1.0f, n, c);
    for (int i = 0; i < n; i++, logits += c) {
        const struct target *t = &targets[i];
        assert(t->label >= 0 && t->label < c && t->other >= 0 && t->other < c);
        float largest = logits[0], mean = 0;
        double sum = 0;
        for (int k = 1; k < c; k++)
            largest = logits[k] > largest ? logits[k] : largest;
        for (int k = 0; k < c; k++) {
            sum += exp((double)(logits[k] - largest));
            mean += (logits[k] - largest) / (float)c;
        }
        const float wanted = (1 - t->share) * (logits[t->label] - largest) + t->share * (logits[t->other] - largest);
        losses[i] = t->weight * ((float)log(sum) - (1 - smoothing) * wanted - smoothing * mean);
    }
}

void cross_entropy_backward(float *dlogits, const float *probabilities, const struct target *targets, float smoothing,
                            float factor, int n, int c)
{
    for (int i = 0; i < n; i++) {
        const struct target *t = &targets[i];
        for (int k = 0; k < c; k++) {
            const float share = (k == t->label ? 1 - t->share : 0) + (k == t->other ? t->share : 0);
            const float target = smoothing / (float)c + (1 - smoothing) * share;
            dlogits[i * c + k] = factor * t->weight * (probabilities[i * c + k] - target);
        }
    }
}
