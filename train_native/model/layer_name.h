/* What the exporters share: the names of a model's parts and what stands beside its weights in every format. */
#ifndef LAYER_NAME_H
#define LAYER_NAME_H

#include "net/model.h"

/* "conv2d_3.weight": the kind of the layer and its number in `eyelet summary`, from 1; without a part "conv2d_3". */
struct layer_name {
    char text[48];
};
struct layer_name layer_name(const struct net *net, int node, const char *part);

/* Padding of a window, as other programs want it: only as much as is read, and none that a window without padding
 * leaves over. */
struct layer_padding {
    int top, left, bottom, right;
};
struct layer_padding layer_padding(const struct window *window);

/* labels, input_size (h, w, c), resize_mode ("stretch", "crop", "pad" or "shorter_side"), background (red, green,
 * blue, 0 to 255), mean, std, temperature, all as JSON, and the notes: each with a call of put. */
typedef void layer_put(void *context, const char *key, const char *value);
void layer_metadata(const struct model *model, layer_put *put, void *context);

#endif
