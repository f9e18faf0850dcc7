#include "training/schedule.h"

static const double pi = 3.14159265358979323846;

/* From `from` to `to` along half a cosine wave. */
static double along_wave(double from, double to, double share)
{
    return to + (from - to) * 0.5 * (1 + cos(pi * share));
}

enum { RISE_PERCENT = 30 };

/* How far up one cycle is, 0 to 1, when this share of all is done. */
static double cycle_share(double done)
{
    const double rise = (double)RISE_PERCENT / 100.0;
    return done < rise ? along_wave(0, 1, done / rise) : along_wave(1, 0, (done - rise) / (1 - rise));
}

static double rate_share(enum schedule schedule, double epochs, double warmup, double all)
{
    if (schedule == SCHEDULE_ONECYCLE) {
        const double done = epochs / all, least = done < (double)RISE_PERCENT / 100.0 ? 1.0 / 25 : 1.0 / 250000;
        return least + (1 - least) * cycle_share(done);
    }
    if (epochs < warmup)
        return epochs / warmup;
    const double left = (all - epochs) / (all - warmup);
    switch (schedule) {
    case SCHEDULE_COSINE: return 0.5 * (1 - cos(pi * left));
    case SCHEDULE_LINEAR: return left;
    case SCHEDULE_CONSTANT:
    case SCHEDULE_PLATEAU:
    case SCHEDULE_ONECYCLE: break; /* above */
    }
    return 1;
}

struct optimizer schedule_optimizer(const struct optimizer *optimizer, enum schedule schedule, double epochs, double warmup,
                                    double all)
{
    struct optimizer now = *optimizer;
    const float share = (float)rate_share(schedule, epochs, warmup, all);
    now.rate *= share;
    now.dense_rate *= share;
    now.bias_rate *= share;
    if (schedule == SCHEDULE_ONECYCLE && now.kind == OPTIMIZER_SGD) {
        const double lower = (double)now.momentum - 0.1 * cycle_share(epochs / all);
        now.momentum = lower > 0 ? (float)lower : 0;
    }
    return now;
}

void plateau_step(struct plateau *plateau, double loss, int patience)
{
    if (loss < plateau->lowest * (1 - 1e-4)) {
        plateau->lowest = loss;
        plateau->waited = 0;
    } else if (++plateau->waited >= patience) {
        plateau->share *= 0.1;
        plateau->waited = 0;
    }
}
