/* Measures the search for the nearest pictures in an index (train_native/model/picture_index.h), and prints a row:
 *
 *     bench-search FILE COUNT DIMENSIONS    makes the index FILE of random vectors, if it is not there, and searches it */
#include "cli/clock.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/picture_index.h"
#include "base/random.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RUNS = 9, NEAREST = 10 };

static void fill(float *vector, int dimensions, uint64_t stream)
{
    for (int k = 0; k < dimensions; k++)
        vector[k] = (float)(random_at(1, stream, (uint64_t)k) >> 40) - (float)(1 << 23);
}

static bool make(const char *path, int count, int dimensions, struct failure *failure)
{
    struct picture_index *index = picture_index_open(path, INDEX_CREATE, failure);
    const struct index_about about = {.model = "random", .sha256 = "random", .dimensions = dimensions};
    float *vector = allocate((size_t)dimensions, sizeof *vector);
    bool made = index && picture_index_describe(index, &about, failure);
    for (int i = 0; i < count && made; i++) {
        char *name = text_format("/photos/%d.jpg", i);
        const struct index_entry entry = {.path = name, .sha256 = "", .label = ""};
        fill(vector, dimensions, (uint64_t)i);
        made = picture_index_put(index, &entry, vector, failure);
        free(name);
    }
    free(vector);
    return made && picture_index_close(index, failure);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of the runs, in milliseconds; the first one, which reads the file, is left out. */
static double search(struct picture_index *index, int threads, struct failure *failure)
{
    const int dimensions = picture_index_about(index).dimensions;
    float *query = allocate((size_t)dimensions, sizeof *query);
    struct index_match matches[NEAREST];
    double taken[RUNS];
    fill(query, dimensions, 7);
    for (int run = -1; run < RUNS; run++) {
        const double start = seconds_now();
        if (picture_index_nearest(matches, NEAREST, index, query, threads, failure) < 0)
            die_of(failure);
        if (run >= 0)
            taken[run] = 1000 * (seconds_now() - start);
    }
    free(query);
    qsort(taken, RUNS, sizeof *taken, by_size);
    return taken[RUNS / 2];
}

int main(int argc, char **argv)
{
    struct failure failure;
    const int count = argc == 4 ? atoi(argv[2]) : 0, dimensions = argc == 4 ? atoi(argv[3]) : 0;
    if (count < 1 || dimensions < 1)
        die(NULL, NULL, "bench-search takes a file, a number of pictures and of dimensions");
    if (access(argv[1], F_OK) != 0 && !make(argv[1], count, dimensions, &failure))
        die_of(&failure);
    struct picture_index *index = picture_index_open(argv[1], INDEX_READ, &failure);
    if (!index)
        die_of(&failure);
    const int threads = omp_get_max_threads();
    printf("| %d | %d | %.1f | %.1f |\n", count, dimensions, search(index, 1, &failure),
           search(index, threads, &failure));
    return picture_index_close(index, &failure) ? EXIT_SUCCESS : EXIT_ERROR;
}
