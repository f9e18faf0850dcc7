/* Calibration: temperatures and thresholds that are known beforehand. */
#include "support/test.h"

#include "training/calibration.h"

#include <math.h>

enum { IMAGES = 20000, CLASSES = 7 };

/* Logits of a network whose probabilities are softmax(logits / temperature): the labels are drawn from them. */
static void draw(float *logits, int *labels, int count, double temperature, struct random *random)
{
    for (int i = 0; i < count; i++, logits += CLASSES) {
        double exponentials[CLASSES], sum = 0;
        for (int k = 0; k < CLASSES; k++) {
            logits[k] = 8 * random_uniform(random) - 4;
            sum += exponentials[k] = exp((double)logits[k] / temperature);
        }
        double left = (double)random_uniform(random) * sum;
        for (labels[i] = 0; labels[i] < CLASSES - 1 && (left -= exponentials[labels[i]]) > 0;)
            labels[i]++;
    }
}

TEST(the_temperature_that_labels_were_drawn_with_is_found)
{
    static const double temperatures[] = {0.3, 0.8, 1, 2.5};
    float *logits = test_floats(IMAGES * CLASSES);
    int *labels = test_bytes(IMAGES * sizeof *labels);
    struct answer *answers = test_bytes(IMAGES * sizeof *answers);
    struct random random = random_seed(3, 1);
    for (int i = 0; i < 4; i++) {
        struct bin bins[CALIBRATION_BINS];
        draw(logits, labels, IMAGES, temperatures[i], &random);
        const double found = calibration_temperature(logits, labels, IMAGES, CLASSES);
        test_context("temperature %g", temperatures[i]);
        CHECK_CLOSE(found / temperatures[i], 1, 0.04);
        CHECK_CLOSE(found * 1000, floor(found * 1000 + 0.5), 1e-9);
        calibration_answers(answers, logits, labels, IMAGES, CLASSES, found);
        calibration_bins(bins, answers, IMAGES);
        CHECK(calibration_error(bins) < 0.015);
        if (temperatures[i] != 1) {
            calibration_answers(answers, logits, labels, IMAGES, CLASSES, 1);
            calibration_bins(bins, answers, IMAGES);
            CHECK(calibration_error(bins) > 0.03);
        }
    }
}

/* A 95 % interval misses the true value in 1 of 20 draws: of 60 draws 51 hits and more are all but certain. */
TEST(the_interval_of_a_temperature_holds_the_true_one_as_often_as_it_says)
{
    enum { DRAWS = 60, FEW = 300 };
    float *logits = test_floats(FEW * CLASSES);
    int *labels = test_bytes(FEW * sizeof *labels);
    struct random random = random_seed(4, 1);
    int held = 0;
    for (int i = 0; i < DRAWS; i++) {
        double interval[2];
        draw(logits, labels, FEW, 0.8, &random);
        const double found = calibration_temperature(logits, labels, FEW, CLASSES);
        calibration_temperature_interval(interval, logits, labels, FEW, CLASSES, found);
        CHECK(interval[0] < found && found < interval[1] && interval[1] - interval[0] < 0.5);
        held += interval[0] <= 0.8 && 0.8 <= interval[1];
    }
    CHECK(held >= 51 && held < DRAWS);
}

/* Every fifth image, from the first on, is held out, then from the second on, and so on. */
static double naive_gain(const float *logits, const int *labels, int count)
{
    float *others = test_floats((size_t)count * CLASSES);
    int *other_labels = test_bytes((size_t)count * sizeof *other_labels);
    double gain = 0;
    for (int part = 0; part < 5; part++) {
        int n = 0;
        for (int i = 0; i < count; i++) {
            if (i % 5 == part)
                continue;
            for (int k = 0; k < CLASSES; k++)
                others[n * CLASSES + k] = logits[i * CLASSES + k];
            other_labels[n++] = labels[i];
        }
        const double temperatures[2] = {1, calibration_temperature(others, other_labels, n, CLASSES)};
        for (int i = part; i < count; i += 5)
            for (int t = 0; t < 2; t++) {
                struct answer answer;
                calibration_answers(&answer, logits + i * CLASSES, labels + i, 1, CLASSES, temperatures[t]);
                gain += t ? -answer.loss : answer.loss;
            }
    }
    return gain / count;
}

