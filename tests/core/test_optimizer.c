/* core/training/optimizer.h against the oracle, initial weights, and a whole training run in small. */
#include "training/optimizer.h"
#include "training/initialize.h"

#include "training/loss.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static struct net small_net(void)
{
    struct net net = {.input = {4, 4, 1}};
    int x = nets_conv(&net, 0, 3, 3, 3, 1, true, true);
    x = nets_simple(&net, x, NODE_BATCHNORM);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 4, true));
    return net;
}

/* One step for every node. */
static void step_all(const struct optimizer *optimizer, const struct net *net, int64_t step, float *parameters,
                     const float *gradients, float *first, float *second)
{
    const struct optimizer_state state = {.step = step,
                                          .parameters = parameters,
                                          .gradients = gradients,
                                          .first = first,
                                          .second = second,
                                          .scratch = test_floats(optimizer_scratch_count(optimizer->kind, net)),
                                          .gemm = gemm_fast};
    for (int node = net->node_count - 1; node >= 0; node--) /* in any order */
        optimizer_step(optimizer, net, node, &state);
    test_release_newer(second);
}

static float *zeros(size_t count)
{
    float *numbers = test_floats(count);
    memset(numbers, 0, count * sizeof(float));
    return numbers;
}

static enum block_role role_of(const struct net *net, size_t offset)
{
    for (int i = 0; i < net->node_count; i++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        for (int b = 0; b < count; b++)
            if (offset >= blocks[b].offset && offset < blocks[b].offset + blocks[b].count)
                return blocks[b].role;
    }
    test_fail(__FILE__, __LINE__, "parameter %zu is in no block", offset);
    return BLOCK_WEIGHT;
}

static const struct {
    const char *name;
    struct optimizer optimizer;
} optimizers[] = {
    {"sgd", {.kind = OPTIMIZER_SGD, .learning_rate = 0.1f}},
    {"momentum", {.kind = OPTIMIZER_SGD, .learning_rate = 0.05f, .momentum = 0.9f, .weight_decay = 0.01f}},
    {"nesterov",
     {.kind = OPTIMIZER_SGD, .learning_rate = 0.05f, .momentum = 0.9f, .nesterov = true, .weight_decay = 0.01f}},
    {"adam",
     {.kind = OPTIMIZER_ADAM,
      .learning_rate = 0.01f,
      .beta1 = 0.9f,
      .beta2 = 0.999f,
      .epsilon = 1e-7f,
      .weight_decay = 0.1f}},
    {"adamw",
     {.kind = OPTIMIZER_ADAMW,
      .learning_rate = 0.01f,
      .beta1 = 0.8f,
      .beta2 = 0.99f,
      .epsilon = 1e-3f,
      .weight_decay = 0.1f}},
};

TEST(twenty_steps_equal_the_oracle)
{
    const struct net net = small_net();
    const size_t count = net_parameter_count(&net);
    for (size_t o = 0; o < sizeof optimizers / sizeof *optimizers; o++) {
        struct random random = random_seed(27, o);
        float *parameters = nets_parameters(&net, &random), *gradients = test_floats(count);
        struct oracle_weight *expected = test_bytes(count * sizeof *expected);
        float *first = zeros(count), *second = zeros(count);
        for (size_t i = 0; i < count; i++)
            expected[i] = (struct oracle_weight){(double)parameters[i], 0, 0};
        for (int step = 1; step <= 20; step++) {
            test_context("%s, step %d", optimizers[o].name, step);
            test_fill(gradients, count, &random);
            step_all(&optimizers[o].optimizer, &net, step, parameters, gradients, first, second);
            for (size_t i = 0; i < count; i++) {
                const enum block_role role = role_of(&net, i);
                struct optimizer optimizer = optimizers[o].optimizer;
                optimizer.weight_decay = role == BLOCK_WEIGHT ? optimizer.weight_decay : 0;
                if (role == BLOCK_MEAN || role == BLOCK_VARIANCE)
                    expected[i].weight += (double)BATCHNORM_MOMENTUM * ((double)gradients[i] - expected[i].weight);
                else
                    oracle_step(&expected[i], (double)gradients[i], &optimizer, step);
                CHECK_CLOSE(parameters[i], expected[i].weight, 3e-5 * (1 + fabs(expected[i].weight)));
            }
        }
    }
}

