/* core/net/kinds.h: every kind of layer has a row that agrees with itself, and is computed forward, as the naive loops
 * do it, and back. Whole nets with each kind: every_kind in test_net_gradients.c and test_net_int8.c; text and
 * exchange: tests/cli/kinds.test.js. */
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static bool is_elementwise_activation(enum node_kind kind)
{
    return kind_traits[kind].activation && kind_traits[kind].shape == SHAPE_KEPT;
}

TEST(every_kind_has_a_name_of_its_own)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        test_context("kind %d", (int)kind);
        CHECK(kind_names[kind] && kind_names[kind][0]);
        if (!kind_names[kind])
            continue;
        CHECK(strspn(kind_names[kind], "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(kind_names[kind]));
        for (enum node_kind other = 1; other < kind; other++)
            CHECK(!kind_names[other] || strcmp(kind_names[other], kind_names[kind]) != 0);
    }
}

/* What two columns state of a kind agrees, so that a row that was forgotten or copied from another kind is seen. */
TEST(every_row_agrees_with_itself)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        const struct kind_traits *traits = &kind_traits[kind];
        const bool weights = traits->parameters == PARAMETERS_WEIGHTS;
        test_context("%s", kind_names[kind]);
        CHECK(traits->inputs == 1 || traits->inputs == 2); /* else the row is empty */
        CHECK(weights == (traits->int8 == INT8_FORM_LAYER));
        CHECK((traits->parameters == PARAMETERS_NORM) == (traits->int8 == INT8_FORM_FOLDED));
        CHECK((traits->shape == SHAPE_VECTOR) == (traits->int8 == INT8_FORM_OUTPUT));
        CHECK((traits->ceiling > 0) == (traits->int8 == INT8_FORM_CLAMP));
        CHECK(!(traits->ceiling > 0) || (traits->activation && traits->in_place));
        CHECK(!traits->in_place || is_elementwise_activation(kind));
        CHECK(!traits->fuses || traits->overwritten);
        CHECK(!traits->per_channel || (weights && !traits->channels));
        CHECK(!traits->channels || weights || traits->shape == SHAPE_PART);
        CHECK(traits->shape != SHAPE_PART || traits->channels);
        CHECK(traits->shape != SHAPE_JOINED || traits->inputs == 2);
        CHECK((traits->shape == SHAPE_JOINED) == (traits->int8 == INT8_FORM_CONCAT));
        CHECK(traits->shape != SHAPE_PART || !traits->groups); /* by which INT8_FORM_MOVE tells them apart */
        CHECK(traits->shape != SHAPE_UNITS || traits->channels);
        CHECK(!traits->broadcast || traits->inputs == 2);
        float x = 0;
        const bool activates = net_activate(&(struct node){.kind = kind}, &x, &x, 1);
        CHECK(activates == is_elementwise_activation(kind));
        CHECK((traits->int8 != INT8_FORM_TABLE && traits->int8 != INT8_FORM_UNIT) || activates);
    }
}

TEST(every_kind_is_computed_both_ways)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        test_context("%s", kind_names[kind]);
        CHECK(net_has_forward(kind));
        CHECK(net_has_backward(kind));
    }
}

/* In inference; in training, and back: every_kind in test_net_gradients.c. */
TEST(every_kind_forward)
{
    enum { N = 2 };
    struct random random = random_seed(96, 0);
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        struct net net;
        nets_of_kind(&net, kind);
        const float *parameters = nets_parameters(&net, &random);
        struct fixture fixture;
        fixture_open(&fixture, &net, parameters, N, NET_INFER);
        double *tensor[LIMIT_NODES + 1];
        oracle_tensors(tensor, &net, N);
        test_fill(fixture.run.tensor[0], N * shape_count(net.input), &random);
        for (size_t k = 0; k < N * shape_count(net.input); k++)
            tensor[0][k] = (double)fixture.run.tensor[0][k];
        net_forward(&fixture.run, N);
        oracle_net(tensor, &net, test_widened(parameters, net_parameter_count(&net)), N,
                   (struct oracle_mode){.temperature = 1});
        test_context("%s", kind_names[kind]);
        CHECK_ALL_CLOSE(net_probabilities(&fixture.run), tensor[net.node_count], (size_t)(N * net_classes(&net)), 1e-5);
        test_release();
    }
}

/* Elementwise activations at lengths around vectors; what they cut off, and in place. */
TEST(every_activation)
{
    struct random random = random_seed(97, 0);
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++)
        for (size_t count = 1; is_elementwise_activation(kind) && count < 70; count += count < 40 ? 1 : 13) {
            float *in = test_random_floats(count, &random), *out = test_floats(count);
            double *expected = test_doubles(count);
            for (size_t k = 0; k < count; k++)
                in[k] *= 12;
            const struct node node = {.kind = kind, .rate = kind_traits[kind].setting == SETTING_NONE ? 0 : 0.375f};
            CHECK(net_activate(&node, out, in, count));
            oracle_activate(&node, expected, test_widened(in, count), count);
            test_context("%s of %zu numbers", kind_names[kind], count);
            CHECK_ALL_CLOSE(out, expected, count, 2e-6);
            net_activate(&node, in, in, count);
            CHECK_SAME_BITS(in, out, count);
            test_release();
        }
}

TEST(rates_within_their_range)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        const enum kind_setting setting = kind_traits[kind].setting;
        test_context("%s", kind_names[kind]);
        CHECK(kind_accepts_rate(kind, 0) == (setting != SETTING_FACTOR));
        CHECK(kind_accepts_rate(kind, 0.5f) == (setting != SETTING_NONE));
        CHECK(kind_accepts_rate(kind, 1) == (setting == SETTING_FACTOR || setting == SETTING_SLOPE));
        CHECK(kind_accepts_rate(kind, 1e6f) == (setting == SETTING_FACTOR));
        CHECK(!kind_accepts_rate(kind, 1.5e6f) && !kind_accepts_rate(kind, -0.5f) && !kind_accepts_rate(kind, NAN));
    }
}

static const struct test tests[] = {
    ENTRY(every_kind_has_a_name_of_its_own),
    ENTRY(every_row_agrees_with_itself),
    ENTRY(every_kind_is_computed_both_ways),
    ENTRY(every_kind_forward),
    ENTRY(every_activation),
    ENTRY(rates_within_their_range),
};
const struct suite kinds_suite = SUITE("kinds", tests);