TEST(what_a_temperature_gains_is_measured_on_images_that_it_was_not_fitted_to)
{
    enum { DRAWS = 40, FEW = 103 };
    float *logits = test_floats(FEW * CLASSES);
    int *labels = test_bytes(FEW * sizeof *labels);
    struct random random = random_seed(5, 1);
    int gains[2] = {0};
    for (int i = 0; i < DRAWS; i++) {
        draw(logits, labels, FEW, i % 2 ? 2.5 : 1, &random);
        const double gain = calibration_gain(logits, labels, FEW, CLASSES);
        CHECK_CLOSE(gain, naive_gain(logits, labels, FEW), 1e-9);
        gains[i % 2] += gain > 0;
    }
    test_context("%d of 20 at temperature 1, %d at 2.5", gains[0], gains[1]);
    CHECK(gains[0] <= 10); /* it fits as it is */
    CHECK_EQUAL(gains[1], DRAWS / 2);
}

TEST(where_the_temperature_changes_nothing_nothing_is_gained)
{
    static const float equal[] = {1, 1, 1, 1, 1, 1, 1, 1};
    static const int labels[] = {0, 1, 0, 1};
    CHECK(calibration_gain(equal, labels, 4, 2) == 0);
    CHECK(calibration_gain(equal, labels, 2, 2) == 0);
}

/* Answers that tell nothing leave it between its bounds. */
TEST(the_interval_of_a_temperature_ends_at_the_bounds)
{
    static const float logits[] = {0, 0, 0, 0};
    static const int labels[] = {0, 1};
    double interval[2];
    calibration_temperature_interval(interval, logits, labels, 2, 2, 1);
    CHECK_CLOSE(interval[0], 0.05, 1e-9);
    CHECK_CLOSE(interval[1], 20, 1e-9);
}

/* The label's probability is to be 5 / 6: e^(1/T) = 5 for two classes, and 10 for three. */
TEST(a_few_images_that_are_all_right_do_not_make_it_certain)
{
    static const float two[] = {1, 0, 0, 1, 1, 0, 1, 0}, three[] = {1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0};
    static const int labels_two[] = {0, 1, 0, 0}, labels_three[] = {0, 2, 0, 1};
    CHECK_CLOSE(calibration_temperature(two, labels_two, 4, 2), 1 / log(5), 0.0006);
    CHECK_CLOSE(calibration_temperature(three, labels_three, 4, 3), 1 / log(10), 0.0006);
}

TEST(a_network_that_says_nothing_gets_a_temperature_all_the_same)
{
    static const float equal[] = {1, 1, 1, 1}, wrong[] = {9, 0, 9, 0};
    static const int labels[] = {0, 1}, others[] = {1, 1};
    CHECK_CLOSE(calibration_temperature(wrong, others, 2, 2), 20, 0.01);
    const double any = calibration_temperature(equal, labels, 2, 2);
    CHECK(any >= 0.05 && any <= 20);
}

TEST(answers_of_one_image)
{
    static const float logits[] = {0, 2, 1, 2, -1, -1, -1};
    static const int labels[] = {3}, last[] = {6};
    struct answer answer;
    calibration_answers(&answer, logits, labels, 1, CLASSES, 2);
    const double sum = exp(0) + 2 * exp(1) + exp(0.5) + 3 * exp(-0.5);
    CHECK_EQUAL(answer.best, 1);
    CHECK_EQUAL(answer.label, 3);
    CHECK_CLOSE(answer.score, exp(1) / sum, 1e-12);
    CHECK_CLOSE(answer.label_score, exp(1) / sum, 1e-12);
    CHECK_CLOSE(answer.loss, log(sum) - 1, 1e-12);
    CHECK(answer.among_five);
    calibration_answers(&answer, logits, last, 1, CLASSES, 1);
    CHECK(!answer.among_five); /* two equal ones stand before it */
    CHECK_CLOSE(answer.label_score / answer.score, exp(-3), 1e-12);
}

