#include "loss.h"

#include "activation.h"

#include <assert.h>
#include <math.h>

/* -log softmax(z)[k] = log(sum exp(z - max)) - (z[k] - max): no logarithm of a rounded-off probability. */
void cross_entropy_forward(float *losses, float *probabilities, const float *logits, const int *labels,
                           float smoothing, int n, int c)
{
    softmax_forward(probabilities, logits, 1.0f, n, c);
    for (int i = 0; i < n; i++, logits += c) {
        assert(labels[i] >= 0 && labels[i] < c);
        float largest = logits[0], mean = 0;
        double sum = 0;
        for (int k = 1; k < c; k++)
            largest = logits[k] > largest ? logits[k] : largest;
        for (int k = 0; k < c; k++) {
            sum += exp((double)(logits[k] - largest));
            mean += (logits[k] - largest) / (float)c;
        }
        losses[i] = (float)log(sum) - (1 - smoothing) * (logits[labels[i]] - largest) - smoothing * mean;
    }
}

void cross_entropy_backward(float *dlogits, const float *probabilities, const int *labels, float smoothing,
                            float factor, int n, int c)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c; k++) {
            const float target = smoothing / (float)c + (k == labels[i] ? 1 - smoothing : 0);
            dlogits[i * c + k] = factor * (probabilities[i * c + k] - target);
        }
}
