#include "support/oracle.h"

#include "kernels/batchnorm.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static size_t at(struct shape shape, int image, int y, int x, int c)
{
    return (((size_t)image * (size_t)shape.h + (size_t)y) * (size_t)shape.w + (size_t)x) * (size_t)shape.c + (size_t)c;
}

static bool inside(struct shape shape, int y, int x) { return y >= 0 && y < shape.h && x >= 0 && x < shape.w; }

#define FOR(i, count) for (int i = 0; i < (count); i++)

static size_t weight_at(const struct window *window, int ky, int kx, int c, int o)
{
    const size_t inputs = (size_t)(window->in.c / window->groups);
    return ((size_t)(ky * window->kernel_w + kx) * inputs + (size_t)c) * (size_t)window->out.c + (size_t)o;
}

/* The first input channel of the group of output channel o. */
static int first_of(const struct window *window, int o)
{
    return o / (window->out.c / window->groups) * (window->in.c / window->groups);
}

void oracle_conv(double *out, const double *in, const double *weights, const double *bias, int n,
                 const struct window *window)
{
    const struct shape from = window->in, to = window->out;
    FOR(image, n) FOR(y, to.h) FOR(x, to.w) FOR(o, to.c)
    {
        double sum = bias ? bias[o] : 0;
        FOR(ky, window->kernel_h) FOR(kx, window->kernel_w) FOR(c, from.c / window->groups)
        {
            const int iy = y * window->stride + ky * window->dilation - window->pad_top;
            const int ix = x * window->stride + kx * window->dilation - window->pad_left;
            if (inside(from, iy, ix))
                sum += in[at(from, image, iy, ix, first_of(window, o) + c)] * weights[weight_at(window, ky, kx, c, o)];
        }
        out[at(to, image, y, x, o)] = sum;
    }
}

void oracle_conv_backward(double *din, double *dweights, const double *dout, const double *in, const double *weights,
                          int n, const struct window *window)
{
    const struct shape from = window->in, to = window->out;
    memset(din, 0, (size_t)n * shape_count(from) * sizeof *din);
    memset(dweights, 0, weight_at(window, window->kernel_h, 0, 0, 0) * sizeof *dweights);
    FOR(image, n) FOR(y, to.h) FOR(x, to.w) FOR(o, to.c)
    {
        const double d = dout[at(to, image, y, x, o)];
        FOR(ky, window->kernel_h) FOR(kx, window->kernel_w) FOR(c, from.c / window->groups)
        {
            const int iy = y * window->stride + ky * window->dilation - window->pad_top;
            const int ix = x * window->stride + kx * window->dilation - window->pad_left;
            if (inside(from, iy, ix)) {
                din[at(from, image, iy, ix, first_of(window, o) + c)] += d * weights[weight_at(window, ky, kx, c, o)];
                dweights[weight_at(window, ky, kx, c, o)] += d * in[at(from, image, iy, ix, first_of(window, o) + c)];
            }
        }
    }
}

static void pool(double *out, const double *in, int n, const struct window *window, bool mean)
{
    const struct shape from = window->in, to = window->out;
    FOR(image, n) FOR(y, to.h) FOR(x, to.w) FOR(c, to.c)
    {
        double sum = 0, largest = -INFINITY;
        int count = 0;
        FOR(ky, window->kernel_h) FOR(kx, window->kernel_w)
        {
            const int iy = y * window->stride + ky - window->pad_top, ix = x * window->stride + kx - window->pad_left;
            if (inside(from, iy, ix)) {
                const double value = in[at(from, image, iy, ix, c)];
                sum += value;
                largest = fmax(largest, value);
                count++;
            }
        }
        out[at(to, image, y, x, c)] =
            mean ? sum / (window->count_padding ? window->kernel_h * window->kernel_w : count) : largest;
    }
}

void oracle_maxpool(double *out, const double *in, int n, const struct window *window)
{
    pool(out, in, n, window, false);
}

void oracle_avgpool(double *out, const double *in, int n, const struct window *window)
{
    pool(out, in, n, window, true);
}

