#include "exchange/keras_weights.h"

#ifdef WITH_HDF5

#include "base/bounds.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/keras_functional.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 2 * LIMIT_PARAMETERS, MAX_WEIGHTS = 1 << 16, LAYER_WEIGHTS = 4 };

/* Layers with weights, in Keras's order: those that are trained first. In an archive a layer is called after its class. */
static const struct layer_class {
    const char *name, *in_archive;
    const char *weights[LAYER_WEIGHTS];
} classes[] = {
    {"Conv2D", "conv2d", {"kernel", "bias"}},
    {"DepthwiseConv2D", "depthwise_conv2d", {"depthwise_kernel", "bias"}},
    {"SeparableConv2D", "separable_conv2d", {"depthwise_kernel", "pointwise_kernel", "bias"}},
    {"Dense", "dense", {"kernel", "bias"}},
    {"BatchNormalization", "batch_normalization", {"gamma", "beta", "moving_mean", "moving_variance"}},
    {"PReLU", "p_re_lu", {"alpha"}},
    {"Normalization", "normalization", {"mean", "variance"}},
    {"Sequential", "sequential", {NULL}},
    {"Functional", "functional", {NULL}},
    {"Model", "model", {NULL}},
};
enum { CLASSES = sizeof classes / sizeof *classes };

/* -1: such layers have no weights, or cannot be imported. */
static int class_of(const char *name)
{
    int i = CLASSES - 1;
    while (i >= 0 && strcmp(classes[i].name, name) != 0)
        i--;
    return i;
}

/* The weights that a layer has: of a BatchNormalization `scale` and `center` leave some out. Returns how many. */
static int weights_of(const char *names[LAYER_WEIGHTS], const struct layer_class *layer, const cJSON *config)
{
    int count = 0;
    for (int i = 0; i < LAYER_WEIGHTS && layer->weights[i]; i++) {
        bool has = true;
        if (strcmp(layer->weights[i], "gamma") == 0)
            json_tree_bool(&has, json_tree_member(config, "scale"));
        if (strcmp(layer->weights[i], "beta") == 0)
            json_tree_bool(&has, json_tree_member(config, "center"));
        if (has)
            names[count++] = layer->weights[i];
    }
    return count;
}

struct reading {
    struct named_weights *weights;
    const struct hdf5_file *file;
    struct failure *failure;
    const char *container; /* of a model's layers in an archive */
    size_t values;
};

/* The array `from` as the weight of this name. */
static bool take(struct reading *reading, const char *name, const char *from)
{
    struct graph_constant shape;
    float *values = hdf5_values(&shape, reading->file, from, reading->failure);
    size_t count = 1;
    if (!values)
        return false;
    for (int i = 0; i < shape.rank; i++)
        count *= (size_t)shape.dims[i];
    reading->values += count;
    named_weights_add(reading->weights, name, &shape, values);
    if (reading->values <= MAX_VALUES && reading->weights->count <= MAX_WEIGHTS)
        return true;
    return failure_set(reading->failure, NULL, NULL, "its weights are more than a model may have");
}

static bool take_of_layer(struct reading *reading, const char *layer, const char *weight, const char *from)
{
    char *name = text_format("%s/%s", layer, weight);
    const bool taken = take(reading, name, from);
    free(name);
    return taken;
}

static bool sorted(const struct reading *reading)
{
    const char *twice = named_weights_sort(reading->weights);
    return !twice || failure_set(reading->failure, NULL, NULL, "the weights have two called %.200s", twice);
}

/* ---- .h5 ---- */

/* An attribute that is too long for HDF5 is split by Keras: weight_names0, weight_names1 and so on. */
static bool read_names(struct text_list *names, const struct reading *reading, const char *group)
{
    if (hdf5_has_attribute(reading->file, group, "weight_names"))
        return hdf5_texts(names, reading->file, group, "weight_names", reading->failure);
    for (int i = 0; names->count <= MAX_WEIGHTS; i++) {
        char *part = text_format("weight_names%d", i);
        const bool has = hdf5_has_attribute(reading->file, group, part);
        const bool read = !has || hdf5_texts(names, reading->file, group, part, reading->failure);
        free(part);
        if (!has || !read)
            return read;
    }
    return true;
}

/* Whether a layer that can be imported has a weight that is called so. */
static bool is_weight(const char *name)
{
    for (int i = 0; i < CLASSES; i++)
        for (int k = 0; k < LAYER_WEIGHTS && classes[i].weights[k]; k++)
            if (strcmp(classes[i].weights[k], name) == 0)
                return true;
    return false;
}

