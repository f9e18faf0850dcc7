/* Measures training for bench_train.js, and prints JSON:
 *
 *     bench-train steps NETWORK SHARD BATCH THREADS SECONDS    the time of each of some training steps
 *     bench-train layers NETWORK SHARD                         of each layer with one shard, on one thread
 *
 * A step is what the trainer does with a batch: reading the images, packing the weights, forward, backward, SGD with
 * momentum. Images and labels are random numbers in memory. The JSON holds the single times; bench_train.js makes
 * figures of them. */
#include "cli/memory.h"
#include "cli/options.h"
#include "bench/bench_peak.h"

#include "commands/or_die.h"
#include "training/trainer.h"
#include "training/loss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, SEED = 1, MIN_STEPS = 3, REPEATS = 9 };

static const struct optimizer sgd = {.kind = OPTIMIZER_SGD, .learning_rate = 0.001f, .momentum = 0.9f};
static const float label_smoothing = 0.1f;

/* ---- What is asked of the machine ---- */

/* Multiply-adds of one image in a training step, by the direct formulas: forward, and as many again for the gradient
 * of the weights and for that of the input, where there is one. */
static uint64_t training_multiply_adds(const struct net *net, int node)
{
    const bool trained = !net->nodes[node].frozen, passes_on = net->nodes[node].input[0] != 0;
    return net_multiply_adds(net, node) * (1u + trained + passes_on);
}

/* ---- Whole steps ---- */

static void print_steps(const struct net *net, int shard, int batch, int threads, double seconds)
{
    const struct shape shape = {net->input.h, net->input.w, 3};
    const size_t bytes = (size_t)batch * shape_count(shape);
    uint8_t *pixels = allocate(bytes, 1);
    uint16_t *labels = allocate((size_t)batch, sizeof *labels);
    const struct images images = {
        .pixels = pixels, .labels = labels, .shape = shape, .count = batch, .classes = CLASSES};
    int *indices = allocate((size_t)batch, sizeof(int));
    struct random random = random_seed(SEED, 0);
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
    for (int i = 0; i < batch; i++) {
        labels[i] = (uint16_t)random_below(&random, CLASSES);
        indices[i] = i;
    }
    const struct preprocess preprocess = {.mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}};
    const struct trainer_settings settings = {
        .optimizer = sgd, .epochs = 1, .batch = batch, .label_smoothing = label_smoothing};
    const struct trainer_options options = {.net = net,
                                            .preprocess = preprocess,
                                            .parallel = parallel_threads(threads),
                                            .gemm = gemm_fast,
                                            .seed = SEED,
                                            .initializer = INITIALIZE_HE,
                                            .optimizer = sgd.kind,
                                            .shard = shard,
                                            .max_images = batch};
    const uint64_t size = trainer_bytes(&options);
    void *memory = allocate((size_t)size, 1);
    struct trainer *trainer;
    if (trainer_open(&trainer, memory, size, &options))
        die_of_memory();

    uint64_t multiply_adds = 0;
    for (int i = 0; i < net->node_count; i++)
        multiply_adds += training_multiply_adds(net, i);
    printf("{\"vector\": \"%s\", \"peak\": %.0f, \"multiply_adds\": %llu, \"step_seconds\": [", VEC_NAME,
           peak(threads, true), (unsigned long long)multiply_adds);
    double end = 0;
    for (int step = 0; step <= MIN_STEPS || seconds_now() < end; step++) { /* an epoch of one batch is a step */
        const double start = seconds_now();
        const struct epoch epoch = {.settings = &settings, .subset = {&images, indices, batch}, .number = step};
        if (!trainer_epoch(trainer, &epoch).finite)
            die(NULL, NULL, "the loss is no longer a finite number");
        if (step == 0) /* warms up */
            end = seconds_now() + seconds;
        else
            printf("%s%.6f", step > 1 ? ", " : "", seconds_now() - start);
    }
    printf("]}\n");
    free(memory);
    free(indices);
    free(pixels);
    free(labels);
}

/* ---- Layers ---- */

enum phase { PACK, FORWARD, BACKWARD, OPTIMIZER, PHASES };
static const char *const phase_names[PHASES] = {"pack", "forward", "backward", "optimizer"};

struct times {
    double seconds[LIMIT_NODES][PHASES][REPEATS];
    double last;
    int repeat; /* from -1, which warms up */
};

struct step_memory {
    float *parameters, *gradients, *velocity, *losses, *probabilities;
    struct target *targets;
};

/* What has passed since the last call is this node's. */
static void note(struct times *times, int node, enum phase phase)
{
    const double now = seconds_now();
    if (times->repeat >= 0)
        times->seconds[node][phase][times->repeat] = now - times->last;
    times->last = now;
}