void oracle_depthwise(double *out, const double *in, const double *weights, const double *bias, int n,
                      const struct window *window)
{
    const struct shape from = window->in, to = window->out;
    FOR(image, n) FOR(y, to.h) FOR(x, to.w) FOR(c, to.c)
    {
        double sum = bias ? bias[c] : 0;
        FOR(ky, window->kernel_h) FOR(kx, window->kernel_w)
        {
            const int iy = y * window->stride + ky - window->pad_top, ix = x * window->stride + kx - window->pad_left;
            if (inside(from, iy, ix))
                sum += in[at(from, image, iy, ix, c)] * weights[(ky * window->kernel_w + kx) * to.c + c];
        }
        out[at(to, image, y, x, c)] = sum;
    }
}

void oracle_batchnorm_train(double *out, double *mean, double *variance, const double *in, const double *scale,
                            const double *shift, int rows, int c)
{
    FOR(k, c)
    {
        double m = 0, v = 0;
        FOR(i, rows) m += in[(size_t)i * (size_t)c + (size_t)k] / rows;
        FOR(i, rows) v += pow(in[(size_t)i * (size_t)c + (size_t)k] - m, 2) / rows;
        FOR(i, rows)
        {
            const size_t element = (size_t)i * (size_t)c + (size_t)k;
            out[element] = (in[element] - m) / sqrt(v + (double)BATCHNORM_EPSILON) * scale[k] + shift[k];
        }
        if (mean)
            mean[k] = m;
        if (variance)
            variance[k] = v;
    }
}

void oracle_batchnorm_infer(double *out, const double *in, const double *scale, const double *shift, const double *mean,
                            const double *variance, int rows, int c)
{
    FOR(i, rows) FOR(k, c)
    {
        const size_t element = (size_t)i * (size_t)c + (size_t)k;
        out[element] = (in[element] - mean[k]) / sqrt(variance[k] + (double)BATCHNORM_EPSILON) * scale[k] + shift[k];
    }
}

static double activation(double x, const struct node *node)
{
    const double slope = (double)node->rate;
    switch (node->kind) {
    case NODE_RELU: return fmax(x, 0);
    case NODE_RELU6: return fmin(fmax(x, 0), 6);
    case NODE_SIGMOID: return 1 / (1 + exp(-x));
    case NODE_TANH: return tanh(x);
    case NODE_GELU:
        return x /
               (1 + exp(-2 * sqrt(2 / acos(-1)) * (x + 0.044715 * pow(x, 3)))); /* in its tanh form, with all digits */
    case NODE_HARDSWISH: return x * fmin(fmax(x + 3, 0), 6) / 6;
    case NODE_SILU: return x / (1 + exp(-x));
    case NODE_HARDSIGMOID: return fmin(fmax(x / 6 + 0.5, 0), 1);
    case NODE_LEAKY_RELU: return x < 0 ? slope * x : x;
    case NODE_CONV2D:
    case NODE_MAXPOOL:
    case NODE_AVGPOOL:
    case NODE_GLOBAL_AVGPOOL:
    case NODE_FLATTEN:
    case NODE_DENSE:
    case NODE_BATCHNORM:
    case NODE_DROPOUT:
    case NODE_ADD:
    case NODE_SOFTMAX:
    case NODE_SCALE:
    case NODE_DEPTHWISE:
    case NODE_PRELU:
    case NODE_MULTIPLY:
    case NODE_CONCAT:
    case NODE_SLICE:
    case NODE_SHUFFLE: break;
    }
    test_fail(__FILE__, __LINE__, "%s is no activation", kind_names[node->kind]);
    return 0;
}

void oracle_activate(const struct node *node, double *out, const double *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = activation(in[i], node);
}

void oracle_activation(double *out, const double *in, enum node_kind kind, size_t count)
{
    oracle_activate(&(struct node){.kind = kind}, out, in, count);
}

void oracle_softmax(double *out, const double *in, double temperature, int n, int c)
{
    FOR(i, n)
    {
        const size_t row = (size_t)i * (size_t)c;
        double sum = 0, largest = -INFINITY;
        FOR(k, c) largest = fmax(largest, in[row + (size_t)k]);
        FOR(k, c) sum += exp((in[row + (size_t)k] - largest) / temperature);
        FOR(k, c) out[row + (size_t)k] = exp((in[row + (size_t)k] - largest) / temperature) / sum;
    }
}

