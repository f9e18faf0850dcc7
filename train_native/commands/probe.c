#include "commands/probe.h"

#include "base/argmax.h"
#include "cli/clock.h"
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/progress.h"
#include "model/interval.h"
#include "training/softmax_regression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 16 /* at a time through the trunk */ };
static const float strengths[] = {3, 1, 0.3f, 0.1f, 0.03f, 0.01f, 0.003f, 0.001f, 0.0003f};
enum { STRENGTHS = sizeof strengths / sizeof *strengths, USUAL_STRENGTH = 3 };

/* What is between the head's sums and the logits: a factor. */
static float scale_behind(const struct net *net, int head)
{
    static const char hint[] = "Train without --linear-probe, with --freeze trunk.";
    float scale = 1;
    if (net->nodes[head].kind != NODE_DENSE)
        die(NULL, hint, "a linear probe needs a model whose last layer with weights is dense");
    for (int i = head + 1; i < net->node_count - 1; i++) {
        if (net->nodes[i].kind != NODE_SCALE)
            die(NULL, hint,
                "a linear probe needs a model whose last dense layer nothing follows but `scale` and the softmax");
        scale *= net->nodes[i].rate;
    }
    return scale;
}

/* ---- Embeddings ---- */

/* The images at a time of one thread. */
struct embedding {
    const struct net *net;
    const struct preprocess *preprocess;
    const struct subset *subset;
    int head;
    float *x;             /* (count, features + 1): what the head reads of these images, and a 1 */
    struct net_run *runs; /* of each thread */
};

static void embed_images(void *context, int chunk, int thread)
{
    const struct embedding *embedding = context;
    const struct net *net = embedding->net;
    struct net_run *run = &embedding->runs[thread];
    const int tensor = net->nodes[embedding->head].input[0], start = chunk * IMAGES;
    const size_t features = shape_count(net->shapes[tensor]), pixels = shape_count(net->input);
    const int n = embedding->subset->count - start < IMAGES ? embedding->subset->count - start : IMAGES;
    for (int i = 0; i < n; i++)
        image_normalise(run->tensor[0] + (size_t)i * pixels, subset_pixels(embedding->subset, start + i), net->input,
                        embedding->preprocess);
    for (int i = 0; i < embedding->head; i++)
        net_forward_node(run, i, n);
    for (int i = 0; i < n; i++) {
        float *row = embedding->x + (size_t)(start + i) * (features + 1);
        memcpy(row, run->tensor[tensor] + (size_t)i * features, features * sizeof(float));
        row[features] = 1;
    }
}

static void plan(struct net_packed *packed, struct net_run *runs, int threads, const struct net *net,
                 struct arena *arena)
{
    net_packed_plan(packed, net, NET_INFER, arena);
    for (int i = 0; i < threads; i++)
        net_run_plan(&runs[i], net, packed, IMAGES, NET_INFER, arena);
}

static void embed(struct embedding *embedding, const float *parameters, const struct parallel *parallel)
{
    const struct net *net = embedding->net;
    struct net_packed packed;
    struct arena arena = {0};
    embedding->runs = allocate((size_t)parallel->threads, sizeof *embedding->runs);
    plan(&packed, embedding->runs, parallel->threads, net, &arena);
    arena = (struct arena){.base = allocate((size_t)arena.used, 1), .size = arena.used};
    plan(&packed, embedding->runs, parallel->threads, net, &arena);
    for (int i = 0; i < embedding->head; i++)
        net_pack(&packed, net, i, parameters + net->offset[i]);
    parallel->run(parallel, (embedding->subset->count + IMAGES - 1) / IMAGES, embed_images, embedding);
    free(arena.base);
    free(embedding->runs);
}

/* Mean and std of each feature but the last; one that never changes has a std of 1. */
static void measure(float *mean, float *std, const float *x, int count, int features)
{
    for (int k = 0; k < features - 1; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < count; i++)
            sum += (double)x[(size_t)i * (size_t)features + (size_t)k] / count;
        for (int i = 0; i < count; i++) {
            const double d = (double)x[(size_t)i * (size_t)features + (size_t)k] - sum;
            squares += d * d / count;
        }
        mean[k] = (float)sum;
        std[k] = squares > 1e-12 ? (float)sqrt(squares) : 1;
    }
}

static void standardise(float *x, const float *mean, const float *std, int count, int features)
{
    for (int i = 0; i < count; i++, x += features)
        for (int k = 0; k < features - 1; k++)
            x[k] = (x[k] - mean[k]) / std[k];
}

/* ---- Training ---- */

static struct epoch_result score(const float *w, const struct regression *data, struct arena memory)
{
    const size_t scores = (size_t)data->count * (size_t)data->classes;
    float *logits = allocate(2 * scores + (size_t)data->count, sizeof(float));
    float *probabilities = logits + scores, *losses = probabilities + scores;
    struct epoch_result result = {.count = data->count, .finite = true};
    softmax_regression_logits(logits, w, data, memory);
    cross_entropy_forward(losses, probabilities, logits, data->targets, 0, data->count, data->classes);
    for (int i = 0; i < data->count; i++) {
        result.correct += argmax(logits + i * data->classes, data->classes) == data->targets[i].label;
        result.loss_sum += (double)losses[i];
    }
    free(logits);
    return result;
}