/* One step, each node's part of it noted. The last node is the softmax, whose part training gives to the loss. */
static void time_step(struct times *times, struct net_run *run, struct net_packed *packed,
                      const struct step_memory *memory, int shard)
{
    const struct net *net = run->net;
    const int last = net->node_count - 1;
    memset(memory->gradients, 0, net_parameter_count(net) * sizeof(float));
    times->last = seconds_now();
    for (int i = 0; i <= last; i++) {
        net_pack(packed, net, i, memory->parameters + net->offset[i]);
        note(times, i, PACK);
    }
    for (int i = 0; i < last; i++) {
        net_forward_training_node(run, i, shard);
        note(times, i, FORWARD);
    }
    cross_entropy_forward(memory->losses, memory->probabilities, net_logits(run), memory->targets, label_smoothing,
                          shard, CLASSES);
    note(times, last, FORWARD);
    cross_entropy_backward(net_logits_gradient(run), memory->probabilities, memory->targets, label_smoothing,
                           1.0f / (float)shard, shard, CLASSES);
    note(times, last, BACKWARD);
    for (int i = last - 1; i >= 0; i--) {
        net_backward_node(run, memory->gradients, i, shard);
        note(times, i, BACKWARD);
    }
    for (int i = 0; i <= last; i++) {
        const struct optimizer_state state = {.step = times->repeat + 2,
                                              .parameters = memory->parameters,
                                              .gradients = memory->gradients,
                                              .first = memory->velocity};
        optimizer_step(&sgd, net, i, &state);
        note(times, i, OPTIMIZER);
    }
}

static void print_times(const struct net *net, const struct times *times)
{
    for (int i = 0; i < net->node_count; i++) {
        char details[64];
        const struct shape out = net->shapes[i + 1];
        network_details(details, sizeof details, &net->nodes[i]);
        printf("%s{\"kind\": \"%s\", \"details\": \"%s\", \"output\": \"%dx%dx%d\", \"multiply_adds\": %llu",
               i ? ",\n " : "[", kind_names[net->nodes[i].kind], details, out.h, out.w, out.c,
               (unsigned long long)training_multiply_adds(net, i));
        for (enum phase phase = 0; phase < PHASES; phase++) {
            printf(", \"%s\": [", phase_names[phase]);
            for (int repeat = 0; repeat < REPEATS; repeat++)
                printf("%s%.9f", repeat ? ", " : "", times->seconds[i][phase][repeat]);
            printf("]");
        }
        printf("}");
    }
    printf("]\n");
}

static void print_layers(const struct net *net, int shard)
{
    const size_t count = net_parameter_count(net);
    const struct step_memory memory = {.parameters = allocate(count, sizeof(float)),
                                       .gradients = allocate(count, sizeof(float)),
                                       .velocity = allocate(count, sizeof(float)),
                                       .losses = allocate((size_t)shard, sizeof(float)),
                                       .probabilities = allocate((size_t)shard * CLASSES, sizeof(float)),
                                       .targets = allocate((size_t)shard, sizeof(struct target))};
    struct times *times = allocate(1, sizeof *times);
    struct random random = random_seed(SEED, 1);
    initialize_parameters(memory.parameters, net, INITIALIZE_HE, &random);

    struct net_packed packed;
    struct net_run run;
    struct arena arena = {0};
    for (int bind = 0; bind < 2; bind++) {
        arena = (struct arena){.base = bind ? allocate((size_t)arena.used, 1) : NULL, .size = arena.used};
        net_packed_plan(&packed, net, NET_TRAIN, &arena);
        net_run_plan(&run, net, &packed, shard, NET_TRAIN, &arena);
    }
    run.gemm = gemm_fast;
    run.parameters = memory.parameters;
    for (size_t i = 0; i < (size_t)shard * shape_count(net->input); i++)
        run.tensor[0][i] = 4 * random_uniform(&random) - 2;
    for (int i = 0; i < shard; i++)
        memory.targets[i] = target_of((int)random_below(&random, CLASSES));
    for (times->repeat = -1; times->repeat < REPEATS; times->repeat++)
        time_step(times, &run, &packed, &memory, shard);
    print_times(net, times);

    free(arena.base);
    free(times);
    free(memory.targets);
    free(memory.probabilities);
    free(memory.losses);
    free(memory.velocity);
    free(memory.gradients);
    free(memory.parameters);
}

int main(int argc, char **argv)
{
    const bool steps = argc == 7 && strcmp(argv[1], "steps") == 0, layers = argc == 4 && strcmp(argv[1], "layers") == 0;
    const int shard = steps || layers ? atoi(argv[3]) : 0, batch = steps ? atoi(argv[4]) : 1,
              threads = steps ? atoi(argv[5]) : 1;
    if (shard < 1 || batch < 1 || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bench-train steps NETWORK SHARD BATCH THREADS SECONDS\n"
                        "       bench-train layers NETWORK SHARD\n");
        return EXIT_USAGE;
    }
    struct net *net = allocate(1, sizeof *net);
    read_network_or_die(net, argv[2], 0, CLASSES);
    if (steps)
        print_steps(net, shard, batch, threads, atof(argv[6]));
    else
        print_layers(net, shard);
    free(net);
    return EXIT_SUCCESS;
}
