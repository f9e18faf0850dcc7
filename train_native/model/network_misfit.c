#include "model/network_misfit.h"

#include "cli/text.h"

static void misfit_of_window(struct words *words, int column, const struct node *node, struct shape in)
{
    if (!node_has_window(node->kind))
        return;
    const int dilation = node->dilation ? node->dilation : 1, *p = node->padding;
    const int h = window_reach(node->kernel_h, dilation), w = window_reach(node->kernel_w, dilation);
    if (p[PADDING_TOP] >= h || p[PADDING_BOTTOM] >= h || p[PADDING_LEFT] >= w || p[PADDING_RIGHT] >= w)
        words_mistake(words, column, "the padding is not less than the window, %dx%d", h, w);
    if (h > in.h + p[PADDING_TOP] + p[PADDING_BOTTOM] || w > in.w + p[PADDING_LEFT] + p[PADDING_RIGHT])
        words_mistake(words, column,
                      "the %dx%d window is larger than its input, %dx%d: use `same`, fewer layers or larger images", h,
                      w, in.h, in.w);
}

static void misfit_of_channels(struct words *words, int column, const struct node *node, struct shape in)
{
    if (node->groups && node->channels && (in.c % node->groups || node->channels % node->groups))
        words_mistake(words, column, "%d groups do not divide %d channels before and %d behind", node->groups, in.c,
                      node->channels);
    if (node->groups && in.c % node->groups)
        words_mistake(words, column, "%d groups do not divide %d channels", node->groups, in.c);
    if (kind_traits[node->kind].shape == SHAPE_PART && node->first + node->channels > in.c)
        words_mistake(words, column, "channels %d to %d of an input that has %d (from 0 on)", node->first,
                      node->first + node->channels - 1, in.c);
}

/* The first mistake of these that it has counts. */
void network_misfit(struct words *words, int column, const struct net *net, int failed, enum status status)
{
    const struct node *node = &net->nodes[failed];
    const enum kind_shape shape = kind_traits[node->kind].shape;
    const struct shape in = net->shapes[node->input[0]];
    const bool last = failed == net->node_count - 1;
    if (status == STATUS_LIMIT)
        words_mistake(words, column,
                      "the network grows too large here (at most %s parameters, %s numbers in a layer's output)",
                      format_thousands(LIMIT_PARAMETERS), format_thousands(LIMIT_ACTIVATIONS));
    if (last && node->kind != NODE_SOFTMAX)
        words_mistake(words, column, "expected the last layer to end in softmax, like `dense classes softmax`");
    if (!last && node->kind == NODE_SOFTMAX)
        words_mistake(words, column, "expected softmax only at the end of the last layer");
    if ((shape == SHAPE_UNITS || shape == SHAPE_VECTOR) && (in.h > 1 || in.w > 1))
        words_mistake(words, column, "%s needs a flat input, got %dx%dx%d: put `flatten` or `global_avgpool` before it",
                      kind_names[node->kind], in.h, in.w, in.c);
    misfit_of_channels(words, column, node, in);
    misfit_of_window(words, column, node, in);
    if (kind_traits[node->kind].inputs > 1) {
        const struct shape second = net->shapes[node->input[1]];
        words_mistake(words, column, "%s needs two inputs of one %s, got %dx%dx%d and %dx%dx%d", kind_names[node->kind],
                      shape == SHAPE_JOINED               ? "height and width"
                      : kind_traits[node->kind].broadcast ? "shape, or the second of one pixel"
                                                          : "shape",
                      in.h, in.w, in.c, second.h, second.w, second.c);
    }
    words_mistake(words, column, "nothing reads the output of this layer");
}
