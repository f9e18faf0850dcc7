/* Memory plans and whole runs of core/net/net.h. */
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static void fill_input(struct fixture *fixture, const float *images, int n)
{
    memcpy(fixture->run.tensor[0], images, (size_t)n * shape_count(fixture->run.net->input) * sizeof(float));
}

/* In the training plan no two live tensors share memory, so any difference is an overlap in the other. */
TEST(inference_plan_equals_training_plan)
{
    struct random random = random_seed(22, 0);
    for (int i = 0; i < 300; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 40), &random);
        test_context("graph %d of %d nodes", i, net.node_count);
        const int n = test_between(&random, 1, 3);
        const float *parameters = nets_parameters(&net, &random);
        const float *images = test_random_floats((size_t)n * shape_count(net.input), &random);
        const size_t count = (size_t)(n * net_classes(&net));
        struct fixture infer, train;
        fixture_open(&infer, &net, parameters, n, NET_INFER);
        fixture_open(&train, &net, parameters, n, NET_TRAIN);
        for (int repeat = 0; repeat < 2; repeat++) {
            fill_input(&infer, images, n);
            fill_input(&train, images, n);
            net_forward(&infer.run, n);
            net_forward(&train.run, n);
            CHECK_SAME_BITS(net_logits(&infer.run), net_logits(&train.run), count);
            CHECK_SAME_BITS(net_probabilities(&infer.run), net_probabilities(&train.run), count);
        }
        CHECK(infer.bytes <= train.bytes);

        double *tensor[LIMIT_NODES + 1];
        oracle_tensors(tensor, &net, n);
        for (size_t k = 0; k < (size_t)n * shape_count(net.input); k++)
            tensor[0][k] = (double)images[k];
        oracle_net(tensor, &net, test_widened(parameters, net_parameter_count(&net)), n,
                   (struct oracle_mode){.temperature = 1});
        CHECK_ALL_CLOSE(net_logits(&infer.run), tensor[net.nodes[net.node_count - 1].input[0]], count, 1e-3);
        CHECK_ALL_CLOSE(net_probabilities(&infer.run), tensor[net.node_count], count, 1e-3);
        test_release();
    }
}

/* What nothing reads is not computed, and what is read does not change. */
TEST(trimmed_nets_give_the_same)
{
    struct random random = random_seed(89, 0);
    int smaller = 0;
    for (int i = 0; i < 200; i++) {
        struct net whole, trimmed;
        nets_random(&whole, test_between(&random, 1, 30), &random);
        trimmed = whole;
        net_trim(&trimmed);
        test_context("graph %d of %d nodes", i, whole.node_count);
        const float *parameters = nets_parameters(&whole, &random);
        const float *image = test_random_floats(shape_count(whole.input), &random);
        struct fixture fixtures[2];
        bool same_kernels = true;
        for (int k = 0; k < 2; k++) {
            fixture_open(&fixtures[k], k ? &trimmed : &whole, parameters, 1, NET_INFER);
            fill_input(&fixtures[k], image, 1);
            net_forward(&fixtures[k].run, 1);
        }
        for (int t = 0; t < whole.node_count; t++) {
            CHECK(trimmed.shapes[t].h <= whole.shapes[t].h && trimmed.shapes[t].w <= whole.shapes[t].w);
            smaller += shape_count(trimmed.shapes[t]) < shape_count(whole.shapes[t]);
            same_kernels = same_kernels && fixtures[0].packed.kernel[t] == fixtures[1].packed.kernel[t];
        }
        if (same_kernels)
            CHECK_SAME_BITS(net_logits(&fixtures[1].run), net_logits(&fixtures[0].run), (size_t)net_classes(&whole));
        else
            for (int k = 0; k < net_classes(&whole); k++)
                CHECK_CLOSE(net_logits(&fixtures[1].run)[k], net_logits(&fixtures[0].run)[k], 1e-4);
        test_release();
    }
    CHECK(smaller > 50);
}

