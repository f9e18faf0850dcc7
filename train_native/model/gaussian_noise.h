/* Numbers of the standard normal distribution, for noise that is to hide something.
 *
 *     struct gaussian_noise noise;
 *     gaussian_noise_start(&noise, NULL);              // from the operating system's random numbers
 *     const double x = gaussian_noise_next(&noise);
 *     if (noise.error)
 *         printf("no random numbers: %s\n", strerror(noise.error));
 *
 * Who knows the state of a generator can take its noise away again, so the numbers are the operating system's
 * (getrandom), and nothing but a test gives a seed. By Box and Muller (1958), in double, two of 53 bits each. */
#ifndef GAUSSIAN_NOISE_H
#define GAUSSIAN_NOISE_H

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

struct gaussian_noise {
    uint64_t numbers[512];
    int next; /* of them; all are used: new ones are fetched */
    bool seeded;
    int error; /* errno, where the operating system gives no random numbers: then all that were given are worthless */
    struct random random;
};

/* seed: NULL for the operating system's. */
void gaussian_noise_start(struct gaussian_noise *noise, const uint64_t *seed);

double gaussian_noise_next(struct gaussian_noise *noise);

#endif