double oracle_cross_entropy(const double *logits, const struct target *targets, double smoothing, int n, int c)
{
    double loss = 0;
    FOR(i, n)
    {
        double sum = 0, largest = -INFINITY;
        FOR(k, c) largest = fmax(largest, logits[i * c + k]);
        FOR(k, c) sum += exp(logits[i * c + k] - largest);
        FOR(k, c)
        {
            const double fraction = (double)targets[i].fraction;
            const double mixed = (k == targets[i].label) * (1 - fraction) + (k == targets[i].other) * fraction;
            const double target = smoothing / c + (1 - smoothing) * mixed;
            loss -= (double)targets[i].weight * target * (logits[i * c + k] - largest - log(sum));
        }
    }
    return loss;
}

void oracle_step(struct oracle_weight *w, double gradient, const struct optimizer *optimizer, int step)
{
    const double rate = (double)optimizer->learning_rate, decay = (double)optimizer->weight_decay;
    const double momentum = (double)optimizer->momentum;
    const double beta1 = (double)optimizer->beta1, beta2 = (double)optimizer->beta2;
    if (optimizer->kind != OPTIMIZER_ADAMW)
        gradient += decay * w->weight;
    if (optimizer->kind == OPTIMIZER_SGD) {
        w->first = momentum * w->first + gradient;
        w->weight -= rate * (optimizer->nesterov ? gradient + momentum * w->first : w->first);
        return;
    }
    w->first = beta1 * w->first + (1 - beta1) * gradient;
    w->second = beta2 * w->second + (1 - beta2) * gradient * gradient;
    const double mean = w->first / (1 - pow(beta1, step)), square = w->second / (1 - pow(beta2, step));
    const double before = w->weight;
    w->weight -= rate * mean / (sqrt(square) + (double)optimizer->epsilon);
    if (optimizer->kind == OPTIMIZER_ADAMW)
        w->weight -= rate * decay * before;
}

void oracle_muon(struct oracle_weight *w, const double *gradients, double rate, double momentum, int rows, int columns)
{
    const int small = rows < columns ? rows : columns, large = rows < columns ? columns : rows, count = rows * columns;
    double *x = test_doubles((size_t)count), *next = test_doubles((size_t)count); /* (small, large): turned if tall */
    double *gram = test_doubles((size_t)(small * small)), *mix = test_doubles((size_t)(small * small));
    double length = 0, weight_length = 0;
    FOR(i, count)
    {
        w[i].first = momentum * w[i].first + gradients[i];
        const double direction = gradients[i] + momentum * w[i].first;
        x[rows < columns ? i : i % columns * rows + i / columns] = direction;
        length += direction * direction;
        weight_length += w[i].weight * w[i].weight;
    }
    FOR(i, count) x[i] /= sqrt(length) + 1e-7;
    FOR(step, 3)
    {
        FOR(i, small) FOR(j, small)
        {
            gram[i * small + j] = 0;
            FOR(k, large) gram[i * small + j] += x[i * large + k] * x[j * large + k];
        }
        FOR(i, small) FOR(j, small)
        {
            double square = 0;
            FOR(k, small) square += gram[i * small + k] * gram[k * small + j];
            mix[i * small + j] = -4.7750 * gram[i * small + j] + 2.0315 * square;
        }
        FOR(i, small) FOR(j, large)
        {
            next[i * large + j] = 3.4445 * x[i * large + j];
            FOR(k, small) next[i * large + j] += mix[i * small + k] * x[k * large + j];
        }
        memcpy(x, next, (size_t)count * sizeof *x);
    }
    FOR(i, count)
    w[i].weight = w[i].weight * sqrt(columns) / sqrt(weight_length) -
                  rate * x[rows < columns ? i : i % columns * rows + i / columns];
}

/* ---- A whole net ---- */

void oracle_tensors(double *tensor[], const struct net *net, int n)
{
    for (int t = 0; t <= net->node_count; t++)
        tensor[t] = test_doubles((size_t)n * shape_count(net->shapes[t]));
}

