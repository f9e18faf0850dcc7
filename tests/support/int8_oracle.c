#include "support/int8_oracle.h"

#include "support/nets.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

uint8_t *int8_model_of(size_t *size, const struct net *net, struct random *random)
{
    struct model model = {.net = *net,
                          .type = WEIGHTS_QUANTIZED,
                          .preprocess = {.mean = {0.5f, 0.4375f, 0.40625f}, .std = {0.25f, 0.21875f, 0.3f}},
                          .temperature = 1,
                          .notes = "name: integer\n",
                          .notes_length = 14};
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_BATCHNORM)
            model.net.nodes[i] = (struct node){.kind = NODE_DEPTHWISE,
                                               .input = {net->nodes[i].input[0], 0},
                                               .kernel_h = 1,
                                               .kernel_w = 1,
                                               .stride = 1,
                                               .bias = true};
    CHECK_EQUAL(net_check(&model.net, NULL), STATUS_OK);
    uint8_t *labels = test_bytes((size_t)net_classes(net)); /* all empty */
    memset(labels, 0, (size_t)net_classes(net));
    model.labels = labels;

    const float *parameters = nets_parameters(&model.net, random);
    struct fixture fixture;
    fixture_open(&fixture, &model.net, parameters, 1, NET_TRAIN);
    test_fill(fixture.run.tensor[0], shape_count(net->input), random);
    for (size_t k = 0; k < shape_count(net->input); k++)
        fixture.run.tensor[0][k] *= 2;
    float scale[LIMIT_NODES + 1];
    for (int i = 0; i < net->node_count; i++)
        model.scale[i] = int8_has_scale(model.net.nodes[i].kind) ? 1 : 0;
    for (int i = 0; i < net->node_count; i++) {
        net_forward_node(&fixture.run, i, 1);
        if (model.scale[i] == 0)
            continue;
        float largest = 0;
        for (size_t k = 0; k < shape_count(model.net.shapes[i + 1]); k++)
            largest = fmaxf(largest, fabsf(fixture.run.tensor[i + 1][k]));
        int8_scales(scale, &model.net, model.scale, &model.preprocess);
        const struct node *node = &model.net.nodes[i];
        const float in = fmaxf(scale[node->input[0]], kind_traits[node->kind].inputs > 1 ? scale[node->input[1]] : 0);
        model.scale[i] = fmaxf(2 * largest / (float)ACTIVATION_MAX, in / 4);
    }
    *size = model_size(&model);
    uint8_t *bytes = test_bytes(*size);
    model_write(bytes, &model, parameters);
    return bytes;
}

static int64_t rounded(double x) { return (int64_t)(x < 0 ? ceil(x - 0.5) : floor(x + 0.5)); }

static int bounded(double x)
{
    return (int)(x < -ACTIVATION_MAX          ? -ACTIVATION_MAX
                 : x > (double)ACTIVATION_MAX ? (double)ACTIVATION_MAX
                                              : (double)rounded(x));
}

static int shifted(int64_t x, int bits)
{
    const int64_t y = (x + ((int64_t)1 << (bits - 1))) >> bits;
    return (int)(y < -ACTIVATION_MAX ? -ACTIVATION_MAX : y > ACTIVATION_MAX ? ACTIVATION_MAX : y);
}

/* conv2d, depthwise, dense and pools at one position of the output; stored->values is NULL for pools. */
static int window_at(const struct model *model, int i, const struct int8_weights *stored, const int *in, int y, int x,
                     int o, const float *scale)
{
    const struct node *node = &model->net.nodes[i];
    const struct window w = net_window(&model->net, i);
    const bool depthwise = kind_traits[node->kind].per_channel, weights = stored->values != NULL;
    const double from = (double)scale[node->input[0]], to = (double)scale[i + 1];
    int64_t sum = 0, count = 0, largest = -ACTIVATION_MAX;
    for (int ky = 0; ky < w.kernel_h; ky++)
        for (int kx = 0; kx < w.kernel_w; kx++) {
            const int iy = y * w.stride - w.pad_top + ky, ix = x * w.stride - w.pad_left + kx;
            if (iy < 0 || iy >= w.in.h || ix < 0 || ix >= w.in.w)
                continue;
            const int *pixel = in + (iy * w.in.w + ix) * w.in.c;
            const int tap = (ky * w.kernel_w + kx) * w.in.c;
            count++;
            if (!weights || depthwise) {
                sum += pixel[o] * (depthwise ? stored->values[tap + o] : 1);
                largest = pixel[o] > largest ? pixel[o] : largest;
            } else {
                for (int c = 0; c < w.in.c; c++)
                    sum += pixel[c] * stored->values[(tap + c) * w.out.c + o];
            }
        }
    if (weights) {
        const double unit = from * (double)stored->scale[o];
        const int64_t bias = stored->bias ? rounded((double)stored->bias[o] / unit) : 0;
        return shifted((sum + bias) * rounded(unit / to * (1 << INT8_FRACTION)), INT8_FRACTION);
    }
    return node->kind == NODE_MAXPOOL
               ? (int)largest
               : shifted(sum * rounded(from / to / (double)(w.count_padding ? w.kernel_h * w.kernel_w : count) *
                                       (1 << INT8_FRACTION)),
                         INT8_FRACTION);
}

