/* Reads ONNX models (onnx.ai), opset 7 and newer, as PyTorch, tf2onnx, keras2onnx, the ONNX model zoo and Eyelet write
 * them.
 *
 * onnx_decode takes the messages apart. onnx_ends finds the picture and the scores of the classes. This file
 * goes through the nodes between them in their order: onnx_fold computes what does not depend on the picture (onnx_tensor:
 * numbers), onnx_gelu finds what is GELU in disguise, onnx_operators adds layers to a graph (graph.h). onnx_metadata
 * reads labels and preprocessing. */
#include "exchange/importer.h"

#include "exchange/onnx_decode.h"
#include "exchange/onnx_ends.h"
#include "exchange/onnx_fold.h"
#include "exchange/onnx_gelu.h"
#include "exchange/onnx_metadata.h"
#include "exchange/onnx_operators.h"

#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST_OPSET = 7, DEFAULT_SIDE = 224 };

/* ---- The file ---- */

/* The file that was named, or the one in the folder. Only looked at, not read, unless it was named. */
static const char *find_file(const struct package *package)
{
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    const char *name = package_name_ending(package, ".onnx");
    /* A model begins with field 1, ir_version, a small number; then comes a text or the opsets. */
    const bool looks_like = bytes && size > 3 && bytes[0] == 0x08 && bytes[1] >= 3 && bytes[1] < 32 &&
                            (bytes[2] == 0x12 || bytes[2] == 0x3a || bytes[2] == 0x42);
    return name ? name : looks_like ? package_name(package, 0) : NULL;
}

static bool recognises(const struct package *package) { return find_file(package) != NULL; }

/* That of ONNX's own operators; 0: the file does not say. */
static int opset_of(const Onnx__Model *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (!domain || !*domain || strcmp(domain, "ai.onnx") == 0)
            return onnx_int_of(model->opset_import[i]->version);
    }
    return 0;
}

/* ---- The nodes between ---- */

enum need { NOT_NEEDED, NEEDED, IS_GELU, IS_EXACT_GELU };
struct step {
    enum need need;
    const char *root; /* of GELU: its input */
};

static void need(struct onnx_reader *reader, struct step *steps, const char *name)
{
    const struct onnx_value *value = onnx_value(reader, name);
    if (value && value->producer >= 0 && steps[value->producer].need == NOT_NEEDED)
        steps[value->producer].need = NEEDED;
}

/* Marks the nodes that lead to `scores`. The file has them in the order of evaluation, so one pass is enough. */
static void find_needed(struct onnx_reader *reader, struct step *steps, const char *scores)
{
    need(reader, steps, scores);
    for (int i = (int)reader->source->n_node - 1; i >= 0 && !graph_failed(reader->graph); i--) {
        const Onnx__Node *node = reader->source->node[i];
        if (steps[i].need == NOT_NEEDED)
            continue;
        bool exact;
        steps[i].root = onnx_gelu_input(reader, i, &exact);
        if (steps[i].root) {
            steps[i].need = exact ? IS_EXACT_GELU : IS_GELU;
            need(reader, steps, steps[i].root);
            continue;
        }
        for (size_t k = 0; k < node->n_input; k++)
            need(reader, steps, node->input[k]);
    }
}

static void read_gelu(struct onnx_reader *reader, const struct step *step)
{
    const struct onnx_value *root = onnx_value(reader, step->root);
    graph_at(reader->graph, "GELU", reader->node->name ? reader->node->name : "");
    if (step->need == IS_EXACT_GELU)
        graph_refuse(reader->graph,
                     "is in its exact form (erf), which differs from Eyelet's by up to 0.0005: export the "
                     "model with approximate='tanh'");
    else
        onnx_bind(reader, 0, graph_activation(reader->graph, root->tensor, NODE_GELU, 0), false);
}

