/* core/net/net_gradient.h: the gradient of a logit by a feature map against central differences of the oracle. */
#include "net/net_gradient.h"
#include "support/gradient_check.h"
#include "support/logit.h"
#include "support/nets.h"
#include "support/test.h"

#include <limits.h>
#include <string.h>

/* Core's gradient by the feature map of at least `side` rows and columns, or the last one, for a random image, beside differences of the oracle. The map's values are
 * random, too: those of a sigmoid can be so near to 1 that a maximum of floats is another one than of doubles. */
static void check_gradient(const char *name, struct net *net, int side, struct random *random)
{
    net->kept = net_feature_map(net, side);
    if (!net->kept)
        return;
    const size_t count = net_parameter_count(net);
    const float *parameters = nets_parameters(net, random);
    const float *image = test_random_floats(shape_count(net->input), random);
    struct net_packed packed;
    struct net_run run;
    struct arena arena = {0};
    for (int pass = 0; pass < 2; pass++) {
        arena = (struct arena){.base = pass ? test_bytes((size_t)arena.used) : NULL, .size = arena.used};
        net_packed_plan(&packed, net, NET_INFER, &arena);
        net_run_plan(&run, net, &packed, 1, NET_INFER, &arena);
        net_gradient_plan(&run, &packed, &arena);
    }
    for (int i = 0; i < net->node_count; i++) {
        net_pack(&packed, net, i, parameters + net->offset[i]);
        net_gradient_pack(&packed, net, i, parameters + net->offset[i]);
    }
    memcpy(run.tensor[0], image, shape_count(net->input) * sizeof(float));
    net_forward(&run, 1);
    const size_t features = shape_count(net->shapes[net->kept]);
    test_fill(run.tensor[net->kept], features, random);
    for (int i = net->kept; i < net->node_count; i++)
        net_forward_node(&run, i, 1);
    const int class = test_between(random, 0, net_classes(net) - 1);
    net_gradient(&run, net_classes(net) - 1 - class); /* leaves nothing behind */
    const float *gradient = net_gradient(&run, class);

    struct logit logit = {.net = net, .parameters = test_widened(parameters, count), .class = class};
    logit_start(&logit, image);
    for (size_t k = 0; k < features; k++)
        logit.tensor[net->kept][k] = (double)run.tensor[net->kept][k];
    CHECK_CLOSE(net_logits(&run)[class], logit_value(&logit), 1e-3);
    const struct function f = {logit_value, &logit, logit.tensor[net->kept], features};
    gradient_check(name, gradient, &f, 200);
}

/* A layer of this kind, of one pixel, behind a map: on one of the two vectors that are made of it. */
static void net_behind_map(struct net *net, enum node_kind kind)
{
    const struct kind_traits *traits = &kind_traits[kind];
    *net = (struct net){.input = {5, 4, 3}};
    const int map = nets_simple(net, nets_conv(net, 0, 6, 2, 2, 1, true, true), NODE_TANH);
    const int first = nets_simple(net, map, NODE_GLOBAL_AVGPOOL);
    const int second = nets_dense(net, nets_simple(net, map, NODE_FLATTEN), 6, true);
    struct node node = {.kind = kind,
                        .input = {first, traits->inputs > 1 ? second : 0},
                        .channels = traits->channels ? 4 : 0,
                        .bias = node_has_weights(kind)};
    if (node_has_window(kind))
        node.kernel_h = node.kernel_w = node.stride = 1;
    if (traits->setting != SETTING_NONE)
        node.rate = 0.375f;
    node.dilation = kind == NODE_CONV2D ? 1 : 0;
    node.groups = traits->groups ? 2 : 0;
    const int x = kind == NODE_SOFTMAX ? first : nets_node(net, node);
    nets_finish(net, nets_add(net, nets_dense(net, x, 3, true), nets_dense(net, second, 3, false)));
}

TEST(every_kind_behind_the_map)
{
    struct random random = random_seed(600, 0);
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        struct net net;
        net_behind_map(&net, kind);
        CHECK_EQUAL(net_last_map(&net), 2);
        check_gradient(kind_names[kind], &net, INT_MAX, &random);
        test_release();
    }
}

/* All ways to one pixel at once, and a vector from before the map, which gates what comes from it. */
TEST(every_way_from_a_map_to_a_pixel)
{
    struct random random = random_seed(601, 0);
    struct net net = {.input = {3, 5, 3}};
    const int before = nets_simple(&net, nets_simple(&net, 0, NODE_GLOBAL_AVGPOOL), NODE_SIGMOID);
    const int map = nets_simple(&net, nets_conv(&net, 0, 3, 3, 3, 1, true, true), NODE_GELU);
    int pixels[] = {nets_conv(&net, map, 3, 3, 5, 1, false, true),
                    nets_conv(&net, map, 3, 3, 5, 2, false, false),
                    nets_depthwise(&net, map, 3, 5, 1, false, true),
                    nets_pool(&net, map, NODE_MAXPOOL, 5, 5, true),
                    nets_pool(&net, map, NODE_AVGPOOL, 5, 5, true),
                    nets_simple(&net, map, NODE_GLOBAL_AVGPOOL),
                    nets_dense(&net, nets_simple(&net, map, NODE_FLATTEN), 3, true)};
    int sum = nets_multiply(&net, pixels[0], before);
    for (size_t i = 1; i < sizeof pixels / sizeof *pixels; i++)
        sum = nets_add(&net, sum, nets_simple(&net, pixels[i], NODE_SILU));
    nets_finish(&net, nets_simple(&net, nets_multiply(&net, sum, sum), NODE_TANH));
    CHECK_EQUAL(net_last_map(&net), map);
    check_gradient("all ways", &net, INT_MAX, &random);
}

TEST(random_graphs)
{
    struct random random = random_seed(602, 0);
    int finer = 0;
    for (int i = 0; i < 200; i++) {
        struct net net;
        const int layers = test_between(&random, 1, 12);
        switch (i % 4) {
        case 0: nets_random(&net, layers, &random); break;
        case 1: nets_random_channels(&net, layers, &random); break;
        case 2: nets_random_gates(&net, layers % 4 + 1, &random); break;
        default: nets_random_windows(&net, layers % 4 + 1, false, &random);
        }
        test_context("graph %d of %d nodes", i, net.node_count);
        check_gradient("a random graph", &net, INT_MAX, &random);
        struct random other = random_seed(609, (uint64_t)i);
        const int side = test_between(&other, 2, 5);
        if (net_feature_map(&net, side) < net_last_map(&net)) {
            check_gradient("a random graph's finer map", &net, side, &other);
            finer++;
        }
        test_release();
    }
    CHECK(finer > 30);
}

static const struct test tests[] = {
    ENTRY(every_kind_behind_the_map),
    ENTRY(every_way_from_a_map_to_a_pixel),
    ENTRY(random_graphs),
};
const struct suite net_gradient_suite = SUITE("net_gradient", tests);
