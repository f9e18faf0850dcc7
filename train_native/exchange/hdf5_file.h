/* HDF5 files in memory, by libhdf5: attributes of text, and arrays of floats, each checked before it is read. Only in
 * programs that are built with the library (WITH_HDF5).
 *
 *     struct failure failure;
 *     struct hdf5_file *file = hdf5_open(bytes, size, "model.h5", &failure); // the bytes outlive it
 *     struct graph_constant shape;
 *     float *kernel = file ? hdf5_values(&shape, file, "dense/kernel", &failure) : NULL;
 *     free(kernel);
 *     hdf5_close(file);
 *
 * Refused: what does not lie in the file itself (external and soft links, external and virtual storage), compression other
 * than gzip, numbers other than float16, float32 and float64, more values than a model has, and values that were never
 * written. The library itself is foreign code: it runs in a child process (sandbox.h), and loads no filters of others. */
#ifndef HDF5_FILE_H
#define HDF5_FILE_H

#include "cli/errors.h"
#include "cli/list.h"
#include "exchange/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hdf5_file;

/* NULL with the failure, whose subject is `path`, as that of what follows. */
struct hdf5_file *hdf5_open(const uint8_t *bytes, size_t size, const char *path, struct failure *failure);
void hdf5_close(struct hdf5_file *file); /* NULL does nothing */

/* Whether there is a group, an array or a link of this name, as "model_weights/dense", or "/". */
bool hdf5_has(const struct hdf5_file *file, const char *name);
bool hdf5_has_attribute(const struct hdf5_file *file, const char *object, const char *attribute);

/* The texts of an attribute, one or a list, added to *texts. False with the failure. */
bool hdf5_texts(struct text_list *texts, const struct hdf5_file *file, const char *object, const char *attribute,
                struct failure *failure);

/* An array: its dimensions and its values, allocated, which are in *shape too. NULL with the failure. */
float *hdf5_values(struct graph_constant *shape, const struct hdf5_file *file, const char *name,
                   struct failure *failure);

#endif
