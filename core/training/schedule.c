#include "training/schedule.h"

#include "kernels/math.h"

#include <assert.h>

static const double pi = 3.14159265358979323846;

/* From `from` to `to` along half a cosine wave, of which this fraction is done. */
static double along_wave(double from, double to, double done)
{
    return to + (from - to) * 0.5 * (1 + math_cos(pi * done));
}

#define RISE 0.3 /* of all, over which one cycle goes up */

/* How far up one cycle is, 0 to 1, when this fraction of it is done. */
static double cycle_height(double done)
{
    return done < RISE ? along_wave(0, 1, done / RISE) : along_wave(1, 0, (done - RISE) / (1 - RISE));
}

/* What the learning rates are multiplied with. */
static double factor_at(enum schedule schedule, double epochs, double warmup, double all)
{
    if (schedule == SCHEDULE_ONECYCLE) {
        const double done = epochs / all, min = done < RISE ? 1.0 / 25 : 1.0 / 250000;
        return min + (1 - min) * cycle_height(done);
    }
    if (epochs < warmup)
        return epochs / warmup;
    const double left = (all - epochs) / (all - warmup);
    switch (schedule) {
    case SCHEDULE_COSINE: return 0.5 * (1 - math_cos(pi * left));
    case SCHEDULE_LINEAR: return left;
    case SCHEDULE_CONSTANT:
    case SCHEDULE_PLATEAU:
    case SCHEDULE_ONECYCLE: break;
    }
    return 1;
}

struct optimizer schedule_optimizer(const struct optimizer *optimizer, enum schedule schedule, double epochs,
                                    double warmup, double all)
{
    assert(all > 0 && epochs >= 0);
    struct optimizer now = *optimizer;
    optimizer_scale_learning_rates(&now, (float)factor_at(schedule, epochs, warmup, all));
    now.frozen_bias_learning_rate =
        optimizer->frozen_bias_learning_rate; /* the trainer has a schedule of its own for it */
    if (schedule == SCHEDULE_ONECYCLE && now.kind == OPTIMIZER_SGD) {
        const double lower = (double)now.momentum - 0.1 * cycle_height(epochs / all);
        now.momentum = lower > 0 ? (float)lower : 0;
    }
    return now;
}

void plateau_step(struct plateau *plateau, double loss, int patience)
{
    if (loss < plateau->lowest_loss * (1 - 1e-4)) {
        plateau->lowest_loss = loss;
        plateau->epochs_waited = 0;
    } else if (++plateau->epochs_waited >= patience) {
        plateau->factor *= 0.1;
        plateau->epochs_waited = 0;
    }
}