/* "conv/kernel:0" of the model "trunk" is trunk/conv/kernel, and so is "functional/trunk/conv/kernel" of Keras 3. */
static bool take_of_model(struct reading *reading, const char *model, const char *weight, const char *from)
{
    char *name = text_copy(weight), *colon = strrchr(name, ':'), *part = name;
    const size_t length = strlen(model);
    if (colon)
        *colon = 0;
    const char *slash = strrchr(name, '/');
    bool taken = true;
    while (part && !(strncmp(part, model, length) == 0 && part[length] == '/')) {
        part = strchr(part, '/');
        part = part ? part + 1 : NULL;
    }
    if (slash && is_weight(slash + 1))
        taken = part ? take(reading, part, from) : take_of_layer(reading, model, name, from);
    free(name);
    return taken;
}

static bool read_group(struct reading *reading, const char *layer, const struct layer_class *class, const cJSON *config)
{
    struct text_list names = {0};
    const char *weights[LAYER_WEIGHTS];
    const int count = weights_of(weights, class, config);
    const bool is_model = keras_is_model(class->name);
    char *group = text_format("model_weights/%s", layer);
    bool read = read_names(&names, reading, group);
    for (int i = 0; read && i < names.count && (is_model || i < count); i++) {
        char *from = text_format("%s/%s", group, names.texts[i]);
        read = is_model ? take_of_model(reading, layer, names.texts[i], from)
                        : take_of_layer(reading, layer, weights[i], from);
        free(from);
    }
    text_list_free(&names);
    free(group);
    return read;
}

bool keras_weights_of_h5(struct named_weights *weights, const struct hdf5_file *file, const cJSON *model,
                         struct failure *failure)
{
    struct reading reading = {.weights = weights, .file = file, .failure = failure};
    const cJSON *layer = keras_first_layer(json_tree_member(model, "config"));
    for (const char *class_name, *name; layer; layer = layer->next) {
        const int class = keras_find_names(&class_name, &name, layer) ? class_of(class_name) : -1;
        if (class >= 0 && !read_group(&reading, name, &classes[class], json_tree_member(layer, "config")))
            return false;
    }
    return sorted(&reading);
}

/* ---- .keras ---- */

/* Models stand within models: each takes some levels of the JSON, whose depth is bounded (json_tree.h), and so is this
 * recursion. group: where the layers stand in the file; path: of names, "" or "trunk/". */
static bool read_layers(struct reading *reading, const cJSON *config, const char *group, const char *path);

static bool read_layer(struct reading *reading, const struct layer_class *class, const cJSON *config, const char *group,
                       const char *path)
{
    bool read = true;
    if (keras_is_model(class->name)) {
        char *inner = text_format("%s/%s", group, reading->container), *inner_path = text_format("%s/", path);
        read = read_layers(reading, config, inner, inner_path);
        free(inner_path);
        free(inner);
        return read;
    }
    const char *weights[LAYER_WEIGHTS];
    const int count = weights_of(weights, class, config);
    for (int i = 0; read && i < count; i++) {
        char *from = text_format("%s/vars/%d", group, i);
        read = !hdf5_has(reading->file, from) || take_of_layer(reading, path, weights[i], from);
        free(from);
    }
    return read;
}

static bool read_layers(struct reading *reading, const cJSON *config, const char *group, const char *path)
{
    int count[CLASSES] = {0};
    bool read = true;
    const cJSON *layer = keras_first_layer(config);
    for (const char *class_name, *name; layer && read; layer = layer->next) {
        const int class = keras_find_names(&class_name, &name, layer) ? class_of(class_name) : -1;
        if (class < 0)
            continue;
        const int before = count[class]++;
        char *inner = before ? text_format("%s/%s_%d", group, classes[class].in_archive, before)
                             : text_format("%s/%s", group, classes[class].in_archive);
        char *inner_path = text_format("%s%s", path, name);
        read = read_layer(reading, &classes[class], json_tree_member(layer, "config"), inner, inner_path);
        free(inner_path);
        free(inner);
    }
    return read;
}

bool keras_weights_of_archive(struct named_weights *weights, const struct hdf5_file *file, const cJSON *model,
                              struct failure *failure)
{
    struct reading reading = {.weights = weights, .file = file, .failure = failure, .container = "layers"};
    if (!hdf5_has(file, "layers"))
        reading.container = "_layer_checkpoint_dependencies"; /* TF-Keras 2.13 */
    return read_layers(&reading, json_tree_member(model, "config"), reading.container, "") && sorted(&reading);
}

#endif