/* A pool of 2 over 13 pixels reads 12 of them, for which a kernel of 3 reads 14 of 15; a stride of 2 with borders stays
 * whole. */
TEST(trimmed_shapes)
{
    struct net net = {.input = {31, 30, 3}};
    int x = nets_conv(&net, 0, 4, 3, 3, 2, true, true);                            /* 16 x 15 */
    x = nets_simple(&net, nets_conv(&net, x, 5, 2, 1, 1, false, true), NODE_RELU); /* 15 x 15 */
    x = nets_conv(&net, x, 6, 3, 3, 1, false, true);                               /* 13 x 13 */
    x = nets_pool(&net, nets_simple(&net, x, NODE_RELU), NODE_MAXPOOL, 2, 2, false);
    nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
    net_trim(&net);
    static const struct shape expected[] = {{31, 30, 3}, {15, 14, 4}, {14, 14, 5}, {14, 14, 5},
                                            {12, 12, 6}, {12, 12, 6}, {6, 6, 6}};
    for (size_t t = 0; t < sizeof expected / sizeof *expected; t++) {
        test_context("tensor %d", (int)t);
        CHECK_EQUAL(net.shapes[t].h, expected[t].h);
        CHECK_EQUAL(net.shapes[t].w, expected[t].w);
        CHECK_EQUAL(net.shapes[t].c, expected[t].c);
    }
    const struct window window = net_window(&net, 0); /* the borders of the whole output */
    CHECK(window.pad_top == 1 && window.pad_left == 0);
}

/* Rectifiers, whether the layer before them does them in its pass or not, over numbers that leave 0 to 6 on both sides.
 * */
TEST(rectifiers_behind_every_kind_of_layer)
{
    struct random random = random_seed(97, 0);
    for (int i = 0; i < 6; i++)
        for (int six = 0; six < 2; six++)
            for (int again = 0; again < 2; again++) { /* whether something else reads what the rectifier reads */
                struct net net = {.input = {1, 1, 3}};
                int x = nets_dense(&net, 0, 40, false);
                x = i == 0   ? nets_conv(&net, x, 40, 1, 1, 1, true, true)
                    : i == 1 ? nets_depthwise(&net, x, 1, 1, 1, true, true)
                    : i == 2 ? nets_dense(&net, x, 40, false)
                    : i == 3 ? nets_simple(&net, x, NODE_BATCHNORM)
                    : i == 4 ? nets_add(&net, x, x)
                             : nets_pool(&net, x, NODE_MAXPOOL, 1, 1, true);
                const int rectified = nets_simple(&net, x, six ? NODE_RELU6 : NODE_RELU);
                nets_finish(&net, again ? nets_add(&net, rectified, x) : rectified);
                test_context("node of kind %d, relu%s%s", (int)net.nodes[1].kind, six ? "6" : "",
                             again ? ", two readers" : "");
                const float *parameters = nets_parameters(&net, &random);
                static const float images[3] = {150, -120, 90};
                struct fixture fixture;
                fixture_open(&fixture, &net, parameters, 1, NET_INFER);
                fill_input(&fixture, images, 1);
                net_forward(&fixture.run, 1);
                double *tensor[LIMIT_NODES + 1];
                oracle_tensors(tensor, &net, 1);
                for (int k = 0; k < 3; k++)
                    tensor[0][k] = (double)images[k];
                oracle_net(tensor, &net, test_widened(parameters, net_parameter_count(&net)), 1,
                           (struct oracle_mode){.temperature = 1});
                double min = 0, max = 0;
                for (int k = 0; k < 40; k++) {
                    min = tensor[x][k] < min ? tensor[x][k] : min;
                    max = tensor[x][k] > max ? tensor[x][k] : max;
                }
                CHECK(min < -1 && max > 7);
                CHECK_ALL_CLOSE(net_logits(&fixture.run), tensor[net.node_count - 1], 40, 1e-4);
                test_release();
            }
}