/* Gradients of the indices of running statistics are n times the statistics of the images. */
TEST(batchnorm_running_statistics)
{
    const struct net net = small_net();
    struct random random = random_seed(28, 0);
    enum { N = 6, C = 3, ROWS = N * 16 };
    const size_t count = net_parameter_count(&net);
    float *parameters = nets_parameters(&net, &random), *gradients = zeros(count), *first = zeros(count);
    struct fixture fixture;
    fixture_open(&fixture, &net, parameters, N, NET_TRAIN);
    test_fill(fixture.run.tensor[0], N * 16, &random);
    net_forward_training(&fixture.run, N);
    test_fill(net_logits_gradient(&fixture.run), N * 4, &random);
    net_backward(&fixture.run, gradients, N);

    double *ignored = test_doubles(ROWS * C), mean[C], variance[C], old[2 * C];
    const double *wide = test_widened(fixture.run.tensor[1], ROWS * C);
    const double ones[C] = {1, 1, 1};
    oracle_batchnorm_train(ignored, mean, variance, wide, ones, ones, ROWS, C);
    const size_t offset = net.offset[1] + 2 * C;
    for (int k = 0; k < C; k++) {
        CHECK_CLOSE(gradients[offset + (size_t)k], (double)N * mean[k], 1e-5);
        CHECK_CLOSE(gradients[offset + C + (size_t)k], (double)N * variance[k], 1e-4);
    }
    for (int k = 0; k < 2 * C; k++)
        old[k] = (double)parameters[offset + (size_t)k];
    for (size_t i = 0; i < count; i++)
        gradients[i] /= (float)N;
    step_all(&optimizers[0].optimizer, &net, 1, parameters, gradients, first, zeros(count));
    for (int k = 0; k < C; k++) {
        CHECK_CLOSE(parameters[offset + (size_t)k], 0.9 * old[k] + 0.1 * mean[k], 1e-5);
        CHECK_CLOSE(parameters[offset + C + (size_t)k], 0.9 * old[C + k] + 0.1 * variance[k], 1e-5);
    }
}

TEST(initial_weights)
{
    struct net net = {.input = {8, 8, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 64, 5, 3, 1, true, true), NODE_BATCHNORM);
    x = nets_depthwise(&net, x, 5, 5, 1, true, true); /* node 2 */
    x = nets_simple(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), NODE_PRELU);
    nets_finish(&net, nets_dense(&net, x, 100, true));
    float *parameters = test_floats(net_parameter_count(&net)), *again = test_floats(net_parameter_count(&net));
    static const char *const names[] = {"Glorot", "He", "uniform"};
    for (int kind = INITIALIZE_GLOROT; kind <= INITIALIZE_UNIFORM; kind++) {
        struct random random = random_seed(29, 0), same = random;
        initialize_parameters(parameters, &net, (enum initializer)kind, &random);
        initialize_parameters(again, &net, (enum initializer)kind, &same);
        CHECK_SAME_BITS(again, parameters, net_parameter_count(&net));
        for (int node = 0; node < net.node_count; node++) {
            struct block blocks[4];
            const int count = net_blocks(blocks, &net, node);
            const double in = node == 0 ? 5 * 3 * 3 : node == 2 ? 5 * 5 : 64;
            const double out = node == 0 ? 5 * 3 * 64 : node == 2 ? 5 * 5 : 100;
            const double bound = sqrt(kind == INITIALIZE_UNIFORM ? 1 / in
                                      : kind == INITIALIZE_HE    ? 6 / in
                                                                 : 6 / (in + out));
            for (int b = 0; b < count; b++) {
                test_context("%s, node %d, block %d", names[kind], node, b);
                double sum = 0, squares = 0, largest = 0, numbers = (double)blocks[b].count;
                for (size_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; i++) {
                    const double value = (double)parameters[i];
                    sum += value / numbers;
                    squares += value * value / numbers;
                    largest = fmax(largest, fabs(value));
                }
                if (blocks[b].role == BLOCK_WEIGHT) {
                    CHECK(largest <= bound * 1.000001 && largest > 0.99 * bound);
                    CHECK_CLOSE(sum, 0, 4 * bound / sqrt(3 * numbers));
                    CHECK_CLOSE(squares, bound * bound / 3, 0.06 * bound * bound);
                } else {
                    const bool one = blocks[b].role == BLOCK_SCALE || blocks[b].role == BLOCK_VARIANCE;
                    const double expected = blocks[b].role == BLOCK_SLOPE ? 0.25 : one;
                    CHECK_CLOSE(sum, expected, 1e-6);
                    CHECK_CLOSE(squares, expected * expected, 1e-6);
                }
            }
        }
    }
}

