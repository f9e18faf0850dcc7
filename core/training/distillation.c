#include "training/distillation.h"

#include "kernels/activation.h"
#include "kernels/math.h"

#include <assert.h>
#include <stddef.h>

void distillation_wanted(float *wanted, const struct distillation *distillation, int image, bool mirrored, int c)
{
    const int row = distillation->rows[image];
    assert(row >= 0 && (distillation->views == 1 || distillation->views == 2));
    const size_t view = (size_t)row * (size_t)distillation->views + (mirrored && distillation->views > 1);
    activation_softmax_forward(wanted, distillation->logits + view * (size_t)c, distillation->temperature, 1, c);
}

void distillation_mix(float *wanted, const float *other, float fraction, int c)
{
    for (int k = 0; k < c; k++)
        wanted[k] = (1 - fraction) * wanted[k] + fraction * other[k];
}

/* KL(q || softmax(z / T)), with no logarithm of a rounded-off probability of the student's. */
static double divergence(const float *q, const float *z, double temperature, int c)
{
    double largest = (double)z[0], sum = 0, result = 0;
    for (int k = 1; k < c; k++)
        largest = (double)z[k] > largest ? (double)z[k] : largest;
    for (int k = 0; k < c; k++)
        sum += math_exp(((double)z[k] - largest) / temperature);
    const double log_sum = math_log(sum);
    for (int k = 0; k < c; k++)
        if (q[k] > 0)
            result += (double)q[k] * (math_log((double)q[k]) - ((double)z[k] - largest) / temperature + log_sum);
    return result;
}

void distillation_forward(float *losses, const float *logits, const struct soft_targets *soft)
{
    const double temperature = (double)soft->temperature;
    activation_softmax_forward(soft->softened, logits, soft->temperature, soft->n, soft->c);
    for (int i = 0; i < soft->n; i++) {
        const double kl = divergence(soft->wanted + i * soft->c, logits + i * soft->c, temperature, soft->c);
        losses[i] = (1 - soft->weight) * losses[i] +
                    soft->weight * soft->targets[i].weight * (float)(temperature * temperature * kl);
    }
}

/* The derivative of T^2 KL is T (softened - wanted). */
void distillation_backward(float *dlogits, const struct soft_targets *soft, float factor)
{
    for (int i = 0; i < soft->n; i++) {
        const float scale = factor * soft->weight * soft->temperature * soft->targets[i].weight;
        for (int k = i * soft->c; k < (i + 1) * soft->c; k++)
            dlogits[k] = (1 - soft->weight) * dlogits[k] + scale * (soft->softened[k] - soft->wanted[k]);
    }
}
