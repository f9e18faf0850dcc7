#include "training/loss.h"

#include "kernels/activation.h"
#include "kernels/math.h"

#include <assert.h>

/* -log softmax(z)[k] = log(sum exp(z - max)) - (z[k] - max): no logarithm of a rounded-off probability. */
void cross_entropy_forward(float *losses, float *probabilities, const float *logits, const struct target *targets,
                           float label_smoothing, int n, int c)
{
    activation_softmax_forward(probabilities, logits, 1.0f, n, c);
    for (int i = 0; i < n; i++, logits += c) {
        const struct target *t = &targets[i];
        assert(t->label >= 0 && t->label < c && t->other >= 0 && t->other < c);
        float largest = logits[0], mean = 0;
        double sum = 0;
        for (int k = 1; k < c; k++)
            largest = logits[k] > largest ? logits[k] : largest;
        for (int k = 0; k < c; k++) {
            sum += math_exp((double)(logits[k] - largest));
            mean += (logits[k] - largest) / (float)c;
        }
        const float wanted =
            (1 - t->fraction) * (logits[t->label] - largest) + t->fraction * (logits[t->other] - largest);
        losses[i] = t->weight * ((float)math_log(sum) - (1 - label_smoothing) * wanted - label_smoothing * mean);
    }
}

void cross_entropy_backward(float *dlogits, const float *probabilities, const struct target *targets,
                            float label_smoothing, float factor, int n, int c)
{
    for (int i = 0; i < n; i++) {
        const struct target *t = &targets[i];
        for (int k = 0; k < c; k++) {
            const float of_class = (k == t->label ? 1 - t->fraction : 0) + (k == t->other ? t->fraction : 0);
            const float target = label_smoothing / (float)c + (1 - label_smoothing) * of_class;
            dlogits[i * c + k] = factor * t->weight * (probabilities[i * c + k] - target);
        }
    }
}