/* The first outputs repeat the inputs; the others are drawn as ever. */
TEST(identity_as_first_weights)
{
    for (int channels = 2; channels <= 5; channels += 3) {
        struct net net = {.input = {4, 4, 3}};
        nets_conv(&net, 0, channels, 3, 5, 1, true, false);
        net.nodes[0].initial = INITIAL_IDENTITY;
        nets_finish(&net, nets_simple(&net, 1, NODE_GLOBAL_AVGPOOL));
        struct random random = random_seed(29, 1);
        float *parameters = test_floats(net_parameter_count(&net));
        initialize_parameters(parameters, &net, INITIALIZE_UNIFORM, &random);
        struct fixture fixture;
        fixture_open(&fixture, &net, parameters, 1, NET_INFER);
        float *in = test_random_floats(48, &random);
        memcpy(fixture.run.tensor[0], in, 48 * sizeof(float));
        net_forward_node(&fixture.run, 0, 1);
        for (int i = 0; i < 16; i++)
            for (int o = 0; o < channels; o++)
                CHECK((fixture.run.tensor[1][i * channels + o] == in[i * 3 + (o < 3 ? o : 0)]) == (o < 3));
    }
}

/* Frozen weights and scales keep their values under every optimizer; their biases and shifts do not. */
TEST(frozen_weights)
{
    struct net net = small_net();
    net.nodes[0].frozen = net.nodes[1].frozen = true;
    const size_t count = net_parameter_count(&net);
    for (int kind = OPTIMIZER_SGD; kind <= OPTIMIZER_MUON; kind++) {
        struct random random = random_seed(71, 0);
        const struct optimizer optimizer = {.kind = (enum optimizer_kind)kind,
                                            .learning_rate = 0.1f,
                                            .beta1 = 0.9f,
                                            .beta2 = 0.9f,
                                            .epsilon = 1e-7f,
                                            .weight_decay = 0.1f,
                                            .dense_learning_rate = 0.1f,
                                            .bias_learning_rate = 0.1f,
                                            .frozen_bias_learning_rate = 0.1f};
        float *parameters = nets_parameters(&net, &random), *before = test_floats(count);
        float *gradients = test_random_floats(count, &random), *first = zeros(count), *second = zeros(count);
        memcpy(before, parameters, count * sizeof(float));
        step_all(&optimizer, &net, 1, parameters, gradients, first, second);
        for (size_t i = 0; i < count; i++) {
            const bool frozen = i < 27 || (i >= net.offset[1] && i < net.offset[1] + 3);
            test_context("optimizer %d, parameter %zu", kind, i);
            CHECK((parameters[i] == before[i]) == frozen);
        }
    }
}

/* Kernels wider and narrower than they are long, and everything else, depthwise layers too, by SGD with its own
 * rates. */