/* A chain keeps two tensors at a time, however long it is; in training all tensors, but two gradients. */
TEST(lifetimes_bound_the_memory)
{
    enum { TENSOR = 16 * 16 * 3 * sizeof(float), FEW = 4, MANY = 60 };
    uint64_t bytes[2], training[2];
    for (int k = 0; k < 2; k++) {
        struct net net = {.input = {16, 16, 3}};
        int x = 0;
        for (int layer = 0; layer < (k ? MANY : FEW); layer++)
            x = nets_pool(&net, x, NODE_MAXPOOL, 1, 1, true);
        nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
        struct fixture fixture;
        fixture_open(&fixture, &net, NULL, 1, NET_INFER);
        bytes[k] = fixture.bytes;
        fixture_open(&fixture, &net, NULL, 1, NET_TRAIN);
        training[k] = fixture.bytes;
    }
    CHECK_EQUAL(bytes[0], bytes[1]);
    CHECK(bytes[0] <= 2 * TENSOR + 256);
    CHECK_EQUAL(training[1] - training[0], (MANY - FEW) * TENSOR);
    CHECK(training[0] <= (1 + FEW + 2) * TENSOR + 512);
}

/* Layers whose outputs shrink, as those of every classifier: on the way back the gradients of the large tensors in front
 * take the place of the others, which have been read by then. */
TEST(gradients_take_the_place_of_tensors)
{
    enum { SIDE = 64 };
    const double tensor = SIDE * SIDE * 3 * sizeof(float);
    struct net net = {.input = {SIDE, SIDE, 3}};
    int x = nets_pool(&net, 0, NODE_MAXPOOL, 1, 1, true);
    for (int layer = 0; layer < 6; layer++)
        x = nets_pool(&net, x, NODE_MAXPOOL, layer ? 1 : 2, layer ? 1 : 2, true);
    nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
    struct fixture fixture;
    fixture_open(&fixture, &net, NULL, 1, NET_TRAIN);
    const double image = 1, tensors = 1 + 6 * 0.25, gradients = 2 * 0.25, rest = 0.1;
    test_context("%.2f of the largest tensor", (double)fixture.bytes / tensor);
    CHECK((double)fixture.bytes <= (image + tensors + gradients + rest) * tensor);
}

/* Nothing is planned that nobody uses: the highest tensor ends where the arena does. */
TEST(plan_is_fully_used)
{
    struct random random = random_seed(23, 0);
    for (int i = 0; i < 100; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 20), &random);
        test_context("graph %d", i);
        struct fixture fixture;
        const float *parameters = nets_parameters(&net, &random);
        fixture_open(&fixture, &net, parameters, 1, NET_INFER);
        struct arena packed = {0}, all = {0};
        struct net_packed ignored;
        struct net_run run;
        net_packed_plan(&ignored, &net, NET_INFER, &packed);
        all = packed;
        net_run_plan(&run, &net, &ignored, 1, NET_INFER, &all);
        /* The scratch memory is the first thing that a run for inference takes. */
        const float *base = fixture.run.scratch - packed.used / sizeof(float);
        const float *end = base + fixture.bytes / sizeof(float);
        const float *highest = NULL;
        for (int t = 0; t <= net.node_count; t++) {
            const float *last = fixture.run.tensor[t] + (shape_count(net.shapes[t]) + 15) / 16 * 16;
            highest = !highest || last > highest ? last : highest;
        }
        CHECK(highest == end);
        CHECK_EQUAL(fixture.bytes, all.used);
        test_release();
    }
}

/* Whether node i has a part in the gradient of tensor t on the way back, or did before: the last node that reads it did
 * first. */
static bool gradient_lives(const struct net *net, int t, int i)
{
    int last = t - 1;
    for (int k = 0; k < net->node_count; k++)
        if (node_reads(&net->nodes[k], t))
            last = k;
    return t - 1 <= i && i <= last;
}

