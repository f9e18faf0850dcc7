#include "support/net_gradients.h"

#include "support/gradient_check.h"
#include "support/nets.h"
#include "support/test.h"

#include <string.h>

double net_gradients_value(void *context)
{
    struct net_gradients_oracle *oracle = context;
    oracle_net(oracle->tensor, oracle->net, oracle->parameters, oracle->n, oracle->mode);
    const int logits = oracle->net->nodes[oracle->net->node_count - 1].input[0];
    double sum = 0;
    for (size_t i = 0; i < (size_t)oracle->n * shape_count(oracle->net->shapes[logits]); i++)
        sum += oracle->tensor[logits][i] * oracle->dlogits[i];
    return sum;
}

void net_gradients_without_statistics(float *gradients, const struct net *net)
{
    for (int i = 0; i < net->node_count; i++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        for (int b = 0; b < count; b++)
            if (blocks[b].role == BLOCK_MEAN || blocks[b].role == BLOCK_VARIANCE)
                memset(gradients + blocks[b].offset, 0, blocks[b].count * sizeof(float));
    }
}

float *net_gradients_of(struct net_gradients_oracle *oracle, const struct net *net, int n, struct random *random)
{
    const size_t count = net_parameter_count(net), classes = (size_t)net_classes(net);
    const size_t pixels = (size_t)n * shape_count(net->input);
    float *parameters = nets_parameters(net, random), *images = test_random_floats(pixels, random);
    float *dlogits = test_random_floats((size_t)n * classes, random), *gradients = test_floats(count);
    struct fixture fixture;
    fixture_open(&fixture, net, parameters, n, NET_TRAIN);
    fixture.run.gemm = gemm_fast;
    fixture.run.dropout_seed = 77;
    fixture.run.first_image = 1000;
    memcpy(fixture.run.tensor[0], images, pixels * sizeof(float));
    net_forward_training(&fixture.run, n);
    memcpy(net_logits_gradient(&fixture.run), dlogits, (size_t)n * classes * sizeof(float));
    memset(gradients, 0, count * sizeof(float));
    float *computed = test_floats((size_t)n * classes); /* the way back may write over it */
    memcpy(computed, net_logits(&fixture.run), (size_t)n * classes * sizeof(float));
    net_backward(&fixture.run, gradients, n);
    net_gradients_without_statistics(gradients, net);

    *oracle = (struct net_gradients_oracle){
        .net = net,
        .parameters = test_widened(parameters, count),
        .n = n,
        .dlogits = test_widened(dlogits, (size_t)n * classes),
        .mode = {.training = true, .temperature = 1, .dropout_seed = 77, .first_image = 1000}};
    oracle_tensors(oracle->tensor, net, n);
    for (size_t i = 0; i < pixels; i++)
        oracle->tensor[0][i] = (double)images[i];
    net_gradients_value(oracle);
    const int logits = net->nodes[net->node_count - 1].input[0];
    CHECK_ALL_CLOSE(computed, oracle->tensor[logits], (size_t)n * classes, 1e-3);
    return gradients;
}

void net_gradients_check(const char *name, const struct net *net, int n, size_t sample, struct random *random)
{
    struct net_gradients_oracle oracle;
    const float *gradients = net_gradients_of(&oracle, net, n, random);
    const struct function f = {net_gradients_value, &oracle, oracle.parameters, net_parameter_count(net)};
    gradient_check(name, gradients, &f, sample);
}
