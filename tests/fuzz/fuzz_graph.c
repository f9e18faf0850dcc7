/* libFuzzer target: the graph builder, called as a reader of a hostile file would: bytes choose functions and their
 * numbers, of which some are absurd. */
#include "exchange/graph.h"
#include "fuzz/fuzz.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

enum { WEIGHTS = 4096, MAX_VALUES = 64 };

struct script {
    const uint8_t *bytes, *end;
    struct graph *graph;
    int values[MAX_VALUES], count;
};

static int byte_of(struct script *script) { return script->bytes < script->end ? *script->bytes++ : 0; }

/* Most of them small. */
static int number(struct script *script)
{
    static const int absurd[] = {INT_MAX, INT_MIN, INT_MAX - 1, 1 << 16, 1 << 24, 4096, 4097, 1 << 30};
    const int byte = byte_of(script);
    return byte < 248 ? byte % 31 - 4 : absurd[byte - 248];
}

static float real(struct script *script)
{
    static const float reals[] = {0,  1,        6,       3,   1.0f / 6,  0.5f,     -1,   1e-3f,
                                  -3, INFINITY, FLT_MAX, NAN, -INFINITY, -FLT_MAX, 1e6f, 1.5957691216f};
    return reals[byte_of(script) % 16];
}

/* An earlier value, mostly the last; perhaps one that is none. */
static int value(struct script *script)
{
    const int byte = byte_of(script);
    if (byte > 250 || !script->count)
        return number(script);
    return script->values[(script->count - 1 - byte % 4 + 4 * script->count) % script->count];
}

/* Of at most WEIGHTS values, or of more than there may be. */
static struct graph_constant constant(struct script *script, int rank)
{
    static float weights[WEIGHTS];
    struct graph_constant made = {.rank = rank, .values = weights};
    uint64_t count = 1;
    bool refused = false;
    for (int i = 0; i < rank && i < GRAPH_RANK; i++) {
        made.dims[i] = number(script);
        refused = refused || made.dims[i] < 1;
        count = refused || count > UINT32_MAX ? count : count * (uint64_t)made.dims[i];
    }
    for (int i = 0; !refused && i < rank && i < GRAPH_RANK && count > WEIGHTS && count <= LIMIT_PARAMETERS; i++)
        made.dims[i] = 1;
    const float fill = real(script);
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = fill;
    for (int i = 0; i < 4; i++)
        weights[i] = real(script);
    return made;
}

static void numbers(int *out, int count, struct script *script)
{
    for (int i = 0; i < count; i++)
        out[i] = number(script);
}

static struct graph_window window(struct script *script)
{
    struct graph_window made = {.mode = (enum graph_padding)(byte_of(script) % 3)};
    numbers(made.kernel, 2, script);
    made.stride[0] = number(script);
    made.stride[1] = byte_of(script) < 200 ? made.stride[0] : number(script);
    made.dilation[0] = made.dilation[1] = byte_of(script) < 200 ? 1 : number(script);
    for (int i = 0; i < 4; i++)
        made.padding[i] = byte_of(script) < 128 ? 0 : number(script);
    made.ceil = byte_of(script) & 1;
    made.count_padding = byte_of(script) & 1;
    return made;
}

static int weighted(struct script *script, int x, int which)
{
    struct graph *graph = script->graph;
    const struct graph_constant weights = constant(script, which == 0 ? 4 : which == 1 ? 2 : 1);
    struct graph_constant other = weights;
    other.rank = 1;
    other.dims[0] = which == 0 ? number(script) : weights.dims[which == 1];
    if (other.dims[0] > WEIGHTS || other.dims[0] < 1)
        other.dims[0] = 1;
    const struct graph_constant *bias = byte_of(script) & 1 ? &other : NULL;
    switch (which) {
    case 0: {
        const struct graph_conv conv = {&weights,       bias,           (enum graph_layout)(byte_of(script) % 5),
                                        number(script), number(script), window(script)};
        return graph_conv(graph, x, &conv);
    }
    case 1: return graph_dense(graph, x, &(struct graph_dense){&weights, bias, byte_of(script) & 1});
    case 2:
        return graph_batchnorm(graph, x,
                               &(struct graph_batchnorm){bias, bias, &other, &other, real(script), number(script)});
    default: return graph_prelu(graph, x, &weights);
    }
}

static int shaped(struct script *script, int x, int which)
{
    struct graph *graph = script->graph;
    int list[2 * GRAPH_RANK];
    const int rank = number(script), room = rank < 0 ? 0 : rank > GRAPH_RANK ? GRAPH_RANK : rank;
    numbers(list, 2 * GRAPH_RANK, script);
    switch (which) {
    case 0: return graph_reshape(graph, x, rank, list);
    case 1: return graph_transpose(graph, x, list);
    case 2: return graph_reduce_mean(graph, x, room, list, byte_of(script) & 1);
    case 3: return graph_pad(graph, x, list, list + GRAPH_RANK, byte_of(script) & 1 ? 0 : real(script));
    case 4: return graph_slice(graph, x, list[0], list[1], list[2], byte_of(script) & 1 ? 1 : list[3]);
    default:
        for (int i = 0; i < room; i++)
            list[i] = value(script);
        return graph_concat(graph, room, list, number(script));
    }
}

static int elementwise(struct script *script, int x, int which)
{
    struct graph *graph = script->graph;
    const enum graph_arithmetic operation = (enum graph_arithmetic)(byte_of(script) % 4);
    switch (which) {
    case 0: return graph_activation(graph, x, (enum node_kind)(NODE_RELU + byte_of(script) % 14), real(script));
    case 1: return graph_clip(graph, x, real(script), real(script));
    case 2: return graph_hard_sigmoid(graph, x, real(script), real(script));
    case 3: return graph_softmax(graph, x, number(script));
    case 4: return graph_arithmetic(graph, operation, x, value(script));
    default: {
        const struct graph_constant made = constant(script, byte_of(script) % (GRAPH_RANK + 2));
        return graph_arithmetic_constant(graph, operation, x, &made, byte_of(script) & 1);
    }
    }
}

static int step(struct script *script)
{
    const int which = byte_of(script) % 18, x = value(script);
    if (which < 4)
        return weighted(script, x, which);
    if (which < 10)
        return shaped(script, x, which - 4);
    if (which < 16)
        return elementwise(script, x, which - 10);
    const struct graph_window made = window(script);
    return which == 16 ? graph_maxpool(script->graph, x, &made, number(script))
                       : graph_avgpool(script->graph, x, &made, number(script));
}

static void build(struct script *script, struct failure *failure)
{
    static struct graph_result result;
    int dims[4];
    numbers(dims, 4, script);
    script->values[script->count++] = graph_input(script->graph, 4, dims, number(script));
    while (script->bytes < script->end && script->count < MAX_VALUES && !graph_failed(script->graph)) {
        graph_at(script->graph, "Operator", "node");
        script->values[script->count++] = step(script);
    }
    graph_expect_classes(script->graph, number(script));
    if (!graph_finish(&result, script->graph, value(script))) {
        fuzz_require(*failure->reason);
        return;
    }
    struct net net = result.net;
    fuzz_require(!*failure->reason && net_check(&net, NULL) == STATUS_OK);
    for (size_t i = 0; i < net_parameter_count(&net); i++)
        fuzz_require(isfinite(result.parameters[i]));
    free(result.parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure = {.reason = ""};
    struct script script = {.bytes = data, .end = data + size, .graph = graph_new(&failure)};
    build(&script, &failure);
    graph_free(script.graph);
    return 0;
}
