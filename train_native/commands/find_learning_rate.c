#include "commands/find_learning_rate.h"

#include "cli/errors.h"
#include "cli/json.h"

#include <math.h>
#include <stdio.h>

enum { STEPS = 106, STEPS_PER_DECADE = 15 };
static const double min_learning_rate = 1e-6; /* seven decades up to 10 */

struct test {
    struct trainer_settings settings; /* with the learning rate of the step under way */
    const struct trainer_settings *asked;
    int steps;
    double learning_rates[STEPS],
        losses[STEPS];               /* losses: an exponential moving average, or single ones jump too much */
    double ema, lowest, loss_before; /* loss_before: of the epoch, up to the step before */
};

static void set_learning_rate(struct test *test)
{
    const double rate = min_learning_rate * pow(10, (double)test->steps / (double)STEPS_PER_DECADE);
    test->settings.optimizer = test->asked->optimizer;
    optimizer_scale_learning_rates(&test->settings.optimizer,
                                   (float)(rate / (double)test->asked->optimizer.learning_rate));
    if (test->steps < STEPS)
        test->learning_rates[test->steps] = rate;
}

/* After each step; false when the loss has left its lowest point for good, or all steps are done. */
static bool note(void *context, const struct epoch_result *so_far, int images)
{
    static const double decay = 0.9; /* of the moving average */
    struct test *test = context;
    const int left = so_far->count % test->settings.batch; /* the last step of an epoch may be a smaller one */
    const double loss = (so_far->loss_sum - test->loss_before) / (left ? left : test->settings.batch);
    test->loss_before = so_far->count == images ? 0 : so_far->loss_sum;
    test->ema = decay * test->ema + (1 - decay) * loss;
    const double smooth = test->losses[test->steps] = test->ema / (1 - pow(decay, test->steps + 1));
    test->lowest = test->steps == 0 || smooth < test->lowest ? smooth : test->lowest;
    test->steps++;
    set_learning_rate(test);
    return test->steps < STEPS && smooth <= 2 * test->lowest + 1;
}

/* A tenth of the learning rate of the lowest loss: there the loss falls, and there is room before it rises (fast.ai's
 * rule). */
static double suggestion(const struct test *test)
{
    int best = 0;
    for (int i = 1; i < test->steps; i++)
        best = test->losses[i] < test->losses[best] ? i : best;
    const double rate = test->learning_rates[best] / 10, digits = pow(10, floor(log10(rate)) - 1);
    return round(rate / digits) * digits;
}

static void print_table(const struct test *test)
{
    enum { BAR = 40, EVERY = 5 };
    static const char line[BAR + 1] = "========================================";
    const double highest =
        test->losses[0] + 0.5 * (test->losses[0] - test->lowest); /* the rise at the end is cut off */
    printf("  learning rate      loss\n");
    for (int i = 0; i < test->steps; i += EVERY) {
        const double fraction = (test->losses[i] - test->lowest) / (highest - test->lowest + 1e-9);
        const int length = (int)((double)BAR * (fraction < 1 ? fraction : 1));
        printf("%15.2g  %8.4f  %.*s%s\n", test->learning_rates[i], test->losses[i], length, line,
               fraction > 1 ? ">" : "");
    }
}

static void json_numbers(struct json *json, const char *key, const double *numbers, int count)
{
    json_array(json, key);
    for (int i = 0; i < count; i++)
        json_number(json, NULL, "%.6g", numbers[i]);
    json_close(json);
}

static void print_json(const struct test *test, double suggested)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_number(&json, "suggested", "%g", suggested);
    json_numbers(&json, "learning_rates", test->learning_rates, test->steps);
    json_numbers(&json, "losses", test->losses, test->steps);
    json_close(&json);
    json_end(&json);
}

void find_learning_rate(struct trainer *trainer, const struct trainer_settings *settings, const struct subset *subset,
                        bool json)
{
    struct test test = {.settings = *settings, .asked = settings};
    test.settings.schedule = SCHEDULE_CONSTANT;
    test.settings.warmup = 0;
    set_learning_rate(&test);
    struct epoch_result result = {.finite = true};
    struct epoch epoch = {.settings = &test.settings, .subset = *subset, .progress = note, .context = &test};
    for (; test.steps < STEPS && !result.stopped && result.finite; epoch.number++)
        result = trainer_epoch(trainer, &epoch);
    if (!test.steps)
        die(NULL, "Something is wrong with the data or the network.",
            "the loss is not a finite number in the first step");
    const double rate = suggestion(&test);
    if (json) {
        print_json(&test, rate);
    } else {
        print_table(&test);
        printf("suggested: --learning-rate %g, a tenth of that of the lowest loss\n", rate);
    }
}
