#include "exchange/onnx_graph.h"

#include <stdio.h>
#include <string.h>

struct layer_name onnx_part(const struct onnx_graph *graph, int node, const char *part)
{
    return layer_name(&graph->model->net, node, part);
}

const char *onnx_named(struct onnx_graph *graph, int tensor, enum onnx_form form, const char *part)
{
    struct layer_name *name = &graph->names[tensor][form];
    if (form == ONNX_FLAT && tensor == graph->logits)
        strcpy(name->text, "logits");
    else if (tensor == 0)
        snprintf(name->text, sizeof name->text, "normalised%s%s", *part ? "." : "", part);
    else
        *name = onnx_part(graph, tensor - 1, part);
    return name->text;
}

const char *onnx_makes(struct onnx_graph *graph, int node, enum onnx_form form)
{
    graph->form[node + 1] = form;
    return onnx_named(graph, node + 1, form, "");
}

const char *onnx_reads(struct onnx_graph *graph, int tensor, enum onnx_form form)
{
    struct protobuf *out = graph->out;
    tensor = graph->source[tensor];
    const char *there = graph->names[tensor][form].text;
    if (*there)
        return there;
    const char *other = graph->names[tensor][form == ONNX_FLAT ? ONNX_IMAGE : ONNX_FLAT].text;
    if (form == ONNX_FLAT) {
        onnx_put_node(out, "Flatten", onnx_named(graph, tensor, ONNX_FLAT, "flat"), ONNX_INPUTS(other));
    } else {
        const struct layer_name axes = onnx_part(graph, tensor - 1, "axes");
        onnx_put_ints(out, axes.text, (int[]){2, 3}, 2);
        onnx_put_node(out, "Unsqueeze", onnx_named(graph, tensor, ONNX_IMAGE, "image"), ONNX_INPUTS(other, axes.text));
    }
    return there;
}

struct layer_name onnx_put_scalar(struct onnx_graph *graph, int node, const char *part, float x)
{
    const struct layer_name name = onnx_part(graph, node, part);
    onnx_put_floats(graph->out, name.text, 0, NULL, &x);
    return name;
}
