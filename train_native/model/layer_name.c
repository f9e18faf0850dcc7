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

static void put_array(layer_put *put, void *context, const char *key, int count, const double *x)
{
    char text[128];
    int length = 0;
    for (int i = 0; i < count; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%.9g", i ? ", " : "[", x[i]);
    snprintf(text + length, sizeof text - (size_t)length, "]");
    put(context, key, text);
}

static void put_labels(const struct model *model, layer_put *put, void *context)
{
    char *text = NULL;
    size_t size;
    FILE *memory = text_open(&text, &size);
    for (int i = 0; i < net_classes(&model->net); i++) {
        char *label = model_file_label(model, i);
        fputs(i ? ", " : "[", memory);
        print_json_string(memory, label);
        free(label);
    }
    fputc(']', memory);
    text_close(memory);
    put(context, "labels", text);
    free(text);
}

void layer_metadata(const struct model *model, layer_put *put, void *context)
{
    static const char *const modes[] = {[RESIZE_STRETCH] = "\"stretch\"",
                                       [RESIZE_CROP] = "\"crop\"",
                                       [RESIZE_PAD] = "\"pad\"",
                                       [RESIZE_SHORTER_SIDE] = "\"shorter_side\""};
    static const char *const filters[] = {[FILTER_BILINEAR] = "\"bilinear\"",
                                          [FILTER_BICUBIC] = "\"bicubic\"",
                                          [FILTER_BILINEAR_ALIASED] = "\"bilinear_aliased\""};
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
    put(context, "resize_mode", modes[preprocess->resize_mode]);
    if (preprocess->resize_mode == RESIZE_SHORTER_SIDE)
        put_array(put, context, "shorter_side", 1, (double[]){preprocess->shorter_side});
    put(context, "filter", filters[preprocess->filter]);
    put(context, "channel_order", preprocess->order == ORDER_BGR ? "\"bgr\"" : "\"rgb\"");
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
