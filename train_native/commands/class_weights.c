#include "commands/class_weights.h"

#include "cli/memory.h"

#include <stddef.h>

int *class_counts(const struct dataset *dataset, const int *indices, int count)
{
    int *counts = allocate((size_t)dataset->classes, sizeof(int));
    for (int i = 0; i < count; i++)
        counts[dataset->labels[indices[i]]]++;
    return counts;
}

double class_imbalance(const int *counts, int classes)
{
    int smallest = 0, largest = 0;
    for (int i = 0; i < classes; i++) {
        if (counts[i] && (!smallest || counts[i] < smallest))
            smallest = counts[i];
        if (counts[i] > largest)
            largest = counts[i];
    }
    return smallest ? (double)largest / smallest : 1;
}

float *class_weights(const int *counts, int classes, enum class_weighting weighting)
{
    if (weighting == CLASS_WEIGHTS_NONE)
        return NULL;
    float *weights = allocate((size_t)classes, sizeof *weights);
    int images = 0, present = 0;
    for (int i = 0; i < classes; i++) {
        images += counts[i];
        present += counts[i] > 0;
    }
    for (int i = 0; i < classes; i++)
        if (counts[i])
            weights[i] = (float)images / (float)present / (float)counts[i];
    return weights;
}
