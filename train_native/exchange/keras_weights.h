/* The weights of a Keras model out of its HDF5 file, by the names that keras_layer.h asks for. Only in programs that are
 * built with libhdf5 (hdf5_file.h).
 *
 *     struct named_weights weights = {0};
 *     const bool read = (is_archive ? keras_weights_of_archive : keras_weights_of_h5)(&weights, file, model, &failure);
 *     named_weights_free(&weights);
 *
 * Keras itself goes by the order of layers and weights, not by names, and so does this, but for models within an .h5. What
 * is not there is left out: the layer that misses it says so. */
#ifndef KERAS_WEIGHTS_H
#define KERAS_WEIGHTS_H

#include "cli/errors.h"
#include "exchange/hdf5_file.h"
#include "exchange/json_tree.h"
#include "exchange/named_weights.h"

/* A whole model as .h5, of Keras 1 to 3 and TF-Keras: a group a layer in model_weights, whose attribute weight_names lists
 * its arrays, those of models within it among them. `model` is an object with class_name and config. */
bool keras_weights_of_h5(struct named_weights *weights, const struct hdf5_file *file, const cJSON *model,
                         struct failure *failure);

/* The model.weights.h5 of a .keras: layers/conv2d_2/vars/0 is the first weight of the third Conv2D of its model, and a
 * model's layers stand in layers/functional/layers. */
bool keras_weights_of_archive(struct named_weights *weights, const struct hdf5_file *file, const cJSON *model,
                              struct failure *failure);

#endif
