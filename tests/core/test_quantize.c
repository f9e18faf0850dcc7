/* core/training/quantize.c: the network that int8 computes, and the scales that ranges give. */
#include "training/quantize.h"
#include "kernels/batchnorm.h"
#include "net/net_int8.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>

TEST(batchnorm_becomes_a_depthwise_layer)
{
    struct net net = {.input = {1, 1, 1}}, out;
    nets_finish(&net, nets_dense(&net, nets_simple(&net, 0, NODE_BATCHNORM), 2, true));
    const float parameters[] = {2, 3, 0.5f, 4,
                                5, 6, 7,    8}; /* scale, shift, mean and variance, then the dense layer's */
    float own[8];
    int failed;
    CHECK_EQUAL(quantize_net(&out, own, &net, parameters, &failed), STATUS_OK);
    CHECK_EQUAL(out.nodes[0].kind, NODE_DEPTHWISE);
    const double factor = 2 / sqrt(4 + (double)BATCHNORM_EPSILON);
    CHECK_CLOSE(own[0], factor, 3e-7);
    CHECK_CLOSE(own[1], 3 - 0.5 * factor, 3e-7);
    CHECK_SAME_BITS(own + 2, parameters + 4, 4);
}

TEST(what_int8_does_not_compute_is_named)
{
    struct net net = {.input = {3, 3, 1}}, out;
    const int conv = nets_conv(&net, nets_conv(&net, 0, 2, 1, 1, 1, false, false), 2, 3, 3, 1, false, false);
    net.nodes[conv - 1].groups = 2;
    nets_finish(&net, conv);
    float parameters[20] = {0}, own[20];
    int failed;
    CHECK_EQUAL(quantize_net(&out, own, &net, parameters, &failed), STATUS_NODE);
    CHECK_EQUAL(failed, conv - 1);
}

TEST(scales_follow_from_ranges)
{
    struct net net = {.input = {1, 1, 1}};
    const int first = nets_dense(&net, 0, 1, false), relu = nets_simple(&net, first, NODE_RELU);
    nets_finish(&net, nets_dense(&net, relu, 2, false));
    const float parameters[] = {1, 1, 1};
    const struct preprocess preprocess = {.std = {1, 1, 1}};
    float ranges[LIMIT_NODES + 1] = {0}, own[LIMIT_NODES];
    ranges[relu] = 40; /* of the tensor before too, for a ReLU keeps the scale */
    quantize_scales(own, ranges, &net, parameters, &preprocess);
    CHECK_CLOSE(own[first - 1], 40 * 1.25 / (double)ACTIVATION_MAX, 1e-6);
    CHECK_EQUAL(own[relu - 1] > 0, int8_has_scale(NODE_RELU));
    CHECK_CLOSE(ranges[first], 0, 0);
}

static const struct test tests[] = {
    ENTRY(batchnorm_becomes_a_depthwise_layer),
    ENTRY(what_int8_does_not_compute_is_named),
    ENTRY(scales_follow_from_ranges),
};
const struct suite quantize_suite = SUITE("quantize", tests);