static int64_t rescaling(float from, float to) { return rounded((double)from / (double)to * (1 << INT8_ADD_FRACTION)); }

static int clamped(int x, double ceiling)
{
    const int max = bounded(ceiling);
    return x < 0 ? 0 : x > max ? max : x;
}

/* Channel k of a pixel of both inputs. */
static int concat_at(const int *in, const int *second, int pixel, int k, const struct net *net, int i,
                     const float *scale)
{
    const int *input = net->nodes[i].input, c = net->shapes[input[0]].c, second_c = net->shapes[input[1]].c;
    const int x = k < c ? in[pixel * c + k] : second[pixel * second_c + k - c];
    return shifted(x * rescaling(scale[input[k >= c]], scale[i + 1]), INT8_ADD_FRACTION);
}

/* Of slice and shuffle: the input's channel that is channel k of the output. */
static int moved(const struct node *node, int k, int c)
{
    return node->groups ? k % node->groups * (c / node->groups) + k / node->groups : node->first + k;
}

static int table_at(const struct node *node, int number, float in, float out)
{
    float x = (float)number * in;
    net_activate(node, &x, &x, 1);
    return bounded((double)x / (double)out);
}

void int8_oracle(float *logits, const struct model *model, const uint8_t *pixels)
{
    const struct net *net = &model->net;
    float scale[LIMIT_NODES + 1];
    CHECK(int8_scales(scale, net, model->scale, &model->preprocess));
    int *tensor[LIMIT_NODES + 1];
    for (int t = 0; t <= net->node_count; t++)
        tensor[t] = test_bytes(shape_count(net->shapes[t]) * sizeof(int));
    float *normalised = test_floats(shape_count(net->input));
    image_normalise(normalised, pixels, net->input, &model->preprocess);
    for (size_t k = 0; k < shape_count(net->input); k++)
        tensor[0][k] = bounded((double)normalised[k] / (double)scale[0]);
    float *numbers = test_floats(2 * LIMIT_CHANNELS);

    for (int i = 0; i + 1 < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const struct shape shape = net->shapes[i + 1];
        const int c = net->shapes[node->input[0]].c, *in = tensor[node->input[0]], *second = tensor[node->input[1]];
        const float from = scale[node->input[0]], other = scale[node->input[1]], to = scale[i + 1];
        const int repeats = kind_traits[node->kind].inputs > 1 ? (int)shape_count(net->shapes[node->input[1]]) : 1;
        struct int8_weights stored = {0};
        if (net->offset[i + 1] > net->offset[i])
            model_quantized(&stored, numbers, model, i);
        for (int k = 0; k < (int)shape_count(shape); k++) {
            int *out = &tensor[i + 1][k];
            switch (kind_traits[node->kind].int8) {
            case INT8_FORM_ALIAS: *out = in[k]; break;
            case INT8_FORM_CLAMP: *out = clamped(in[k], (double)kind_traits[node->kind].ceiling / (double)to); break;
            case INT8_FORM_ADD:
                *out = shifted(in[k] * rescaling(from, to) + second[k % repeats] * rescaling(other, to),
                               INT8_ADD_FRACTION);
                break;
            case INT8_FORM_PRODUCT:
                *out = shifted((int64_t)in[k] * second[k % repeats] *
                                   rounded((double)from * (double)other / (double)to * 0x1p32),
                               32);
                break;
            case INT8_FORM_CONCAT: *out = concat_at(in, second, k / shape.c, k % shape.c, net, i, scale); break;
            case INT8_FORM_MOVE: *out = in[k / shape.c * c + moved(node, k % shape.c, shape.c)]; break;
            case INT8_FORM_TABLE:
            case INT8_FORM_UNIT: *out = table_at(node, in[k], from, to); break;
            case INT8_FORM_LAYER:
            case INT8_FORM_MEAN:
            case INT8_FORM_MAX:
                *out =
                    window_at(model, i, &stored, in, k / shape.c / shape.w, k / shape.c % shape.w, k % shape.c, scale);
                break;
            case INT8_FORM_NONE:
            case INT8_FORM_FOLDED:
            case INT8_FORM_OUTPUT: test_fail(__FILE__, __LINE__, "%s has no int8 form", kind_names[node->kind]);
            }
        }
    }
    const int end = net->nodes[net->node_count - 1].input[0];
    for (int k = 0; k < net_classes(net); k++)
        logits[k] = (float)tensor[end][k] * scale[end];
}