TEST(muon_equals_the_oracle)
{
    static const int shapes[][4] = {{1, 4, 2, 2}, {3, 6, 3, 3}, {3, 40, 2, 2}, {1, 1, 1, 1}, {3, 27, 3, 3}};
    const struct optimizer muon = {.kind = OPTIMIZER_MUON,
                                   .learning_rate = 0.2f,
                                   .momentum = 0.6f,
                                   .other_momentum = 0.85f,
                                   .dense_learning_rate = 0.3f,
                                   .dense_decay = 0.01f,
                                   .bias_learning_rate = 0.05f,
                                   .bias_decay = 0.02f};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct random random = random_seed(72, s);
        struct net net = {.input = {4, 4, shapes[s][0]}};
        int x = nets_conv(&net, 0, shapes[s][1], shapes[s][2], shapes[s][3], 1, true, true);
        x = nets_depthwise(&net, nets_simple(&net, x, NODE_BATCHNORM), 3, 3, 1, true, true);
        x = nets_simple(&net, x, NODE_GLOBAL_AVGPOOL);
        nets_finish(&net, nets_dense(&net, x, 4, true));
        const size_t count = net_parameter_count(&net);
        const int rows = shapes[s][0] * shapes[s][2] * shapes[s][3], columns = shapes[s][1];
        float *parameters = nets_parameters(&net, &random), *gradients = test_floats(count);
        struct oracle_weight *expected = test_bytes(count * sizeof *expected);
        for (size_t i = 0; i < count; i++)
            expected[i] = (struct oracle_weight){(double)parameters[i], 0, 0};
        float *first = zeros(count), *second = zeros(count);
        for (int step = 1; step <= 10; step++) {
            test_context("%d x %d, step %d", rows, columns, step);
            test_fill(gradients, count, &random);
            step_all(&muon, &net, step, parameters, gradients, first, second);
            oracle_muon(expected, test_widened(gradients, count), (double)muon.learning_rate, (double)muon.momentum,
                        rows, columns);
            for (size_t i = (size_t)(rows * columns); i < count; i++) {
                const enum block_role role = role_of(&net, i);
                const bool dense = role == BLOCK_WEIGHT; /* or depthwise */
                const struct optimizer other = {.kind = OPTIMIZER_SGD,
                                                .nesterov = true,
                                                .momentum = muon.other_momentum,
                                                .learning_rate =
                                                    dense ? muon.dense_learning_rate : muon.bias_learning_rate,
                                                .weight_decay = dense ? muon.dense_decay : muon.bias_decay};
                if (role == BLOCK_MEAN || role == BLOCK_VARIANCE)
                    expected[i].weight = (double)parameters[i];
                else
                    oracle_step(&expected[i], (double)gradients[i], &other, step);
            }
            for (size_t i = 0; i < count; i++)
                CHECK_CLOSE(parameters[i], expected[i].weight, 1e-4 * (1 + fabs(expected[i].weight)));
        }
    }
}

TEST(every_learning_rate_is_scaled)
{
    struct optimizer optimizer = {.learning_rate = 1,
                                  .dense_learning_rate = 2,
                                  .bias_learning_rate = 3,
                                  .frozen_bias_learning_rate = 4,
                                  .weight_decay = 5,
                                  .momentum = 6};
    optimizer_scale_learning_rates(&optimizer, 0.5f);
    CHECK(optimizer.learning_rate == 0.5f && optimizer.dense_learning_rate == 1 &&
          optimizer.bias_learning_rate == 1.5f && optimizer.frozen_bias_learning_rate == 2 &&
          optimizer.weight_decay == 5 && optimizer.momentum == 6);
}

enum { IMAGES = 64, BATCH = 16, CLASSES = 10, STEPS = 300 };

