/* Sums and products of two tensors, and the activations that products are written as. */
#include "exchange/graph_parts.h"

#include <math.h>
#include <string.h>

/* ---- Two values of one shape ---- */

static struct value with_rank(const struct value *value, int rank)
{
    struct value wide = {.tensor = value->tensor, .rank = rank};
    memcpy(wide.dims + (rank - value->rank), value->dims, (size_t)value->rank * sizeof *value->dims);
    return wide;
}

static bool single_pixel(const struct graph *graph, const struct value *value)
{
    const struct shape shape = tensor_shape(graph, value->tensor);
    return shape.h == 1 && shape.w == 1;
}

/* Whether the elements of y belong to those of x, as they stand in the tensors: all of them, or, of a y of one pixel,
 * its channels to those of every pixel of x. */
static bool corresponds(const struct graph *graph, const struct value *x, const struct value *y)
{
    if (tensor_shape(graph, x->tensor).c != tensor_shape(graph, y->tensor).c)
        return false;
    bool all = true, broadcast = single_pixel(graph, y);
    for (int i = 0; i < x->rank; i++) {
        const bool same = same_dim(&x->dims[i], &y->dims[i]);
        bool spatial = y->dims[i].count == 0;
        for (int k = 0; k < x->dims[i].count; k++)
            spatial = spatial && x->dims[i].factors[k].axis != AXIS_C;
        all = all && same;
        broadcast = broadcast && (same || spatial);
    }
    return all || broadcast;
}

/* Brings two values to one rank and one order of channels, the larger one first; false where that is not possible. */
static bool align(struct graph *graph, struct value *first, struct value *second, int x, int y)
{
    for (int tries = 0; tries < 2; tries++) {
        const struct value *a = value_of(graph, x), *b = value_of(graph, y);
        const int rank = a->rank > b->rank ? a->rank : b->rank;
        *first = with_rank(a, rank);
        *second = with_rank(b, rank);
        if (corresponds(graph, first, second))
            return true;
        if (corresponds(graph, second, first)) {
            const struct value swapped = *first;
            *first = *second;
            *second = swapped;
            return true;
        }
        if (tries == 0 && ((x = plain_channels(graph, x)) < 0 || (y = plain_channels(graph, y)) < 0))
            return false;
    }
    const struct shape a = tensor_shape(graph, first->tensor), b = tensor_shape(graph, second->tensor);
    graph_refuse(graph, "of maps of %dx%dx%d and %dx%dx%d: possible where both are equal, or one of them is 1x1", a.h,
                 a.w, a.c, b.h, b.w, b.c);
    return false;
}

static int add_pair(struct graph *graph, int kind, int a, int b)
{
    const struct layer layer = {.kind = kind, .node = {.input = {a, b}}, .shape = tensor_shape(graph, a)};
    return a < 0 || b < 0 ? GRAPH_FAILED : add_layer(graph, &layer);
}

/* ---- Activations written as products ---- */

static bool close_to(double x, double y) { return fabs(x - y) <= 1e-5 * fabs(y); }

/* Whether a tensor is x (slope + cube x^2), with the numbers of core/kernels/activation.h. */
static bool is_gelu_argument(const struct graph *graph, int tensor, int x)
{
    const double slope = 1.5957691216, cube = slope * 0.044715;
    const struct layer *product = layer_of(graph, tensor);
    if (!product || product->kind != NODE_MULTIPLY)
        return false;
    const int *inputs = product->node.input, other = inputs[0] == x ? inputs[1] : inputs[0];
    double factor = 0, offset = 0, inner = 0, none = 0;
    if ((inputs[0] != x && inputs[1] != x) || !is_scaling(graph, other, &factor, &offset))
        return false;
    int square = layer_of(graph, other)->node.input[0];
    if (is_scaling(graph, square, &inner, &none) && none == 0) { /* times one number, plus another one */
        factor *= inner;
        square = layer_of(graph, square)->node.input[0];
    }
    const struct layer *of = layer_of(graph, square);
    return of && of->kind == NODE_MULTIPLY && of->node.input[0] == x && of->node.input[1] == x &&
           close_to(factor, cube) && close_to(offset, slope);
}

/* What x times `gate` is: a kind of activation of x, times *factor; 0: none that has a name. */
static int gated(const struct graph *graph, int x, int gate, double *factor)
{
    const struct layer *layer = layer_of(graph, gate);
    const int of = layer ? layer->node.input[0] : -1;
    double one, three;
    *factor = 1;
    if (!layer)
        return 0;
    if (layer->kind == NODE_SIGMOID && of == x)
        return NODE_SILU;
    if (layer->kind == NODE_HARDSIGMOID && of == x)
        return NODE_HARDSWISH;
    if (layer->kind == NODE_SIGMOID && is_gelu_argument(graph, of, x))
        return NODE_GELU;
    if (layer->kind == NODE_RELU6 && is_scaling(graph, of, &one, &three) && one == 1 && three == 3 &&
        layer_of(graph, of)->node.input[0] == x) {
        *factor = 6;
        return NODE_HARDSWISH;
    }
    return 0;
}

/* The product as an activation, also where x or its gate is multiplied by numbers; GRAPH_FAILED: it is none. */
static int product_activation(struct graph *graph, int a, int b, double *factor)
{
    double fa, fb, inner;
    const int bare_a = without_factors(graph, a, &fa), bare_b = without_factors(graph, b, &fb);
    const struct {
        int x, gate;
        double factor;
    } tries[] = {
        {a, b, 1}, {b, a, 1}, {a, bare_b, fb}, {b, bare_a, fa}, {bare_a, bare_b, fa * fb}, {bare_b, bare_a, fa * fb}};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const int kind = gated(graph, tries[i].x, tries[i].gate, &inner);
        if (kind) {
            *factor = tries[i].factor * inner;
            return add_elementwise(graph, kind, tries[i].x, 0);
        }
    }
    return GRAPH_FAILED;
}

static int multiply(struct graph *graph, const struct value *first, const struct value *second)
{
    double factor = 1;
    int tensor = GRAPH_FAILED;
    const struct shape a = tensor_shape(graph, first->tensor), b = tensor_shape(graph, second->tensor);
    if (a.h == b.h && a.w == b.w)
        tensor = product_activation(graph, first->tensor, second->tensor, &factor);
    if (tensor < 0)
        tensor = add_pair(graph, NODE_MULTIPLY, first->tensor, second->tensor);
    const int x = value_like(graph, tensor, first);
    return factor == 1 ? x : add_scaling(graph, x, factor, 0, false);
}

int graph_arithmetic(struct graph *graph, enum graph_arithmetic operation, int x, int y)
{
    if (!graph_readable(graph, x) || !graph_readable(graph, y))
        return GRAPH_FAILED;
    if (operation == GRAPH_DIVIDE)
        return graph_refuse(graph, "one tensor divided by another: no layer computes this");
    if (operation == GRAPH_SUBTRACT)
        y = add_scaling(graph, y, -1, 0, false);
    struct value first, second;
    if (y < 0 || !align(graph, &first, &second, x, y))
        return GRAPH_FAILED;
    if (operation == GRAPH_MULTIPLY)
        return multiply(graph, &first, &second);
    return value_like(graph, add_pair(graph, NODE_ADD, first.tensor, second.tensor), &first);
}
