/* core/training/schedule.c: the learning rates at the corners of each schedule. */
#include "training/schedule.h"
#include "support/test.h"

#include <math.h>

static struct optimizer at(enum schedule schedule, double epochs, double warmup)
{
    const struct optimizer optimizer = {.kind = OPTIMIZER_SGD,
                                        .learning_rate = 2,
                                        .momentum = 0.95f,
                                        .dense_learning_rate = 4,
                                        .bias_learning_rate = 8,
                                        .frozen_bias_learning_rate = 16};
    const struct optimizer now = schedule_optimizer(&optimizer, schedule, epochs, warmup, 10);
    CHECK_CLOSE(now.dense_learning_rate, 2 * now.learning_rate, 1e-6);
    CHECK_CLOSE(now.bias_learning_rate, 4 * now.learning_rate, 1e-6);
    CHECK_CLOSE(now.frozen_bias_learning_rate, 16, 0); /* which the trainer schedules */
    return now;
}

TEST(learning_rates_rise_and_fall)
{
    for (enum schedule schedule = SCHEDULE_CONSTANT; schedule <= SCHEDULE_PLATEAU; schedule++)
        if (schedule != SCHEDULE_ONECYCLE) {
            test_context("schedule %d", (int)schedule);
            CHECK_CLOSE(at(schedule, 1, 4).learning_rate, 0.5, 1e-6);
            CHECK_CLOSE(at(schedule, 4, 4).learning_rate, 2, 1e-6);
            CHECK_CLOSE(at(schedule, 10, 4).learning_rate,
                        schedule == SCHEDULE_COSINE || schedule == SCHEDULE_LINEAR ? 0 : 2, 1e-6);
            CHECK_CLOSE(at(schedule, 5, 4).momentum, 0.95, 1e-6);
        }
    CHECK_CLOSE(at(SCHEDULE_LINEAR, 7, 4).learning_rate, 1, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_COSINE, 7, 4).learning_rate, 1, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_COSINE, 5.5, 4).learning_rate, 1 + cos(3.14159265358979 / 4), 1e-6);
}

/* The figures of PyTorch's OneCycleLR with its defaults. */
TEST(one_cycle)
{
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 0, 4).learning_rate, 2 / 25.0, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 1.5, 4).learning_rate, 2 * 0.52, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 3, 4).learning_rate, 2, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 6.5, 4).learning_rate, 1, 1e-4);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 10, 4).learning_rate, 2 / 250000.0, 1e-7);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 0, 4).momentum, 0.95, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 3, 4).momentum, 0.85, 1e-6);
    CHECK_CLOSE(at(SCHEDULE_ONECYCLE, 10, 4).momentum, 0.95, 1e-6);
    const struct optimizer adam = {.kind = OPTIMIZER_ADAM, .learning_rate = 2, .momentum = 0.95f};
    CHECK_CLOSE(schedule_optimizer(&adam, SCHEDULE_ONECYCLE, 3, 0, 10).momentum, 0.95, 1e-6);
}

TEST(a_plateau_lowers_the_learning_rates)
{
    struct plateau plateau = PLATEAU_START;
    static const double losses[] = {3, 2, 2, 1.99999, 2.5, 1, 1, 1, 1, 1, 1, 0.5};
    static const double factors[] = {1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        plateau_step(&plateau, losses[i], 3);
        test_context("epoch %zu", i);
        CHECK_CLOSE(plateau.factor, factors[i], 1e-9);
    }
    CHECK_EQUAL(plateau.epochs_waited, 0);
}

static const struct test tests[] = {
    ENTRY(learning_rates_rise_and_fall),
    ENTRY(one_cycle),
    ENTRY(a_plateau_lowers_the_learning_rates),
};
const struct suite schedule_suite = SUITE("schedule", tests);
