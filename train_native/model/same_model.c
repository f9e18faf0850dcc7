#include "model/same_model.h"

#include "model/layer_name.h"
#include "model/model_file.h"
#include "net/model_fields.h"

#include <stdlib.h>
#include <string.h>

static bool same_labels(const struct named_model *a, const struct named_model *b, struct failure *failure)
{
    static const char hint[] = "Train all from one model, on its labels.";
    const int classes = net_classes(&a->model->net), others = net_classes(&b->model->net);
    if (classes != others)
        return failure_set(failure, a->path, hint, "it has %d classes, %s %d", classes, b->path, others);
    bool same = true;
    for (int i = 0; i < classes && same; i++) {
        char *own = model_file_label(a->model, i), *other = model_file_label(b->model, i);
        same = strcmp(own, other) == 0 ||
               failure_set(failure, a->path, hint, "its class %d is \"%s\", that of %s \"%s\"", i, own, b->path, other);
        free(own);
        free(other);
    }
    return same;
}

static bool same_floats(const float *a, const float *b, int count)
{
    for (int i = 0; i < count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool same_preprocessing(const struct named_model *a, const struct named_model *b, struct failure *failure)
{
    const struct preprocess *own = &a->model->preprocess, *other = &b->model->preprocess;
    const char *differs = own->resize_mode != other->resize_mode                               ? "resize mode"
                          : own->filter != other->filter                                       ? "resize filter"
                          : own->shorter_side != other->shorter_side                           ? "shorter side"
                          : own->order != other->order                                         ? "channel order"
                          : memcmp(own->background, other->background, sizeof own->background) ? "background"
                          : !same_floats(own->mean, other->mean, 3)                            ? "mean"
                          : !same_floats(own->std, other->std, 3)                              ? "standard deviation"
                                                                                               : NULL;
    return !differs ||
           failure_set(failure, a->path, "Train all from one model.",
                       "its preprocessing is another one than that of %s: the %s differs", b->path, differs);
}

static bool same_node(const struct node *a, const struct node *b)
{
    uint8_t own[MODEL_NODE_BYTES] = {0}, other[MODEL_NODE_BYTES] = {0};
    fields_write(own, a, model_node);
    fields_write(other, b, model_node);
    return memcmp(own, other, sizeof own) == 0;
}

static bool same_network(const struct named_model *a, const struct named_model *b, struct failure *failure)
{
    static const char hint[] = "Average what was trained from one and the same model.";
    const struct net *own = &a->model->net, *other = &b->model->net;
    const struct shape in = own->input, other_in = other->input;
    if (in.h != other_in.h || in.w != other_in.w || in.c != other_in.c)
        return failure_set(failure, a->path, hint, "its input is %dx%dx%d, that of %s %dx%dx%d", in.h, in.w, in.c,
                           b->path, other_in.h, other_in.w, other_in.c);
    if (own->node_count != other->node_count)
        return failure_set(failure, a->path, hint, "it is another architecture: it has %d layers, %s %d",
                           own->node_count, b->path, other->node_count);
    for (int i = 0; i < own->node_count; i++)
        if (!same_node(&own->nodes[i], &other->nodes[i]))
            return failure_set(failure, a->path, hint,
                               "it is another architecture: layer %d, %s, differs from that of %s", i + 1,
                               layer_name(own, i, "").text, b->path);
    if (own->embedding != other->embedding)
        return failure_set(failure, a->path, hint, "its embedding is tensor %d, that of %s tensor %d", own->embedding,
                           b->path, other->embedding);
    return true;
}

bool same_model(const struct named_model *model, const struct named_model *other, struct failure *failure)
{
    return same_labels(model, other, failure) && same_preprocessing(model, other, failure) &&
           same_network(model, other, failure);
}