static bool apart(const float *a, size_t count_a, const float *b, size_t count_b)
{
    return a + count_a <= b || b + count_b <= a;
}

/* Training memory: each tensor that is not worked on in place stands apart from all others, and from the gradients that
 * live while the way back may still read it: node i reads tensors up to i + 1. */
TEST(training_tensors_do_not_overlap)
{
    struct random random = random_seed(24, 0);
    for (int round = 0; round < 100; round++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 30), &random);
        test_context("graph %d", round);
        struct fixture fixture;
        enum { N = 2 };
        const float *parameters = nets_parameters(&net, &random);
        fixture_open(&fixture, &net, parameters, N, NET_TRAIN);
        float *const *tensor = fixture.run.tensor, *const *gradient = fixture.run.gradient;
        CHECK(gradient[0] == NULL);
        for (int t = 0; t <= net.node_count; t++)
            for (int u = 0; u <= net.node_count; u++) {
                const size_t count[2] = {N * shape_count(net.shapes[t]), N * shape_count(net.shapes[u])};
                const bool shared = tensor[t] == tensor[u]; /* one works on the other in place */
                CHECK(shared || apart(tensor[t], count[0], tensor[u], count[1]));
                for (int i = t > 0 ? t - 1 : 0; u > 0 && i < net.node_count - 1; i++)
                    if (gradient_lives(&net, u, i))
                        CHECK(apart(tensor[t], count[0], gradient[u], count[1]));
                for (int i = 0; i < net.node_count - 1; i++)
                    if (t > 0 && u > 0 && !shared && gradient_lives(&net, t, i) && gradient_lives(&net, u, i))
                        CHECK(apart(gradient[t], count[0], gradient[u], count[1]));
            }
        test_release();
    }
}

/* Each image of a batch gets what it gets alone, in inference and, without batchnorm, in training with dropout. */
TEST(images_do_not_depend_on_their_batch)
{
    struct random random = random_seed(25, 0);
    struct net net = {.input = {7, 6, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 5, 3, 3, 2, true, true), NODE_RELU);
    x = nets_dropout(&net, nets_pool(&net, x, NODE_MAXPOOL, 2, 1, false), 0.4f);
    x = nets_dropout(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 33, true), 0.2f);
    nets_finish(&net, nets_dense(&net, x, 10, true));
    enum { N = 7, CLASSES = 10 };
    const size_t pixels = shape_count(net.input), count = net_parameter_count(&net);
    const float *parameters = nets_parameters(&net, &random), *images = test_random_floats(N * pixels, &random);
    const float *dlogits = test_random_floats(N * CLASSES, &random);
    float *whole[3], *parts[3]; /* inference, training, gradients */
    for (int k = 0; k < 3; k++) {
        whole[k] = test_floats(k < 2 ? N * CLASSES : count);
        parts[k] = test_floats(k < 2 ? N * CLASSES : count);
    }
    for (int split = 0; split < 2; split++) {
        float **results = split ? parts : whole;
        memset(results[2], 0, count * sizeof(float));
        const int step = split ? 3 : N;
        for (int first = 0; first < N; first += step) {
            const int n = N - first < step ? N - first : step;
            struct fixture fixture;
            fixture_open(&fixture, &net, parameters, n, NET_TRAIN);
            fixture.run.dropout_seed = 9;
            fixture.run.first_image = (uint64_t)(50 + first);
            fill_input(&fixture, images + (size_t)first * pixels, n);
            net_forward(&fixture.run, n);
            memcpy(results[0] + first * CLASSES, net_logits(&fixture.run), (size_t)n * CLASSES * sizeof(float));
            net_forward_training(&fixture.run, n);
            memcpy(results[1] + first * CLASSES, net_logits(&fixture.run), (size_t)n * CLASSES * sizeof(float));
            memcpy(net_logits_gradient(&fixture.run), dlogits + first * CLASSES, (size_t)n * CLASSES * sizeof(float));
            net_backward(&fixture.run, results[2], n);
        }
    }
    CHECK_SAME_BITS(parts[0], whole[0], N * CLASSES);
    CHECK_SAME_BITS(parts[1], whole[1], N * CLASSES);
    CHECK_ALL_CLOSE(parts[2], test_widened(whole[2], count), count, 1e-5);
    CHECK(memcmp(whole[0], whole[1], N * CLASSES * sizeof(float)) != 0); /* dropout was on */
}

