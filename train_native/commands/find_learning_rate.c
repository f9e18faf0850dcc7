#include "commands/find_learning_rate.h"

#include "cli/errors.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 106, STEPS_A_DECADE = 15 };
static const double lowest_rate = 1e-6; /* seven decades up to 10 */

struct test {
    struct settings settings; /* with the rate of the step under way */
    const struct settings *asked;
    int steps;
    double rates[STEPS], losses[STEPS]; /* losses: a moving average, or single ones jump too much */
    double average, lowest, seen;       /* seen: the loss of the epoch up to the step before */
};

static void set_rate(struct test *test)
{
    const double rate = lowest_rate * pow(10, (double)test->steps / (double)STEPS_A_DECADE);
    const float share = (float)(rate / (double)test->asked->optimizer.rate);
    struct optimizer *optimizer = &test->settings.optimizer;
    *optimizer = test->asked->optimizer;
    optimizer->rate *= share;
    optimizer->dense_rate *= share;
    optimizer->bias_rate *= share;
    optimizer->frozen_bias_rate *= share;
    if (test->steps < STEPS)
        test->rates[test->steps] = rate;
}

/* After each step; false when the loss has left its lowest point for good, or all steps are done. */
static bool note(void *context, const struct epoch_result *so_far, int images)
{
    static const double stays = 0.9; /* of the average in a step */
    struct test *test = context;
    const int left = so_far->count % test->settings.batch; /* the last step of an epoch may be a smaller one */
    const double loss = (so_far->loss_sum - test->seen) / (left ? left : test->settings.batch);
    test->seen = so_far->count == images ? 0 : so_far->loss_sum;
    test->average = stays * test->average + (1 - stays) * loss;
    const double smooth = test->losses[test->steps] = test->average / (1 - pow(stays, test->steps + 1));
    test->lowest = test->steps == 0 || smooth < test->lowest ? smooth : test->lowest;
    test->steps++;
    set_rate(test);
    return test->steps < STEPS && smooth <= 2 * test->lowest + 1;
}

/* A tenth of the rate of the lowest loss: there the loss falls, and there is room before it rises (fast.ai's rule). */
static double suggestion(const struct test *test)
{
    int best = 0;
    for (int i = 1; i < test->steps; i++)
        best = test->losses[i] < test->losses[best] ? i : best;
    const double rate = test->rates[best] / 10, digits = pow(10, floor(log10(rate)) - 1);
    return round(rate / digits) * digits;
}

static void print_table(const struct test *test)
{
    enum { BAR = 40, EVERY = 5 };
    static const char line[BAR + 1] = "========================================";
    const double highest = test->losses[0] + 0.5 * (test->losses[0] - test->lowest); /* the rise at the end is cut off */
    printf("      rate      loss\n");
    for (int i = 0; i < test->steps; i += EVERY) {
        const double share = (test->losses[i] - test->lowest) / (highest - test->lowest + 1e-9);
        const int length = (int)((double)BAR * (share < 1 ? share : 1));
        printf("%10.2g  %8.4f  %.*s%s\n", test->rates[i], test->losses[i], length, line, share > 1 ? ">" : "");
    }
}

void find_rate(struct trainer *trainer, const struct settings *settings, const struct dataset *dataset, const int *indices,
               int count, bool json)
{
    struct test test = {.settings = *settings, .asked = settings};
    test.settings.schedule = SCHEDULE_CONSTANT;
    test.settings.warmup = 0;
    set_rate(&test);
    struct epoch_result result = {.finite = true};
    for (int epoch = 0; test.steps < STEPS && !result.stopped && result.finite; epoch++)
        result = trainer_epoch(trainer, &test.settings, dataset, indices, count, epoch, NULL, note, &test);
    if (!test.steps)
        die(NULL, "Something is wrong with the data or the network.", "the loss is not a finite number in the first step");
    const double rate = suggestion(&test);
    if (json) {
        printf("{\"suggested\": %g, \"rates\": [", rate);
        for (int i = 0; i < test.steps; i++)
            printf("%s%.6g", i ? ", " : "", test.rates[i]);
        printf("], \"losses\": [");
        for (int i = 0; i < test.steps; i++)
            printf("%s%.6g", i ? ", " : "", test.losses[i]);
        printf("]}\n");
    } else {
        print_table(&test);
        printf("suggested: --learning-rate %g, a tenth of the rate of the lowest loss\n", rate);
    }
}
