/* Measures the classifier alone for bench_native.js, and prints JSON:
 *
 *     bench-native MODEL THREADS SECONDS    images a second in each of some rounds of so many seconds
 *
 * Images are random pixels in memory, of the network's size; every thread has a classifier of its own, as the
 * command line's processes and the browser's workers have. */
#include "cli/memory.h"
#include "cli/options.h"
#include "bench/bench_peak.h"

#include "commands/or_die.h"
#include "classifier.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { IMAGES = 64, ROUNDS = 9, SEED = 1 };

/* Images a second of all threads together. */
static double measure(struct eyelet_classifier **classifiers, int threads, double seconds, const uint8_t *images,
                      size_t image_bytes)
{
    long count = 0;
    int failures = 0;
    const double start = seconds_now();
#pragma omp parallel for schedule(static, 1) num_threads(threads) reduction(+ : count, failures)
    for (int thread = 0; thread < threads; thread++)
        for (int i = 0; seconds_now() < start + seconds && !failures; i = (i + 1) % IMAGES) {
            failures +=
                eyelet_classifier_run_pixels(classifiers[thread], images + (size_t)i * image_bytes) != STATUS_OK;
            count++;
        }
    if (failures)
        die(NULL, NULL, "the network gives numbers that are not finite");
    return (double)count / (seconds_now() - start);
}

int main(int argc, char **argv)
{
    const int threads = argc == 4 ? atoi(argv[2]) : 0;
    const double seconds = argc == 4 ? atof(argv[3]) : 0;
    if (threads < 1 || threads > MAX_THREADS || !(seconds > 0)) {
        fprintf(stderr, "usage: bench-native MODEL THREADS SECONDS\n");
        return EXIT_USAGE;
    }
    struct model *model = allocate(1, sizeof *model);
    size_t size, workspace;
    uint8_t *bytes = load_or_die(model, &size, argv[1]);
    struct eyelet_classifier *classifiers[MAX_THREADS];
    void *memory[MAX_THREADS];
    enum status status = eyelet_classifier_bytes(&workspace, bytes, size);
    for (int i = 0; i < threads && !status; i++)
        status = eyelet_classifier_open(&classifiers[i], memory[i] = allocate(workspace, 1), bytes, size);
    if (status)
        die(argv[1], NULL, "%s", eyelet_status_text(status));

    const size_t image_bytes = shape_count(model->net.input);
    uint8_t *images = allocate(IMAGES, image_bytes);
    struct random random = random_seed(SEED, 0);
    for (size_t i = 0; i < IMAGES * image_bytes; i++)
        images[i] = (uint8_t)random_below(&random, 256);
    uint64_t multiply_adds = 0;
    for (int i = 0; i < model->net.node_count; i++)
        multiply_adds += net_multiply_adds(&model->net, i);

    printf("{\"vector\": \"%s\", \"peak\": %.0f, \"fused_peak\": %.0f, \"multiply_adds\": %llu, \"rates\": [", VEC_NAME,
           peak(threads, false), peak(threads, true), (unsigned long long)multiply_adds);
    for (int round = -1; round < ROUNDS; round++) { /* the first warms up */
        const double rate = measure(classifiers, threads, seconds, images, image_bytes);
        if (round >= 0)
            printf("%s%.3f", round ? ", " : "", rate);
    }
    printf("]}\n");
    for (int i = 0; i < threads; i++)
        free(memory[i]);
    free(images);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
