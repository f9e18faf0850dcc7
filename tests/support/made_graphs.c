#include "support/made_graphs.h"

#include "support/nets.h"

#include <string.h>

struct random made_random;
struct failure made_failure;

struct graph *made_graph(int *x, int c, int h, int w)
{
    made_random = random_seed(17, 1);
    made_failure = (struct failure){0};
    struct graph *graph = graph_new(&made_failure);
    *x = graph_input(graph, 4, (const int[]){1, c, h, w}, 1);
    return graph;
}

struct graph_constant made_constant(int rank, const int *dims)
{
    struct graph_constant made = {.rank = rank};
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)(made.dims[i] = dims[i]);
    made.values = test_random_floats(count, &made_random);
    return made;
}

struct graph_constant made_vector(int c) { return made_constant(1, &c); }

struct graph_window made_window(int kernel, int stride, int padding)
{
    return (struct graph_window){
        {kernel, kernel}, {stride, stride}, {1, 1}, .padding = {padding, padding, padding, padding}};
}

const float *made_scores(const struct graph_result *result, const struct map *picture)
{
    struct fixture *fixture = test_bytes(sizeof *fixture);
    memset(fixture, 0, sizeof *fixture);
    fixture_open(fixture, &result->net, result->parameters, 1, NET_INFER);
    for (int y = 0; y < picture->h; y++)
        for (int x = 0; x < picture->w; x++)
            for (int c = 0; c < picture->c; c++)
                fixture->run.tensor[0][(y * picture->w + x) * picture->c + c] =
                    (float)(map_at(picture, c, y, x) * (double)result->front_scale[c] + (double)result->front_shift[c]);
    net_forward(&fixture->run, 1);
    return net_logits(&fixture->run);
}
