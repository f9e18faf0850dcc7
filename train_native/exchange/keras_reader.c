/* Keras: .h5, a network and its weights in one HDF5 file, and .keras, a zip of config.json, metadata.json and
 * model.weights.h5; also unpacked. */
#include "exchange/importer.h"

#include "cli/text.h"
#include "exchange/hdf5_file.h"
#include "exchange/json_tree.h"
#include "exchange/keras_model.h"
#include "exchange/keras_weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Which file it is ---- */

static const char config_name[] = "config.json", weights_name[] = "model.weights.h5";

static bool is_hdf5(const uint8_t *bytes, size_t size)
{
    return bytes && size >= 8 && memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) == 0;
}

static bool is_archive(const struct package *package)
{
    size_t size;
    return !package_bytes(&size, package) && package_has(package, config_name) && package_has(package, weights_name);
}

/* The name of the whole model as .h5: the file that was named, or the first of the folder or zip (as Teachable Machine's
 * converted_keras.zip); NULL: there is none. */
static const char *find_h5(const struct package *package)
{
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    if (bytes)
        return is_hdf5(bytes, size) ? package_name(package, 0) : NULL;
    const char *name = package_name_ending(package, ".h5");
    return name ? name : package_name_ending(package, ".hdf5");
}

static bool recognises(const struct package *package) { return is_archive(package) || find_h5(package); }

#ifndef WITH_HDF5

const char importer_libraries[] = "";

static bool read_model(struct imported *imported, const struct package *package, struct failure *failure)
{
    (void)imported;
    return failure_set(failure, package_path(package), "Install it (Debian: libhdf5-dev), and build eyelet again.",
                       "this program was built without libhdf5, which reads Keras's files");
}

#else

const char importer_libraries[] = " libhdf5";

/* ---- What it says of itself ---- */

/* A Keras file while it is read. */
struct keras_file {
    struct hdf5_file *hdf5;
    cJSON *model, *metadata; /* metadata: of an archive, or NULL */
    char *version, *backend; /* or NULL */
    struct named_weights weights;
};

static void close_file(struct keras_file *file)
{
    named_weights_free(&file->weights);
    cJSON_Delete(file->model);
    cJSON_Delete(file->metadata);
    free(file->version);
    free(file->backend);
    hdf5_close(file->hdf5);
}

static void describe(struct imported *imported, const struct keras_file *file, const char *form)
{
    const char *name = keras_model_name(file->model);
    snprintf(imported->format, sizeof imported->format, "Keras, %s", form);
    if (file->version)
        snprintf(imported->exporter, sizeof imported->exporter, "Keras %s%s%s", file->version,
                 file->backend ? ", " : "", file->backend ? file->backend : "");
    snprintf(imported->name, sizeof imported->name, "%s", name ? name : "");
}

/* An attribute of the file, or NULL. */
static char *attribute_of(const struct keras_file *file, const char *name, struct failure *failure)
{
    struct text_list texts = {0};
    char *text = NULL;
    if (hdf5_has_attribute(file->hdf5, "/", name) && hdf5_texts(&texts, file->hdf5, "/", name, failure) &&
        texts.count == 1)
        text = text_copy(texts.texts[0]);
    text_list_free(&texts);
    return text;
}

/* ---- Reading ---- */

static bool open_hdf5(struct keras_file *file, const struct package *package, const char *name, struct failure *failure)
{
    size_t size;
    const uint8_t *bytes = package_file(&size, package, name, failure);
    if (bytes && !is_hdf5(bytes, size))
        return failure_set(failure, package_path(package), NULL, "%s is no HDF5 file", name);
    file->hdf5 = bytes ? hdf5_open(bytes, size, package_path(package), failure) : NULL;
    return file->hdf5 != NULL;
}

/* An HDF5 file that has no network is perhaps the half of a model. */
static bool refuse_without_network(const struct keras_file *file, struct failure *failure)
{
    if (hdf5_has_attribute(file->hdf5, "/", "layer_names") || hdf5_has(file->hdf5, "layers") ||
        hdf5_has(file->hdf5, "_layer_checkpoint_dependencies") || hdf5_has(file->hdf5, "model_weights"))
        return failure_set(failure, NULL, "model.save(\"model.keras\") saves both.",
                           "it holds weights without the network: save the whole model");
    return failure_set(failure, NULL, NULL, "this HDF5 file is no Keras model: it has no attribute model_config");
}

static bool read_h5(struct keras_file *file, const struct package *package, struct failure *failure)
{
    if (!open_hdf5(file, package, find_h5(package), failure))
        return false;
    if (!hdf5_has_attribute(file->hdf5, "/", "model_config"))
        return refuse_without_network(file, failure);
    char *config = attribute_of(file, "model_config", failure);
    if (!config)
        return failure_set(failure, NULL, "Get it again.", "its attribute model_config is damaged, or no text");
    file->model = json_tree_parse((const uint8_t *)config, strlen(config), "model_config", failure);
    free(config);
    file->version = attribute_of(file, "keras_version", failure);
    file->backend = attribute_of(file, "backend", failure);
    return file->model && keras_weights_of_h5(&file->weights, file->hdf5, file->model, failure);
}

static bool read_archive(struct keras_file *file, const struct package *package, struct failure *failure)
{
    static const char metadata_name[] = "metadata.json";
    size_t size;
    const uint8_t *bytes = package_file(&size, package, config_name, failure);
    file->model = bytes ? json_tree_parse(bytes, size, config_name, failure) : NULL;
    if (!file->model || !open_hdf5(file, package, weights_name, failure))
        return false;
    if (package_has(package, metadata_name)) {
        bytes = package_file(&size, package, metadata_name, failure);
        file->metadata = bytes ? json_tree_parse(bytes, size, metadata_name, failure) : NULL;
        if (!file->metadata)
            return false;
        const char *version = json_tree_text(json_tree_member(file->metadata, "keras_version"));
        file->version = version ? text_copy(version) : NULL;
    }
    return keras_weights_of_archive(&file->weights, file->hdf5, file->model, failure);
}

static bool build(struct imported *imported, const struct keras_file *file, bool archive, struct failure *failure)
{
    const bool keras_3 = file->version ? *file->version == '3' : archive;
    struct graph *graph = graph_new(failure);
    graph_expect_classes(graph, imported->label_count);
    const int output = keras_model_build(
        graph, &(struct keras_source){.model = file->model, .weights = &file->weights, .keras_3 = keras_3});
    const bool done = graph_finish(&imported->network, graph, output);
    graph_free(graph);
    return done;
}

static bool read_model(struct imported *imported, const struct package *package, struct failure *failure)
{
    const bool archive = is_archive(package);
    struct keras_file file = {0};
    const bool read =
        (archive ? read_archive : read_h5)(&file, package, failure) && build(imported, &file, archive, failure);
    if (read)
        describe(imported, &file, archive ? ".keras" : ".h5");
    close_file(&file);
    return read;
}

#endif

const struct importer keras_importer = {.name = "Keras", .recognises = recognises, .read = read_model};
