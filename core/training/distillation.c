#include "training/distillation.h"

#include "kernels/activation.h"
#include "kernels/math.h"

#include <assert.h>
#include <stddef.h>

static size_t row_of(const struct distillation *distillation, int image)
{
    assert(distillation->rows[image] >= 0);
    return (size_t)distillation->rows[image];
}

static int view_of(const struct distillation *distillation, bool mirrored)
{
    assert(distillation->views == 1 || distillation->views == 2);
    return mirrored && distillation->views > 1;
}

void distillation_wanted(float *wanted, const struct distillation *distillation, int image, bool mirrored, int c)
{
    const size_t row =
        row_of(distillation, image) * (size_t)distillation->views + (size_t)view_of(distillation, mirrored);
    activation_softmax_forward(wanted, distillation->logits + row * (size_t)c, distillation->temperature, 1, c);
}

const float *distillation_embedding(const struct distillation *distillation, int image, bool mirrored)
{
    return distillation->embeddings[view_of(distillation, mirrored)] +
           row_of(distillation, image) * (size_t)distillation->embedding_stride;
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
