#include "training/calibration.h"

#include "base/argmax.h"
#include "kernels/math.h"

#include <math.h>
#include <stddef.h>

/* Images are dealt to so many parts in turn; each part is held out once. */
enum { FOLDS = 5 };

/* What a cross-entropy is the mean over: the images outside of part `without`, or those of part `only`; -1: all. */
struct images {
    const float *logits; /* (count, classes) */
    const int *labels;
    int count, classes, without, only;
};

static bool counts(const struct images *images, int i)
{
    return i % FOLDS != images->without && (images->only < 0 || i % FOLDS == images->only);
}

/* Mean cross-entropy at this temperature; the label's target is 1 - rest, and the rest is divided among the other
 * classes. */
static double cross_entropy(const struct images *images, double temperature, double rest)
{
    const int classes = images->classes;
    double sum = 0;
    int count = 0;
    for (int i = 0; i < images->count; i++) {
        if (!counts(images, i))
            continue;
        const float *logits = images->logits + (ptrdiff_t)i * classes;
        double largest = (double)logits[0], exponentials = 0, all = 0;
        for (int k = 1; k < classes; k++)
            largest = (double)logits[k] > largest ? (double)logits[k] : largest;
        for (int k = 0; k < classes; k++) {
            const double x = ((double)logits[k] - largest) / temperature;
            exponentials += math_exp(x);
            all += x;
        }
        const double label = ((double)logits[images->labels[i]] - largest) / temperature;
        sum += math_log(exponentials) - (1 - rest) * label - rest * (all - label) / (classes - 1);
        count++;
    }
    return sum / count;
}

#define MIN_TEMPERATURE 0.05
#define MAX_TEMPERATURE 20.0
#define WILKS 1.9207 /* half of the 95th percentile of chi-squared with one degree of freedom */

/* Golden section over log T: the cross-entropy is convex in 1 / T, so it has one minimum. */
static double best_temperature(const struct images *images, double rest)
{
    const double golden = 0.6180339887498949;
    double low = math_log(MIN_TEMPERATURE), high = math_log(MAX_TEMPERATURE), left = high - golden * (high - low),
           right = low + golden * (high - low);
    double at_left = cross_entropy(images, math_exp(left), rest);
    double at_right = cross_entropy(images, math_exp(right), rest);
    while (high - low > 1e-5) {
        if (at_left <= at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - golden * (high - low);
            at_left = cross_entropy(images, math_exp(left), rest);
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + golden * (high - low);
            at_right = cross_entropy(images, math_exp(right), rest);
        }
    }
    return floor(math_exp((low + high) / 2) * 1000 + 0.5) / 1000;
}

/* Platt's targets. */
static double rest_of(int count) { return 1.0 / (count + 2.0); }

double calibration_temperature(const float *logits, const int *labels, int count, int classes)
{
    const struct images images = {logits, labels, count, classes, -1, -1};
    return best_temperature(&images, rest_of(count));
}

double calibration_gain(const float *logits, const int *labels, int count, int classes)
{
    double gain = 0;
    for (int part = 0; part < FOLDS && part < count; part++) {
        const int held_out = (count - part + FOLDS - 1) / FOLDS;
        const struct images others = {logits, labels, count, classes, part, -1},
                            images = {logits, labels, count, classes, -1, part};
        const double temperature = best_temperature(&others, rest_of(count - held_out));
        gain += held_out * (cross_entropy(&images, 1, 0) - cross_entropy(&images, temperature, 0));
    }
    return gain / count;
}

void calibration_temperature_interval(double interval[2], const float *logits, const int *labels, int count,
                                      int classes, double temperature)
{
    const struct images images = {logits, labels, count, classes, -1, -1};
    const double rest = rest_of(count), bounds[2] = {math_log(MIN_TEMPERATURE), math_log(MAX_TEMPERATURE)};
    const double far = cross_entropy(&images, temperature, rest) + WILKS / count;
    for (int side = 0; side < 2; side++) { /* bisection: the cross-entropy rises on either side */
        double near = math_log(temperature), out = bounds[side];
        if (cross_entropy(&images, math_exp(out), rest) <= far)
            near = out;
        while (fabs(out - near) > 1e-5) {
            const double middle = (near + out) / 2;
            const bool fits = cross_entropy(&images, math_exp(middle), rest) <= far;
            near = fits ? middle : near;
            out = fits ? out : middle;
        }
        interval[side] = floor(math_exp(near) * 1000 + 0.5) / 1000;
    }
}

void calibration_answers(struct answer *answers, const float *logits, const int *labels, int count, int classes,
                         double temperature)
{
    for (int i = 0; i < count; i++, logits += classes) {
        const int label = labels[i];
        const int best = argmax(logits, classes);
        int before = 0;
        double sum = 0;
        for (int k = 0; k < classes; k++)
            before += logits[k] > logits[label] || (logits[k] == logits[label] && k < label);
        for (int k = 0; k < classes; k++)
            sum += math_exp(((double)logits[k] - (double)logits[best]) / temperature);
        const double behind = ((double)logits[label] - (double)logits[best]) / temperature;
        answers[i] = (struct answer){.label = label,
                                     .best = best,
                                     .score = 1 / sum,
                                     .label_score = math_exp(behind) / sum,
                                     .loss = math_log(sum) - behind,
                                     .among_five = before < 5};
    }
}

void calibration_bins(struct bin bins[CALIBRATION_BINS], const struct answer *answers, int count)
{
    for (int bin = 0; bin < CALIBRATION_BINS; bin++)
        bins[bin] = (struct bin){0};
    for (int i = 0; i < count; i++) {
        const int index = (int)(answers[i].score * (double)CALIBRATION_BINS);
        struct bin *bin = &bins[index < CALIBRATION_BINS ? index : CALIBRATION_BINS - 1];
        bin->count++;
        bin->right += answers[i].best == answers[i].label;
        bin->score_sum += answers[i].score;
    }
}

double calibration_error(const struct bin bins[CALIBRATION_BINS])
{
    double distance = 0;
    int count = 0;
    for (int bin = 0; bin < CALIBRATION_BINS; bin++) {
        distance += fabs(bins[bin].score_sum - bins[bin].right);
        count += bins[bin].count;
    }
    return count ? distance / count : 0;
}

struct threshold calibration_threshold(const struct answer *answers, int count, double precision)
{
    enum { STEPS = 1000 };
    int answered[STEPS + 1] = {0}, right[STEPS + 1] = {0};
    for (int i = 0; i < count; i++) {
        const int step = (int)(answers[i].score * (double)STEPS);
        answered[step]++;
        right[step] += answers[i].best == answers[i].label;
    }
    struct threshold lowest = {.score = 1}, sum = {0};
    for (int step = STEPS; step >= 0; step--) {
        if (!answered[step]) /* no answer was seen here: what is surer than all below it begins above */
            continue;
        sum.score = (double)step / (double)STEPS;
        sum.answered += answered[step];
        sum.right += right[step];
        if (sum.right >= precision * sum.answered)
            lowest = sum;
    }
    return lowest;
}
