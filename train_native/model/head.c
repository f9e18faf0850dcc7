#include "model/head.h"

static int producer(const struct net *net, int node) { return net->nodes[node].input[0] - 1; }

static bool is_vector(struct shape shape) { return shape.h == 1 && shape.w == 1; }

/* Of one pixel each, where a convolution of 1x1 is a dense layer by another name. */
static bool is_dense(const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    return of->kind == NODE_DENSE ||
           (of->kind == NODE_CONV2D && of->kernel_h == 1 && of->kernel_w == 1 && of->groups == 1 &&
            is_vector(net->shapes[of->input[0]]) && is_vector(net->shapes[node + 1]));
}

/* A tensor of one pixel becomes another one, of the same or fewer numbers, by what has no weights. */
static bool passes_vector(const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    return kind_traits[of->kind].inputs == 1 && kind_traits[of->kind].parameters != PARAMETERS_WEIGHTS &&
           is_vector(net->shapes[of->input[0]]) && net->consumers[of->input[0]] - (net->embedding == of->input[0]) == 1;
}

/* Whether a layer with weights stands among the first nodes. */
static bool has_weights(const struct net *net, int nodes)
{
    for (int i = 0; i < nodes; i++)
        if (node_has_weights(net->nodes[i].kind))
            return true;
    return false;
}

/* The first of the dense layers that end in `last`, with nothing but what passes vectors between them. */
static int first_dense(const struct net *net, int last)
{
    int first = last;
    for (int i = producer(net, last); i >= 0; i = producer(net, i)) {
        const int readers = net->consumers[i + 1] - (net->embedding == i + 1);
        if (readers > 1 || !(is_dense(net, i) || passes_vector(net, i)))
            break;
        if (is_dense(net, i))
            first = i;
    }
    return has_weights(net, first) ? first : last;
}

/* Whether each layer behind a node reads the one before it alone. */
static bool ends_in_chain(const struct net *net, int node)
{
    for (int i = node + 1; i < net->node_count; i++)
        if (producer(net, i) != i - 1 || kind_traits[net->nodes[i].kind].inputs != 1)
            return false;
    return true;
}

/* Whether a convolution gives a map of class scores, which is pooled to the logits. */
static bool scores_map(const struct net *net, int conv)
{
    const struct node *of = &net->nodes[conv];
    if (of->kind != NODE_CONV2D || of->kernel_h != 1 || of->kernel_w != 1 || of->stride != 1 || of->groups != 1 ||
        node_has_padding(of) || is_vector(net->shapes[conv + 1]) || net->shapes[conv + 1].c != net_classes(net))
        return false;
    for (int i = conv + 1; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_FLATTEN && !is_vector(net->shapes[i]))
            return false;
    return has_weights(net, conv);
}

struct head head_find(const struct net *net)
{
    const int last = net_head(net);
    const bool chain = ends_in_chain(net, last);
    if (chain && scores_map(net, last))
        return (struct head){last, last, net->nodes[last].input[0], true};
    const int first = chain && is_dense(net, last) ? first_dense(net, last) : last;
    return (struct head){first, last, net->nodes[first].input[0], false};
}

int head_features(const struct net *net, const struct head *head)
{
    const struct shape shape = net->shapes[head->features];
    return head->pooled ? shape.c : (int)shape_count(shape);
}

/* A mean, a dense layer, a scale and the softmax in the place of the nodes from head->trunk on. */
static int build(struct net *net, const struct head *head, int classes)
{
    float scale = 1;
    for (int i = head->last + 1; i < net->node_count; i++)
        scale *= net->nodes[i].kind == NODE_SCALE ? net->nodes[i].rate : 1;
    int count = head->trunk, tensor = head->features;
    if (head->pooled) {
        net->nodes[count++] = (struct node){.kind = NODE_GLOBAL_AVGPOOL, .input = {tensor}};
        tensor = count;
    }
    const int dense = count;
    net->nodes[count++] = (struct node){.kind = NODE_DENSE, .input = {tensor}, .channels = classes, .bias = true};
    if (kind_accepts_rate(NODE_SCALE, scale) && scale != 1) {
        net->nodes[count] = (struct node){.kind = NODE_SCALE, .input = {count}, .rate = scale};
        count++;
    }
    net->nodes[count] = (struct node){.kind = NODE_SOFTMAX, .input = {count}};
    net->node_count = count + 1;
    if (net->embedding > head->features)
        net->embedding = tensor;
    return dense;
}

int head_replace(struct net *net, const struct head *head, int classes)
{
    struct node *last = &net->nodes[head->last];
    const bool vector = is_dense(net, head->last) && ends_in_chain(net, head->last);
    if (head->pooled || (vector && (head->trunk < head->last || last->kind == NODE_CONV2D)))
        return build(net, head, classes);
    if (last->kind != NODE_DENSE && last->kind != NODE_CONV2D)
        return -1;
    last->channels = classes;
    last->bias = true; /* it may have gone with the folding, or never been */
    return head->last;
}