/* Whether a node is the normalisation of Eyelet's own export: the picture less the mean, or that by the standard
 * deviation, as the metadata have them. Those stay where they are, and exact. */
static bool is_our_normalisation(struct onnx_reader *reader, const struct onnx_metadata *metadata)
{
    const bool subtracts = strcmp(reader->node->op_type, "Sub") == 0;
    if (!metadata->is_ours || (!subtracts && strcmp(reader->node->op_type, "Div") != 0) || reader->node->n_input != 2)
        return false;
    const struct onnx_value *in = onnx_value(reader, reader->node->input[0]);
    if (!in || strcmp(in->name, subtracts ? "image" : "centred") != 0 || !onnx_is_constant(reader, 1))
        return false;
    const struct onnx_constant *numbers = onnx_numbers(reader, 1, "operand");
    const struct preprocess *preprocess = &metadata->preprocess;
    if (!numbers || !numbers->floats || (numbers->count != 3 && numbers->count != 1))
        return false;
    for (size_t c = 0; c < numbers->count; c++) {
        const size_t from = preprocess->order == ORDER_BGR && numbers->count == 3 ? 2 - c : c;
        if (numbers->floats[c] != (subtracts ? preprocess->mean : preprocess->std)[from])
            return false;
    }
    return true;
}

/* Constants that onnx_gelu has asked for. */
static bool is_read(struct onnx_reader *reader, const Onnx__Node *node)
{
    const struct onnx_value *value = node->n_output ? onnx_value(reader, node->output[0]) : NULL;
    return strcmp(node->op_type, "Constant") == 0 && value && value->constant;
}

static void read_nodes(struct onnx_reader *reader, const struct onnx_metadata *metadata, const char *scores)
{
    struct step *steps = allocate(reader->source->n_node + 1, sizeof *steps);
    find_needed(reader, steps, scores);
    for (size_t i = 0; i < reader->source->n_node && !graph_failed(reader->graph); i++) {
        const Onnx__Node *node = reader->node = reader->source->node[i];
        if (steps[i].need == NOT_NEEDED || is_read(reader, node))
            continue;
        graph_at(reader->graph, node->op_type, node->name ? node->name : "");
        if (steps[i].need != NEEDED)
            read_gelu(reader, &steps[i]);
        else if (is_our_normalisation(reader, metadata))
            onnx_bind(reader, 0, onnx_identity(reader), true);
        else if (!onnx_fold(reader))
            onnx_read_operator(reader);
    }
    free(steps);
}

/* ---- All of it ---- */

/* A class more than there are labels is the background of TensorFlow's networks. Labels that do not fit are none. */
static void take_labels(struct imported *imported, const struct onnx_metadata *metadata)
{
    const int classes = net_classes(&imported->network.net), count = metadata->label_count;
    if (!count)
        return;
    const bool background = count + 1 == classes;
    if (count != classes && !background) {
        snprintf(imported->labels_from, sizeof imported->labels_from, "the metadata has %d %s for %d classes", count,
                 metadata->labels_key, classes);
        return;
    }
    imported->labels = allocate((size_t)classes, sizeof *imported->labels);
    if (background)
        imported->labels[0] = text_copy("background");
    for (int i = 0; i < count; i++)
        imported->labels[i + background] = text_copy(metadata->labels[i]);
    snprintf(imported->labels_from, sizeof imported->labels_from, "the metadata's %s", metadata->labels_key);
}

/* Nodes have operators, and names are not NULL: the rest of the reader relies on it. */
static bool check_nodes(struct onnx_reader *reader)
{
    if (reader->source->n_node > INT32_MAX / 2)
        return onnx_refuse(reader, "has %zu nodes", reader->source->n_node);
    for (size_t i = 0; i < reader->source->n_node; i++)
        if (!reader->source->node[i]->op_type)
            return onnx_refuse(reader, "its node %zu has no operator: the file is damaged", i + 1);
    return true;
}

