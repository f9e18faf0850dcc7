#include "model/layer_name.h"

#include "model/model_file.h"
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/text.h"

#include <stdlib.h>

struct layer_name layer_name(const struct net *net, int node, const char *part)
{
    struct layer_name name;
    snprintf(name.text, sizeof name.text, "%s_%d%s%s", kind_names[net->nodes[node].kind], node + 1, *part ? "." : "",
             part);
    return name;
}

static int padding_after(int in, int out, int kernel, int stride, int before)
{
    const int after = (out - 1) * stride + kernel - in - before;
    return after > 0 ? after : 0;
}

struct layer_padding layer_padding(const struct window *window)
{
    return (struct layer_padding){
        .top = window->pad_top,
        .left = window->pad_left,
        .bottom = padding_after(window->in.h, window->out.h, window_reach(window->kernel_h, window->dilation),
                                window->stride, window->pad_top),
        .right = padding_after(window->in.w, window->out.w, window_reach(window->kernel_w, window->dilation),
                               window->stride, window->pad_left)};
}

/* A value that is written as JSON into memory, and put. */
struct value {
    char *text;
    size_t size;
    FILE *memory;
    struct json json;
};

static void begin_value(struct value *value)
{
    value->memory = text_open(&value->text, &value->size);
    value->json = json_begin(value->memory);
}

static void put_value(struct value *value, layer_put *put, void *context, const char *key)
{
    text_close(value->memory);
    put(context, key, value->text);
    free(value->text);
}

static void put_array(layer_put *put, void *context, const char *key, int count, const double *x)
{
    struct value value;
    begin_value(&value);
    json_array(&value.json, NULL);
    for (int i = 0; i < count; i++)
        json_number(&value.json, NULL, "%.9g", x[i]);
    json_close(&value.json);
    put_value(&value, put, context, key);
}

static void put_text(layer_put *put, void *context, const char *key, const char *text)
{
    struct value value;
    begin_value(&value);
    json_text(&value.json, NULL, text);
    put_value(&value, put, context, key);
}

static void put_labels(const struct model *model, layer_put *put, void *context)
{
    struct value value;
    begin_value(&value);
    json_array(&value.json, NULL);
    for (int i = 0; i < net_classes(&model->net); i++) {
        char *label = model_file_label(model, i);
        json_text(&value.json, NULL, label);
        free(label);
    }
    json_close(&value.json);
    put_value(&value, put, context, "labels");
}

void layer_metadata(const struct model *model, layer_put *put, void *context)
{
    static const char *const modes[] = {[RESIZE_STRETCH] = "stretch",
                                        [RESIZE_CROP] = "crop",
                                        [RESIZE_PAD] = "pad",
                                        [RESIZE_SHORTER_SIDE] = "shorter_side"};
    static const char *const filters[] = {
        [FILTER_BILINEAR] = "bilinear", [FILTER_BICUBIC] = "bicubic", [FILTER_BILINEAR_ALIASED] = "bilinear_aliased"};
    const struct preprocess *preprocess = &model->preprocess;
    const struct shape input = model->net.input;
    double background[3], mean[3], std[3];
    for (int c = 0; c < 3; c++) {
        background[c] = preprocess->background[c];
        mean[c] = (double)preprocess->mean[c];
        std[c] = (double)preprocess->std[c];
    }
    put_labels(model, put, context);
    put_array(put, context, "input_size", 3, (double[]){input.h, input.w, input.c});
    put_text(put, context, "resize_mode", modes[preprocess->resize_mode]);
    if (preprocess->resize_mode == RESIZE_SHORTER_SIDE)
        put_array(put, context, "shorter_side", 1, (double[]){preprocess->shorter_side});
    put_text(put, context, "filter", filters[preprocess->filter]);
    put_text(put, context, "channel_order", preprocess->order == ORDER_BGR ? "bgr" : "rgb");
    put_array(put, context, "background", 3, background);
    put_array(put, context, "mean", input.c, mean);
    put_array(put, context, "std", input.c, std);
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)model->temperature);
    put(context, "temperature", text);
    char *notes = model_file_notes(model);
    put(context, "notes", notes);
    free(notes);
}