static void print_strength(const struct train_options *o, float l2, int iterations, const struct epoch_result *train,
                           const struct epoch_result *validation)
{
    if (o->json) {
        struct json json = json_begin(stdout);
        json_object(&json, NULL);
        json_number(&json, "l2", "%g", (double)l2);
        json_int(&json, "iterations", iterations);
        json_epoch(&json, train, validation);
        json_close(&json);
        json_end(&json);
    } else {
        printf("L2 %-7g %3d iterations  loss %.4f  accuracy %.2f %%", (double)l2, iterations, epoch_loss(train),
               100 * epoch_accuracy(train));
        if (validation->count)
            printf("  validation loss %.4f  accuracy %s", epoch_loss(validation),
                   interval_percent(validation->correct, validation->count));
        printf("\n");
    }
}

/* best (features, classes): of all strengths, from the strongest to the weakest, what has the lowest loss on the
 * validation images, which is less noisy than the accuracy where they are few; without any, what the usual strength
 * gives. Returns how it does there. */
static struct epoch_result choose(float *best, const struct train_options *o, const struct regression *train,
                                  const struct regression *validation)
{
    const size_t size = (size_t)train->features * (size_t)train->classes;
    const uint64_t bytes = softmax_regression_bytes(train), measuring = softmax_regression_bytes(validation);
    struct arena memory = {.size = bytes > measuring ? bytes : measuring};
    memory.base = allocate((size_t)memory.size, 1);
    float *w = allocate(size, sizeof(float));
    struct epoch_result chosen = {0};
    for (int s = 0; s < STRENGTHS; s++) {
        if (!validation->count && s != USUAL_STRENGTH)
            continue;
        const int iterations = softmax_regression(w, train, strengths[s], memory);
        const struct epoch_result trained = score(w, train, memory), measured = score(w, validation, memory);
        print_strength(o, strengths[s], iterations, &trained, &measured);
        if (!chosen.count || measured.loss_sum < chosen.loss_sum) {
            memcpy(best, w, size * sizeof(float));
            chosen = measured;
        }
    }
    free(w);
    free(memory.base);
    return chosen;
}

/* The head's weights (inputs, classes) and biases (classes) for embeddings as they are, before `scale`; w (features,
 * classes) is for standardised ones. */
static void put_head(float *head, const float *w, const float *mean, const float *std, const struct regression *data,
                     float scale)
{
    const int inputs = data->features - 1, classes = data->classes;
    for (int c = 0; c < classes; c++) {
        double bias = (double)w[inputs * classes + c];
        for (int k = 0; k < inputs; k++) {
            const double weight = (double)w[k * classes + c] / (double)std[k];
            head[k * classes + c] = (float)(weight / (double)scale);
            bias -= weight * (double)mean[k];
        }
        head[inputs * classes + c] = (float)(bias / (double)scale);
    }
}

/* The embeddings and labels of a subset. */
static struct regression regression_of(struct embedding *embedding, const float *parameters, const float *class_weights,
                                       const struct parallel *parallel, gemm_function *gemm)
{
    const struct net *net = embedding->net;
    const struct subset *subset = embedding->subset;
    const int features = (int)shape_count(net->shapes[net->nodes[embedding->head].input[0]]) + 1;
    embedding->x = allocate((size_t)subset->count * (size_t)features + 1, sizeof(float));
    struct target *targets = allocate((size_t)subset->count + 1, sizeof *targets);
    embed(embedding, parameters, parallel);
    for (int i = 0; i < subset->count; i++) {
        targets[i] = target_of(subset_label(subset, i));
        targets[i].weight = class_weights ? class_weights[targets[i].label] : 1;
    }
    return (struct regression){embedding->x, targets, subset->count, features, net_classes(net), gemm, parallel};
}

static void regression_free(struct regression *data)
{
    free((void *)data->x);
    free((void *)data->targets);
}

void probe(const struct probe *p)
{
    const struct net *net = p->writer->net;
    const struct train_options *o = p->writer->options;
    const int head = p->transfer->head, classes = net_classes(net);
    const float scale = scale_behind(net, head);
    double start = seconds_now();
    const float *trunk = p->transfer->parameters;
    struct embedding embedding = {.net = net, .preprocess = p->writer->preprocess, .subset = p->train, .head = head};
    struct regression train = regression_of(&embedding, trunk, p->class_weights, p->parallel, p->gemm);
    embedding.subset = p->validation;
    struct regression validation = regression_of(&embedding, trunk, NULL, p->parallel, p->gemm);
    const int features = train.features;
    float *mean = allocate((size_t)features, sizeof(float)), *std = allocate((size_t)features, sizeof(float));
    measure(mean, std, train.x, train.count, features);
    standardise((float *)train.x, mean, std, train.count, features);
    standardise((float *)validation.x, mean, std, validation.count, features);
    if (!o->json)
        printf("%s embeddings of %s numbers in %.1f s\n", format_thousands((uint64_t)(train.count + validation.count)),
               format_thousands((uint64_t)features - 1), seconds_now() - start);
    fflush(stdout);

    start = seconds_now();
    float *w = allocate((size_t)features * (size_t)classes, sizeof(float));
    const struct epoch_result measured = choose(w, o, &train, &validation);
    if (!o->json)
        printf("trained in %.1f s\n", seconds_now() - start);

    float *parameters = allocate(net_parameter_count(net), sizeof(float));
    memcpy(parameters, trunk, net_parameter_count(net) * sizeof(float));
    put_head(parameters + net->offset[head], w, mean, std, &train, scale);
    model_writer_save(p->writer, parameters, o->output, 0, &measured);
    free(parameters);
    free(w);
    free(mean);
    free(std);
    regression_free(&train);
    regression_free(&validation);
}