static void dropout(double *out, const double *in, const struct net *net, int i, size_t count,
                    const struct oracle_mode *mode)
{
    const double rate = (double)net->nodes[i].rate;
    const uint64_t first = mode->first_image * shape_count(net->shapes[i + 1]);
    for (size_t k = 0; k < count; k++) {
        const uint64_t drawn = random_at(mode->dropout_seed, (uint64_t)i, first + k) >> 32;
        const bool dropped = mode->training && (double)drawn < floor(rate * 0x1p32);
        out[k] = dropped ? 0 : mode->training ? in[k] / (1 - rate) : in[k];
    }
}

/* add, multiply; a second input of one pixel is that of all. */
static void pair(double *const tensor[], const struct net *net, int i, int n)
{
    const int *input = net->nodes[i].input;
    const struct shape shape = net->shapes[i + 1], other = net->shapes[input[1]];
    FOR(image, n) FOR(y, shape.h) FOR(x, shape.w) FOR(c, shape.c)
    {
        const double first = tensor[input[0]][at(shape, image, y, x, c)];
        const double second = tensor[input[1]][at(other, image, y % other.h, x % other.w, c)];
        tensor[i + 1][at(shape, image, y, x, c)] = net->nodes[i].kind == NODE_ADD ? first + second : first * second;
    }
}

void oracle_net(double *const tensor[], const struct net *net, const double *parameters, int n, struct oracle_mode mode)
{
    oracle_net_from(tensor, net, parameters, n, mode, 0);
}

void oracle_net_from(double *const tensor[], const struct net *net, const double *parameters, int n,
                     struct oracle_mode mode, int first)
{
    for (int i = first; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const double *in = tensor[node->input[0]], *own = parameters + net->offset[i];
        double *out = tensor[i + 1];
        const struct shape shape = net->shapes[i + 1];
        const size_t count = (size_t)n * shape_count(shape), c = (size_t)shape.c;
        const struct window window = net_window(net, i);
        switch (node->kind) {
        case NODE_CONV2D:
        case NODE_DENSE: {
            const size_t weights = (size_t)(window.kernel_h * window.kernel_w * window.in.c / window.groups) * c;
            oracle_conv(out, in, own, node->bias ? own + weights : NULL, n, &window);
            break;
        }
        case NODE_DEPTHWISE:
            oracle_depthwise(out, in, own, node->bias ? own + (size_t)(window.kernel_h * window.kernel_w) * c : NULL, n,
                             &window);
            break;
        case NODE_MAXPOOL: oracle_maxpool(out, in, n, &window); break;
        case NODE_AVGPOOL:
        case NODE_GLOBAL_AVGPOOL: oracle_avgpool(out, in, n, &window); break;
        case NODE_FLATTEN: memcpy(out, in, count * sizeof *out); break;
        case NODE_BATCHNORM:
            if (mode.training)
                oracle_batchnorm_train(out, NULL, NULL, in, own, own + c, (int)(count / c), shape.c);
            else
                oracle_batchnorm_infer(out, in, own, own + c, own + 2 * c, own + 3 * c, (int)(count / c), shape.c);
            break;
        case NODE_DROPOUT: dropout(out, in, net, i, count, &mode); break;
        case NODE_ADD:
        case NODE_MULTIPLY: pair(tensor, net, i, n); break;
        case NODE_PRELU:
            for (size_t k = 0; k < count; k++)
                out[k] = in[k] < 0 ? in[k] * own[k % c] : in[k];
            break;
        case NODE_RELU:
        case NODE_RELU6:
        case NODE_SIGMOID:
        case NODE_TANH:
        case NODE_HARDSWISH:
        case NODE_SILU:
        case NODE_HARDSIGMOID:
        case NODE_LEAKY_RELU:
        case NODE_GELU: oracle_activate(node, out, in, count); break;
        case NODE_SCALE:
            for (size_t k = 0; k < count; k++)
                out[k] = in[k] * (double)node->rate;
            break;
        case NODE_CONCAT: oracle_concat(out, in, tensor[node->input[1]], count / c, window.in.c, shape.c); break;
        case NODE_SLICE: oracle_slice(out, in, count / c, node->first, shape.c, window.in.c); break;
        case NODE_SHUFFLE: oracle_shuffle(out, in, count / c, node->groups, shape.c); break;
        case NODE_SOFTMAX: oracle_softmax(out, in, mode.temperature, n, shape.c); break;
        }
    }
}
