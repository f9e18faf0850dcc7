/* Layers that compute nothing and move values. */
#include "exchange/onnx_graph.h"

/* The dense layer behind it expects the values in (h, w, c) order. */
void onnx_put_flatten(struct onnx_graph *graph, int i)
{
    const struct layer_name turned = onnx_part(graph, i, "transposed");
    const char *image = onnx_reads(graph, graph->model->net.nodes[i].input[0], ONNX_IMAGE);
    const size_t start = onnx_begin_node(graph->out, "Transpose", turned.text, ONNX_INPUTS(image));
    onnx_put_attribute_ints(graph->out, "perm", (int[]){0, 2, 3, 1}, 4);
    protobuf_end(graph->out, start);
    onnx_put_node(graph->out, "Flatten", onnx_makes(graph, i, ONNX_FLAT), ONNX_INPUTS(turned.text));
}

/* Channels are dimension 1 in both forms. */
void onnx_put_concat(struct onnx_graph *graph, int i)
{
    const struct node *node = &graph->model->net.nodes[i];
    const enum onnx_form form = graph->form[graph->source[node->input[0]]];
    const char *first = onnx_reads(graph, node->input[0], form), *second = onnx_reads(graph, node->input[1], form);
    const size_t start = onnx_begin_node(graph->out, "Concat", onnx_makes(graph, i, form), ONNX_INPUTS(first, second));
    onnx_put_attribute_int(graph->out, "axis", 1);
    protobuf_end(graph->out, start);
}

static struct layer_name put_ints(struct onnx_graph *graph, int node, const char *part, const int *x, int count)
{
    const struct layer_name name = onnx_part(graph, node, part);
    onnx_put_ints(graph->out, name.text, x, count);
    return name;
}

void onnx_put_slice(struct onnx_graph *graph, int i)
{
    const struct node *node = &graph->model->net.nodes[i];
    const enum onnx_form form = graph->form[graph->source[node->input[0]]];
    const char *in = onnx_reads(graph, node->input[0], form);
    const struct layer_name starts = put_ints(graph, i, "starts", &node->first, 1),
                            ends = put_ints(graph, i, "ends", (int[]){node->first + node->channels}, 1),
                            axes = put_ints(graph, i, "channels", (int[]){1}, 1);
    onnx_put_node(graph->out, "Slice", onnx_makes(graph, i, form), ONNX_INPUTS(in, starts.text, ends.text, axes.text));
}

/* The channels as a matrix (groups, c / groups), transposed. 0: the batch, as it is. */
void onnx_put_shuffle(struct onnx_graph *graph, int i)
{
    const struct node *node = &graph->model->net.nodes[i];
    const struct shape shape = graph->model->net.shapes[i + 1];
    const char *image = onnx_reads(graph, node->input[0], ONNX_IMAGE);
    const struct layer_name matrix = onnx_part(graph, i, "matrix"), turned = onnx_part(graph, i, "transposed");
    const struct layer_name split =
        put_ints(graph, i, "split", (int[]){0, node->groups, shape.c / node->groups, shape.h, shape.w}, 5);
    const struct layer_name joined = put_ints(graph, i, "joined", (int[]){0, shape.c, shape.h, shape.w}, 4);
    onnx_put_node(graph->out, "Reshape", matrix.text, ONNX_INPUTS(image, split.text));
    const size_t start = onnx_begin_node(graph->out, "Transpose", turned.text, ONNX_INPUTS(matrix.text));
    onnx_put_attribute_ints(graph->out, "perm", (int[]){0, 2, 1, 3, 4}, 5);
    protobuf_end(graph->out, start);
    onnx_put_node(graph->out, "Reshape", onnx_makes(graph, i, ONNX_IMAGE), ONNX_INPUTS(turned.text, joined.text));
}