/* Trains on 64 pictures of noise with labels of chance until all are known; returns how many are. */
static int memorise(float *parameters, const struct net *net, const struct optimizer *optimizer, int steps)
{
    struct random random = random_seed(30, 0);
    const size_t pixels = shape_count(net->input), count = net_parameter_count(net);
    const float *images = test_random_floats(IMAGES * pixels, &random);
    struct target targets[IMAGES];
    for (int i = 0; i < IMAGES; i++)
        targets[i] = target_of(test_between(&random, 0, CLASSES - 1));
    float *gradients = test_floats(count);
    initialize_parameters(parameters, net, INITIALIZE_HE, &random);
    struct fixture fixture;
    fixture_open(&fixture, net, parameters, BATCH, NET_TRAIN);
    fixture.run.gemm = gemm_fast;
    float *first = zeros(count), *second = zeros(count);
    float losses[BATCH], probabilities[BATCH * CLASSES];
    for (int step = 1; step <= steps; step++) {
        const int start = (step - 1) * BATCH % IMAGES;
        memcpy(fixture.run.tensor[0], images + (size_t)start * pixels, BATCH * pixels * sizeof(float));
        fixture_pack(&fixture, net, parameters);
        net_forward_training(&fixture.run, BATCH);
        cross_entropy_forward(losses, probabilities, net_logits(&fixture.run), targets + start, 0, BATCH, CLASSES);
        cross_entropy_backward(net_logits_gradient(&fixture.run), probabilities, targets + start, 0,
                               1.0f / (float)BATCH, BATCH, CLASSES);
        memset(gradients, 0, count * sizeof(float));
        net_backward(&fixture.run, gradients, BATCH);
        for (int i = 0; i < net->node_count; i++) { /* sums over images become means */
            struct block blocks[4];
            const int blocks_count = net_blocks(blocks, net, i);
            for (int b = 0; b < blocks_count; b++)
                if (blocks[b].role >= BLOCK_MEAN)
                    for (size_t k = blocks[b].offset; k < blocks[b].offset + blocks[b].count; k++)
                        gradients[k] /= (float)BATCH;
        }
        step_all(optimizer, net, step, parameters, gradients, first, second);
    }
    int right = 0;
    fixture_pack(&fixture, net, parameters);
    for (int start = 0; start < IMAGES; start += BATCH) {
        memcpy(fixture.run.tensor[0], images + (size_t)start * pixels, BATCH * pixels * sizeof(float));
        net_forward(&fixture.run, BATCH);
        for (int i = 0; i < BATCH; i++) {
            const float *logits = net_logits(&fixture.run) + i * CLASSES;
            int best = 0;
            for (int k = 1; k < CLASSES; k++)
                best = logits[k] > logits[best] ? k : best;
            right += best == targets[start + i].label;
        }
    }
    return right;
}

TEST(memorises_noise_and_does_it_again_to_the_bit)
{
    struct net net = {.input = {8, 8, 3}};
    int x = nets_conv(&net, 0, 8, 3, 3, 1, true, false);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_RELU);
    x = nets_pool(&net, x, NODE_MAXPOOL, 2, 2, false);
    x = nets_simple(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 32, true), NODE_RELU);
    nets_finish(&net, nets_dense(&net, x, CLASSES, true));
    float *parameters = test_floats(net_parameter_count(&net)), *again = test_floats(net_parameter_count(&net));
    const struct optimizer adam = {
        .kind = OPTIMIZER_ADAM, .learning_rate = 3e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f};
    CHECK_EQUAL(memorise(parameters, &net, &adam, STEPS), IMAGES);
    CHECK_EQUAL(memorise(again, &net, &adam, STEPS), IMAGES);
    CHECK_SAME_BITS(again, parameters, net_parameter_count(&net));
    const struct optimizer nesterov = {
        .kind = OPTIMIZER_SGD, .learning_rate = 0.02f, .momentum = 0.9f, .nesterov = true};
    CHECK_EQUAL(memorise(parameters, &net, &nesterov, STEPS), IMAGES);
    const struct optimizer muon = {.kind = OPTIMIZER_MUON,
                                   .learning_rate = 0.05f,
                                   .momentum = 0.6f,
                                   .other_momentum = 0.85f,
                                   .dense_learning_rate = 0.02f,
                                   .bias_learning_rate = 0.02f};
    CHECK_EQUAL(memorise(parameters, &net, &muon, STEPS), IMAGES);
}

static const struct test tests[] = {
    ENTRY(twenty_steps_equal_the_oracle),
    ENTRY(batchnorm_running_statistics),
    ENTRY(initial_weights),
    ENTRY(identity_as_first_weights),
    ENTRY(frozen_weights),
    ENTRY(muon_equals_the_oracle),
    ENTRY(every_learning_rate_is_scaled),
    ENTRY(memorises_noise_and_does_it_again_to_the_bit),
};
const struct suite optimizer_suite = SUITE("optimizer", tests);
