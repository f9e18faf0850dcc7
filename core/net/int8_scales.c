#include "net/int8_factors.h"
#include "net/net_int8.h"

enum int8_form int8_form_of(const struct node *node)
{
    const bool plain = !node_has_weights(node->kind) || (node->dilation <= 1 && node->groups <= 1);
    return plain ? kind_traits[node->kind].int8 : INT8_FORM_NONE;
}

bool int8_has_scale(enum node_kind kind)
{
    const enum int8_form form = kind_traits[kind].int8;
    return form == INT8_FORM_LAYER || form == INT8_FORM_ADD || form == INT8_FORM_PRODUCT || form == INT8_FORM_CONCAT ||
           form == INT8_FORM_MEAN;
}

float int8_normalised(int byte, int c, const struct preprocess *preprocess)
{
    uint8_t pixel[3] = {(uint8_t)byte, (uint8_t)byte, (uint8_t)byte};
    float out[3];
    image_normalise(out, pixel, (struct shape){1, 1, 3}, preprocess);
    return out[c];
}

/* 0: a layer of this kind has no int8 form. */
static float scale_of(const struct node *node, float in, float own)
{
    switch (int8_form_of(node)) {
    case INT8_FORM_LAYER:
    case INT8_FORM_ADD:
    case INT8_FORM_PRODUCT:
    case INT8_FORM_CONCAT:
    case INT8_FORM_MEAN: return own;
    case INT8_FORM_UNIT: return 1.0f / (float)ACTIVATION_MAX;
    case INT8_FORM_ALIAS: return kind_traits[node->kind].setting == SETTING_FACTOR ? in * node->rate : in;
    case INT8_FORM_MAX:
    case INT8_FORM_MOVE:
    case INT8_FORM_CLAMP:
    case INT8_FORM_TABLE:
    case INT8_FORM_OUTPUT: return in;
    case INT8_FORM_FOLDED:
    case INT8_FORM_NONE: return 0;
    }
    return 0;
}

bool int8_scales(float scale[LIMIT_NODES + 1], const struct net *net, const float *own,
                 const struct preprocess *preprocess)
{
    float largest = 0;
    for (int c = 0; c < net->input.c; c++)
        for (int end = 0; end <= 255; end += 255) { /* it is linear between */
            const float x = int8_normalised(end, c, preprocess), size = x < 0 ? -x : x;
            largest = size > largest ? size : largest;
        }
    scale[0] = largest / (float)ACTIVATION_MAX;
    bool valid = int8_positive(scale[0]);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        scale[i + 1] = scale_of(node, scale[node->input[0]], own[i]);
        valid = valid && int8_positive(scale[i + 1]);
    }
    return valid;
}

enum {
    /* The kernels hold 4 times a sum (int8_winograd.h) and 4 times a factor (pack_weights) in an int32_t: both stay
     * below 2^31 / 4. */
    SUM_LIMIT = 1 << 29,
    FACTOR_LIMIT = 1 << 29,
    /* Rounding takes a weight below half a step to 0 and adds at most half a step to another: the sum grows to twice
     * itself at most. */
    WANTED_SUM_LIMIT = SUM_LIMIT / 2,
    /* A factor of at least 2^10 is rounded by at most 2^-11 of itself, which is the step of an activation that is
     * ACTIVATION_MAX. */
    WANTED_FACTOR = 1 << 10,
    /* Of means: 2047 * ratio * 2^INT8_FRACTION, the largest sum times its factor, stays below 2^51, exact in 64 bits
     * and in double. */
    MEAN_RATIO_LIMIT = 1 << 10
};

bool int8_channel_of(struct int8_channel *channel, float in, float weight, float out, float bias, uint64_t absolute_sum)
{
    const double unit = (double)in * (double)weight, factor = unit / (double)out * (1 << INT8_FRACTION);
    const double start = (double)bias / unit, largest = (double)absolute_sum * (double)ACTIVATION_MAX;
    if (!(weight > 0 && factor >= 0.5 && factor < (double)FACTOR_LIMIT && start > -SUM_LIMIT &&
          start < (double)SUM_LIMIT))
        return false;
    *channel = (struct int8_channel){(int32_t)int8_nearest(start), (int32_t)int8_nearest(factor)};
    return largest + (start < 0 ? -start : start) + 1 < (double)SUM_LIMIT && channel->factor < FACTOR_LIMIT;
}

float int8_min_scale(float in, float out, double absolute_sum, float bias)
{
    const double unit = (double)in,
                 largest = absolute_sum * (double)ACTIVATION_MAX + (double)(bias < 0 ? -bias : bias) / unit;
    const double for_sums = largest / (double)WANTED_SUM_LIMIT,
                 for_factor = (double)out / unit / ((1 << INT8_FRACTION) / WANTED_FACTOR);
    return (float)(for_sums > for_factor ? for_sums : for_factor);
}

bool int8_scales_fit(const struct net *net, int node, const float scale[LIMIT_NODES + 1])
{
    const struct node *of = &net->nodes[node];
    const float first = scale[of->input[0]], second = scale[of->input[1]], out = scale[node + 1];
    if (int8_form_of(of) == INT8_FORM_ADD || int8_form_of(of) == INT8_FORM_CONCAT)
        return int8_add_factor(first, out) <= INT16_MAX && int8_add_factor(second, out) <= INT16_MAX;
    if (int8_form_of(of) == INT8_FORM_PRODUCT)
        return int8_product_factor(first, second, out) >= 0.5 && int8_product_factor(first, second, out) < INT32_MAX;
    return int8_form_of(of) != INT8_FORM_MEAN || (double)first / (double)out < (double)MEAN_RATIO_LIMIT;
}
