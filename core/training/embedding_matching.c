#include "training/embedding_matching.h"

#include <math.h> /* sqrtf */
#include <stddef.h>

/* What an image's errors are multiplied with, in the gradient. */
static float scale_of(const struct embedding_matching *matching, int image)
{
    return matching->weight * matching->targets[image].weight / sqrtf((float)matching->e);
}

void embedding_matching_forward(float *losses, const float *projections, const struct embedding_matching *matching)
{
    for (int i = 0; i < matching->n; i++) {
        const float *projection = projections + (size_t)i * (size_t)matching->stride;
        const float *wanted = matching->wanted + (size_t)i * (size_t)matching->e;
        double sum = 0;
        for (int k = 0; k < matching->e; k++) {
            const double error = (double)projection[k] - (double)wanted[k];
            sum += error * error;
        }
        losses[i] += scale_of(matching, i) * (float)(0.5 * sum);
    }
}

void embedding_matching_backward(float *dprojections, const float *projections,
                                 const struct embedding_matching *matching, float factor)
{
    for (int i = 0; i < matching->n; i++) {
        const size_t row = (size_t)i * (size_t)matching->stride;
        const float *wanted = matching->wanted + (size_t)i * (size_t)matching->e;
        const float scale = factor * scale_of(matching, i);
        for (int k = 0; k < matching->e; k++)
            dprojections[row + (size_t)k] = scale * (projections[row + (size_t)k] - wanted[k]);
    }
}
