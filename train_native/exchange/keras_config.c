#include "exchange/keras_layer.h"

#include <string.h>

/* What is set; NULL where nothing is. */
static const cJSON *setting(const struct keras_layer *layer, const char *key)
{
    const cJSON *value = json_tree_member(layer->config, key);
    return cJSON_IsNull(value) ? NULL : value;
}

static bool refuse_setting(const struct keras_layer *layer, const char *key, const char *expected)
{
    graph_refuse(layer->graph, "its setting `%s` is not %s", key, expected);
    return false;
}

bool keras_pair(int pair[2], const struct keras_layer *layer, const char *key, int missing)
{
    const cJSON *value = setting(layer, key);
    pair[0] = pair[1] = missing;
    if (!value || json_tree_ints(pair, 2, value))
        return true;
    if (!json_tree_int(&pair[0], value))
        return refuse_setting(layer, key, "one or two integers");
    pair[1] = pair[0];
    return true;
}

bool keras_int(int *x, const struct keras_layer *layer, const char *key, int missing)
{
    const cJSON *value = setting(layer, key);
    *x = missing;
    return !value || json_tree_int(x, value) || refuse_setting(layer, key, "an integer");
}

bool keras_number(double *x, const struct keras_layer *layer, const char *key, double missing)
{
    const cJSON *value = setting(layer, key);
    *x = missing;
    return !value || json_tree_number(x, value) || refuse_setting(layer, key, "a number");
}

bool keras_bool(bool *x, const struct keras_layer *layer, const char *key, bool missing)
{
    const cJSON *value = setting(layer, key);
    *x = missing;
    return !value || json_tree_bool(x, value) || refuse_setting(layer, key, "true or false");
}

int keras_channel_dim(const struct keras_layer *layer)
{
    const cJSON *value = setting(layer, "data_format");
    const char *format = json_tree_text(value);
    if (!value || (format && strcmp(format, "channels_last") == 0))
        return 3;
    if (format && strcmp(format, "channels_first") == 0)
        return 1;
    refuse_setting(layer, "data_format", "channels_last or channels_first");
    return 0;
}

const struct graph_constant *keras_weight(const struct keras_layer *layer, const char *name)
{
    bool ambiguous;
    const struct graph_constant *weight = named_weights_of_layer(layer->weights, layer->path, name, &ambiguous);
    if (!weight && ambiguous)
        graph_refuse(layer->graph, "several layers are called so, and their weights `%s` cannot be told apart", name);
    else if (!weight)
        graph_refuse(layer->graph, "its weights `%s` are missing", name);
    return weight;
}