/* A plan for eight images serves three. */
TEST(fewer_images_than_planned)
{
    struct random random = random_seed(26, 0);
    for (int i = 0; i < 30; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 15), &random);
        test_context("graph %d", i);
        const float *parameters = nets_parameters(&net, &random);
        const float *images = test_random_floats(3 * shape_count(net.input), &random);
        struct fixture large, small;
        fixture_open(&large, &net, parameters, 8, NET_INFER);
        fixture_open(&small, &net, parameters, 3, NET_INFER);
        fill_input(&large, images, 3);
        fill_input(&small, images, 3);
        net_forward(&large.run, 3);
        net_forward(&small.run, 3);
        CHECK_SAME_BITS(net_logits(&large.run), net_logits(&small.run), (size_t)(3 * net_classes(&net)));
        test_release();
    }
}

/* So too in training, where the last images of an epoch or of a validation set are fewer: images of one pixel, whose
 * one tile each makes two small blocks of a hundred and a large one of a few less. */
TEST(fewer_images_than_planned_in_training)
{
    static const int numbers[] = {96, 51, 2};
    enum { PLANNED = 100, CLASSES = 10 };
    struct random random = random_seed(89, 0);
    struct net net = {.input = {1, 1, 3}};
    const int x = nets_simple(&net, nets_conv(&net, 0, 16, 1, 1, 1, true, true), NODE_TANH);
    nets_finish(&net, nets_dense(&net, nets_conv(&net, x, 64, 3, 3, 1, true, true), CLASSES, true));
    const size_t count = net_parameter_count(&net);
    const float *parameters = nets_parameters(&net, &random), *images = test_random_floats(PLANNED * 3, &random);
    const float *dlogits = test_random_floats(PLANNED * CLASSES, &random);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const int n = numbers[i];
        const size_t logits = (size_t)(n * CLASSES);
        struct fixture fixtures[2];
        float *computed[2], *gradients[2];
        test_context("%d images", n);
        for (int k = 0; k < 2; k++) {
            fixture_open(&fixtures[k], &net, parameters, k ? PLANNED : n, NET_TRAIN);
            fill_input(&fixtures[k], images, n);
            net_forward_training(&fixtures[k].run, n);
            computed[k] = test_floats(logits);
            memcpy(computed[k], net_logits(&fixtures[k].run), logits * sizeof(float));
            memcpy(net_logits_gradient(&fixtures[k].run), dlogits, logits * sizeof(float));
            gradients[k] = test_floats(count);
            memset(gradients[k], 0, count * sizeof(float));
            net_backward(&fixtures[k].run, gradients[k], n);
        }
        CHECK_SAME_BITS(computed[1], computed[0], logits);
        CHECK_SAME_BITS(gradients[1], gradients[0], count);
    }
}

static const struct test tests[] = {
    ENTRY(inference_plan_equals_training_plan),
    ENTRY(trimmed_nets_give_the_same),
    ENTRY(trimmed_shapes),
    ENTRY(rectifiers_behind_every_kind_of_layer),
    ENTRY(lifetimes_bound_the_memory),
    ENTRY(gradients_take_the_place_of_tensors),
    ENTRY(plan_is_fully_used),
    ENTRY(training_tensors_do_not_overlap),
    ENTRY(images_do_not_depend_on_their_batch),
    ENTRY(fewer_images_than_planned),
    ENTRY(fewer_images_than_planned_in_training),
};
const struct suite plan_suite = SUITE("plan", tests);