static struct answer said(double score, bool right)
{
    return (struct answer){.label = 0, .best = right ? 0 : 1, .score = score};
}

TEST(bins)
{
    const struct answer answers[] = {said(0.01, false), said(0.5, true), said(0.52, false), said(1, true),
                                     said(0.95, true)};
    struct bin found[CALIBRATION_BINS];
    calibration_bins(found, answers, 5);
    CHECK_EQUAL(found[0].count, 1);
    CHECK_EQUAL(found[7].count, 2);
    CHECK_EQUAL(found[7].right, 1);
    CHECK_CLOSE(found[7].score_sum, 1.02, 1e-12);
    CHECK_EQUAL(found[14].count, 2); /* a score of 1 is in the last one */
    CHECK_CLOSE(calibration_error(found), (0.01 + 0.02 + 0.05) / 5, 1e-12);
    calibration_bins(found, answers, 0);
    CHECK(calibration_error(found) == 0);
}

TEST(thresholds)
{
    const struct answer answers[] = {said(0.5005, false), said(0.9005, true), said(0.6005, true), said(0.7005, false),
                                     said(0.8005, true)};
    static const struct {
        double precision, score;
        int answered, right;
    } expected[] = {{1, 0.8, 2, 2}, {0.76, 0.8, 2, 2}, {0.75, 0.6, 4, 3}, {0.6, 0.5, 5, 3}, {0, 0.5, 5, 3}};
    for (int i = 0; i < 5; i++) {
        const struct threshold found = calibration_threshold(answers, 5, expected[i].precision);
        test_context("precision %g", expected[i].precision);
        CHECK_CLOSE(found.score, expected[i].score, 1e-12);
        CHECK_EQUAL(found.answered, expected[i].answered);
        CHECK_EQUAL(found.right, expected[i].right);
    }
}

TEST(no_threshold_where_the_surest_are_wrong_and_equal_scores_stay_together)
{
    const struct answer wrong[] = {said(0.9, false), said(0.8, true), said(0.7, false)};
    CHECK_EQUAL(calibration_threshold(wrong, 3, 0.95).answered, 0);
    CHECK(calibration_threshold(wrong, 3, 0.95).score == 1);
    const struct answer equal[] = {said(0.9, true), said(0.8, true), said(0.8, false)};
    CHECK_EQUAL(calibration_threshold(equal, 3, 0.95).answered, 1);
    CHECK_EQUAL(calibration_threshold(equal, 3, 0.66).answered, 3);
    const struct answer certain[] = {said(1, true), said(1, true)};
    CHECK(calibration_threshold(certain, 2, 0.95).score == 1);
    CHECK_EQUAL(calibration_threshold(certain, 2, 0.95).answered, 2);
}

static const struct test tests[] = {ENTRY(the_temperature_that_labels_were_drawn_with_is_found),
                                    ENTRY(the_interval_of_a_temperature_holds_the_true_one_as_often_as_it_says),
                                    ENTRY(what_a_temperature_gains_is_measured_on_images_that_it_was_not_fitted_to),
                                    ENTRY(where_the_temperature_changes_nothing_nothing_is_gained),
                                    ENTRY(the_interval_of_a_temperature_ends_at_the_bounds),
                                    ENTRY(a_few_images_that_are_all_right_do_not_make_it_certain),
                                    ENTRY(a_network_that_says_nothing_gets_a_temperature_all_the_same),
                                    ENTRY(answers_of_one_image),
                                    ENTRY(bins),
                                    ENTRY(thresholds),
                                    ENTRY(no_threshold_where_the_surest_are_wrong_and_equal_scores_stay_together)};
const struct suite calibration_suite = SUITE("calibration", tests);
