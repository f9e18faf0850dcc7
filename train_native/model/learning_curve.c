#include "model/learning_curve.h"

#include "base/random.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWS = 2000, SEED = 1 };

struct law {
    double level, slope; /* log(error) = level + slope * log(images) */
};

/* A point of the regression. */
struct observation {
    double x, y, variance; /* log(images); log(error), and its variance */
};

/* Box and Muller 1958. */
static double draw_normal(struct random *random)
{
    const double radius = sqrt(-2 * log(1 - (double)random_uniform(random)));
    return radius * cos(6.283185307179586 * (double)random_uniform(random));
}

static struct observation observe(const struct curve_point *point)
{
    const double count = point->count + 1, error = (point->count - point->right + 0.5) / count;
    return (struct observation){log(point->images), log(error), (1 - error) / (error * count)}; /* delta method */
}

static struct law fit(const struct observation *points, int count)
{
    double weights = 0, x = 0, y = 0, above = 0, below = 0;
    for (int i = 0; i < count; i++) {
        weights += 1 / points[i].variance;
        x += points[i].x / points[i].variance;
        y += points[i].y / points[i].variance;
    }
    x /= weights;
    y /= weights;
    for (int i = 0; i < count; i++) {
        above += (points[i].x - x) * (points[i].y - y) / points[i].variance;
        below += (points[i].x - x) * (points[i].x - x) / points[i].variance;
    }
    const double slope = fmin(0, above / below); /* more images do no harm */
    return (struct law){y - slope * x, slope};
}

static double accuracy_at(struct law law, int images) { return 1 - fmin(1, exp(law.level + law.slope * log(images))); }

/* How much wider than binomial the points lie around the law, as a factor of the standard deviation. */
static double excess(const struct observation *points, int count, struct law law)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const double off = points[i].y - law.level - law.slope * points[i].x;
        sum += off * off / points[i].variance;
    }
    return count > 2 ? sqrt(fmax(1, sum / (count - 2))) : 1;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct curve_forecast learning_curve_forecast(const struct curve_point *points, int count, int images)
{
    struct observation *observed = allocate((size_t)count, sizeof *observed);
    struct observation *drawn = allocate((size_t)count, sizeof *drawn);
    double *forecasts = allocate(DRAWS, sizeof *forecasts);
    for (int i = 0; i < count; i++)
        observed[i] = observe(&points[i]);
    const struct law law = fit(observed, count);
    const double wider = excess(observed, count, law);
    struct random random = random_seed(SEED, 0);
    for (int n = 0; n < DRAWS; n++) {
        for (int i = 0; i < count; i++) {
            drawn[i] = observed[i];
            drawn[i].y += wider * sqrt(observed[i].variance) * draw_normal(&random);
        }
        forecasts[n] = accuracy_at(fit(drawn, count), images);
    }
    qsort(forecasts, DRAWS, sizeof *forecasts, by_size);
    const struct curve_forecast forecast = {accuracy_at(law, images), forecasts[DRAWS / 40],
                                            forecasts[DRAWS - 1 - DRAWS / 40]};
    free(observed);
    free(drawn);
    free(forecasts);
    return forecast;
}
