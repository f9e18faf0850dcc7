/* TensorFlow.js: layers models, among them the exports of Teachable Machine, and graph models. */
#include "exchange/importer.h"

#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/json_tree.h"
#include "exchange/keras_model.h"
#include "exchange/tfjs_graph.h"
#include "exchange/tfjs_metadata.h"
#include "exchange/tfjs_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Which file it is ---- */

static bool has_topology(const uint8_t *bytes, size_t size)
{
    static const char key[] = "\"modelTopology\"";
    return bytes && memmem(bytes, size, key, sizeof key - 1);
}

/* The name of the model's JSON: the file that was named, model.json, or else the first of the folder or zip that is one;
 * NULL: none is. */
static const char *find_model(const struct package *package)
{
    struct failure ignored;
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    if (bytes)
        return has_topology(bytes, size) ? package_name(package, 0) : NULL;
    if (package_has(package, "model.json"))
        return "model.json";
    const char *name;
    for (int i = 0; (name = package_name(package, i)); i++) {
        const size_t length = strlen(name);
        if (length < 5 || strcmp(name + length - 5, ".json") != 0)
            continue;
        bytes = package_file(&size, package, name, &ignored);
        if (has_topology(bytes, size))
            return name;
    }
    return NULL;
}

static bool recognises(const struct package *package) { return find_model(package) != NULL; }

/* ---- What it says of itself ---- */

static void describe(struct imported *imported, const cJSON *model, const struct tfjs_metadata *metadata)
{
    const cJSON *topology = json_tree_member(model, "modelTopology");
    const cJSON *config = json_tree_member(topology, "model_config");
    const char *made_by = json_tree_text(json_tree_member(model, "generatedBy"));
    const char *converted_by = json_tree_text(json_tree_member(model, "convertedBy"));
    const char *name = metadata->name ? metadata->name : keras_model_name(config ? config : topology);
    snprintf(imported->format, sizeof imported->format, "%sTensorFlow.js %s model",
             metadata->is_teachable_machine ? "Teachable Machine, " : "",
             json_tree_member(topology, "node") ? "graph" : "layers");
    if (metadata->package)
        snprintf(imported->exporter, sizeof imported->exporter, "%s %s", metadata->package,
                 metadata->package_version ? metadata->package_version : "");
    else
        snprintf(imported->exporter, sizeof imported->exporter, "%s%s%s", made_by ? made_by : "",
                 made_by && converted_by ? ", " : "", converted_by ? converted_by : "");
    snprintf(imported->name, sizeof imported->name, "%s", name ? name : "");
}

/* RGB / 127.5 - 1 of the largest centred square, as Teachable Machine takes images. */
static void set_preprocess(struct imported *imported, const struct tfjs_metadata *metadata)
{
    if (!metadata->is_teachable_machine)
        return;
    imported->has_preprocess = true;
    imported->preprocess = (struct preprocess){.resize_mode = RESIZE_CROP};
    for (int i = 0; i < 3; i++)
        imported->preprocess.mean[i] = imported->preprocess.std[i] = 0.5f;
    snprintf(imported->preprocess_from, sizeof imported->preprocess_from, "metadata.json (Teachable Machine)");
}

static bool set_labels(struct imported *imported, const struct tfjs_metadata *metadata, const char *path,
                       struct failure *failure)
{
    const int classes = net_classes(&imported->network.net);
    if (!metadata->label || imported->network.features_only)
        return true;
    if (metadata->label_count != classes) {
        failure_set(failure, path, "Get the model's files again, all of one export.",
                    "metadata.json has %d labels, and the model has %d classes", metadata->label_count, classes);
        return failure_key(failure, "LABELS", "%d\n%d", metadata->label_count, classes);
    }
    imported->labels = allocate((size_t)classes, sizeof *imported->labels);
    int i = 0;
    for (const cJSON *label = metadata->label; label; label = label->next) {
        const char *text = json_tree_text(label);
        if (!text)
            return failure_set(failure, path, NULL, "label %d in metadata.json is no text", i + 1);
        imported->labels[i++] = text_copy(text);
    }
    snprintf(imported->labels_from, sizeof imported->labels_from, "metadata.json");
    return true;
}

/* ---- Reading ---- */

static bool build(struct imported *imported, const cJSON *model, const struct named_weights *weights,
                  const struct tfjs_metadata *metadata, struct failure *failure)
{
    const cJSON *topology = json_tree_member(model, "modelTopology");
    const cJSON *config = json_tree_member(topology, "model_config");
    const char *version = json_tree_text(json_tree_member(topology, "keras_version"));
    struct graph *graph = graph_new(failure);
    graph_expect_classes(graph, metadata->label_count);
    graph_expect_classes(graph, imported->label_count);
    const int output = json_tree_member(topology, "node")
                           ? tfjs_graph_build(graph, model, weights, metadata->side)
                           : keras_model_build(graph, &(struct keras_source){.model = config ? config : topology,
                                                                             .weights = weights,
                                                                             .keras_3 = version && *version == '3',
                                                                             .side = metadata->side});
    const bool done = graph_finish(&imported->network, graph, output);
    graph_free(graph);
    return done;
}

/* Of the JSON; NULL with the failure. */
static cJSON *read_json(const struct package *package, struct failure *failure)
{
    size_t size;
    const char *name = find_model(package);
    const uint8_t *bytes = name ? package_file(&size, package, name, failure) : NULL;
    cJSON *model = bytes ? json_tree_parse(bytes, size, name, failure) : NULL;
    if (model && cJSON_IsObject(json_tree_member(model, "modelTopology")))
        return model;
    if (model) {
        failure_set(failure, package_path(package), NULL,
                    "%s is no TensorFlow.js model: it has no object `modelTopology`", name);
        failure_key(failure, "NO_MODEL", "%s", name);
    }
    cJSON_Delete(model);
    return NULL;
}

static bool read_model(struct imported *imported, const struct package *package, struct failure *failure)
{
    struct named_weights weights = {0};
    struct tfjs_metadata metadata = {0};
    cJSON *model = read_json(package, failure);
    const bool read = model && tfjs_metadata_read(&metadata, package, failure) &&
                      tfjs_weights_read(&weights, json_tree_member(model, "weightsManifest"), package, failure) &&
                      build(imported, model, &weights, &metadata, failure) &&
                      set_labels(imported, &metadata, package_path(package), failure);
    if (read) {
        describe(imported, model, &metadata);
        set_preprocess(imported, &metadata);
    }
    named_weights_free(&weights);
    tfjs_metadata_free(&metadata);
    cJSON_Delete(model);
    return read;
}

const struct importer tfjs_importer = {.name = "TensorFlow.js", .recognises = recognises, .read = read_model};