static void read_graph(struct onnx_reader *reader, struct imported *imported, const struct onnx_metadata *metadata)
{
    graph_at(reader->graph, "graph", reader->source->name ? reader->source->name : "");
    if (reader->opset < OLDEST_OPSET) {
        graph_refuse(reader->graph, "is of opset %d: export the model again with opset %d or newer", reader->opset,
                     OLDEST_OPSET);
        return;
    }
    if (!check_nodes(reader))
        return;
    onnx_values_begin(reader);
    if (graph_failed(reader->graph))
        return;
    const char *scores = onnx_find_scores(reader, imported);
    if (scores)
        onnx_read_picture(reader, imported, metadata->side ? metadata->side : DEFAULT_SIDE);
    if (!graph_failed(reader->graph))
        read_nodes(reader, metadata, scores);
    if (graph_failed(reader->graph))
        return;
    static const char *const independent[] = {"Sigmoid", "QLinearSigmoid", NULL};
    const struct onnx_value *value = onnx_value(reader, scores);
    graph_at(reader->graph, "output", scores);
    if (onnx_type_is(onnx_producer(reader, scores), independent))
        graph_refuse(reader->graph, "ends in a sigmoid: classes that do not exclude one another, where Eyelet's do");
    else if (value->constant)
        graph_refuse(reader->graph, "does not depend on the picture");
    graph_expect_classes(reader->graph, metadata->label_count);
    graph_expect_classes(reader->graph, imported->label_count);
    if (!graph_failed(reader->graph) && graph_finish(&imported->network, reader->graph, value->tensor))
        take_labels(imported, metadata);
}

/* Names that exporters give when they know none. */
static bool is_telling(const char *name)
{
    static const char *const usual[] = {
        "torch_jit", "torch-jit-export", "main_graph", "tf2onnx", "keras2onnx", "m", "graph", NULL};
    for (const char *const *other = usual; *other; other++)
        if (strcmp(name, *other) == 0)
            return false;
    return *name != '\0';
}

static void describe(struct imported *imported, const Onnx__Model *model, const struct onnx_metadata *metadata)
{
    snprintf(imported->format, sizeof imported->format, "ONNX, opset %d", opset_of(model));
    snprintf(imported->exporter, sizeof imported->exporter, "%s%s%s", model->producer_name ? model->producer_name : "",
             model->producer_version && *model->producer_version ? " " : "",
             model->producer_version ? model->producer_version : "");
    if (model->graph->name && is_telling(model->graph->name))
        snprintf(imported->name, sizeof imported->name, "%s", model->graph->name);
    if (metadata->has_preprocess) {
        imported->has_preprocess = true;
        imported->preprocess = metadata->preprocess;
        snprintf(imported->preprocess_from, sizeof imported->preprocess_from, "%s", metadata->preprocess_from);
    }
}

static bool read_onnx(struct imported *imported, const struct package *package, struct failure *failure)
{
    size_t size;
    const char *name = find_file(package);
    const uint8_t *bytes = package_bytes(&size, package);
    if (!bytes && name)
        bytes = package_file(&size, package, name, failure);
    struct onnx_file *file = bytes ? onnx_decode(bytes, size, package_path(package), failure) : NULL;
    if (!file)
        return false;
    struct onnx_metadata metadata;
    onnx_metadata_read(&metadata, file->model);
    describe(imported, file->model, &metadata);
    struct onnx_reader reader = {
        .package = package, .source = file->model->graph, .opset = opset_of(file->model), .batch = 1};
    reader.graph = graph_new(failure); /* importer.c names the file */
    read_graph(&reader, imported, &metadata);
    const bool done = !graph_failed(reader.graph);
    graph_free(reader.graph);
    onnx_values_free(&reader);
    onnx_metadata_free(&metadata);
    onnx_decode_free(file);
    return done;
}

const struct importer onnx_importer = {.name = "ONNX", .recognises = recognises, .read = read_onnx};
