/* Compares gradients with central differences of a function in double. */
#ifndef GRADIENT_CHECK_H
#define GRADIENT_CHECK_H

#include <stddef.h>

/* A function of many numbers, which may be changed and are put back. */
struct function {
    double (*value)(void *context);
    void *context;
    double *numbers;
    size_t count;
};

/* The number of coordinates whose gradient is wrong. A coordinate where two step sizes disagree stands at a kink (of
 * a ReLU or a maximum) and is skipped; these must stay few. At most about `sample` coordinates are looked at. */
int gradient_wrong_coordinates(const float *gradient, const struct function *f, size_t sample, int *skipped, int *seen);

/* Fails the test where a coordinate is wrong, or more than a fifth are skipped. */
void gradient_check(const char *name, const float *gradient, const struct function *f, size_t sample);

#endif
