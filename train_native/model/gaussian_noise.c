#include "model/gaussian_noise.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <sys/random.h>

enum {
    NUMBERS = sizeof((struct gaussian_noise *)0)->numbers / sizeof(uint64_t),
    STREAM = 0 /* the seed is of no run */
};

void gaussian_noise_start(struct gaussian_noise *noise, const uint64_t *seed)
{
    noise->next = NUMBERS;
    noise->error = 0;
    noise->seeded = seed != NULL;
    noise->random = random_seed(seed ? *seed : 0, STREAM);
}

static void fetch(struct gaussian_noise *noise)
{
    uint8_t *to = (uint8_t *)noise->numbers;
    for (int i = 0; i < NUMBERS && noise->seeded; i++)
        noise->numbers[i] = random_next(&noise->random);
    for (size_t done = 0; done < sizeof noise->numbers && !noise->seeded && !noise->error;) {
        const ssize_t some = getrandom(to + done, sizeof noise->numbers - done, 0);
        if (some < 0 && errno != EINTR)
            noise->error = errno;
        done += some > 0 ? (size_t)some : 0;
    }
    noise->next = 0;
}

double gaussian_noise_next(struct gaussian_noise *noise)
{
    const double two_pi = 6.283185307179586, unit = 0x1p-53;
    if (noise->next + 2 > NUMBERS)
        fetch(noise);
    const double a = ((double)(noise->numbers[noise->next] >> 11) + 1) * unit; /* above 0 */
    const double b = (double)(noise->numbers[noise->next + 1] >> 11) * unit;
    noise->next += 2;
    return sqrt(-2 * log(a)) * cos(two_pi * b);
}
