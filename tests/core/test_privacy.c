/* The accounting of differential privacy (train_native/model/privacy.h) against published values and closed forms. */
#include "support/test.h"

#include "model/privacy.h"

#include <math.h>

/* Abadi et al. 2016, section 3.2: "(1.26, 1e-5)" of 10,000 steps with q = 0.01 and noise 4. TensorFlow Privacy's own
 * example of DP-SGD on MNIST: 2.92 of 60 epochs in batches of 256 with noise 1.12, at order 9. */
TEST(published_values)
{
    const struct privacy abadi = {.noise = 4, .sample = 0.01, .rounds = 10000, .delta = 1e-5};
    CHECK_CLOSE(privacy_epsilon(&abadi), 1.26, 0.005);
    const struct privacy mnist = {.noise = 1.12, .sample = 256 / 60000.0, .rounds = 14063, .delta = 1e-5};
    CHECK_CLOSE(privacy_epsilon(&mnist), 2.92, 0.005);
    CHECK_CLOSE(14063 * privacy_divergence(&mnist, 9) + log(1e5) / 8, 2.92, 0.005);
}

/* Of the sampled mechanism at order 2: log(1 + q^2 (e^(1 / z^2) - 1)). */
TEST(order_two)
{
    const struct privacy privacy = {.noise = 1.5, .sample = 0.2, .rounds = 1, .delta = 1e-6};
    CHECK_CLOSE(privacy_divergence(&privacy, 2), log(1 + 0.04 * (exp(1 / 2.25) - 1)), 1e-12);
}

TEST(all_take_part)
{
    struct privacy privacy = {.noise = 3, .sample = 1, .rounds = 20, .delta = 1e-5};
    double least = INFINITY;
    for (int order = 2; order <= 100; order++) {
        CHECK_CLOSE(privacy_divergence(&privacy, order), order / 18.0, 1e-12);
        least = fmin(least, 20 * order / 18.0 + log(1e5) / (order - 1));
    }
    const double epsilon = privacy_epsilon(&privacy);
    CHECK(epsilon <= least && epsilon > 0.98 * least); /* of real orders: a little less than of whole ones */
    privacy.sample = 1 - 1e-9;                         /* the other formula comes to the same */
    CHECK_CLOSE(privacy_epsilon(&privacy), least, 1e-6);
}

static const struct test tests[] = {ENTRY(published_values), ENTRY(order_two), ENTRY(all_take_part)};
const struct suite privacy_suite = SUITE("privacy", tests);
