/* Where a field stands in a model file, by the name that core/net/model.h gives it.
 *
 *     int bytes;
 *     model[model_offset(OFFSET_HEADER, "input height", 0, &bytes)] = 65;
 *     model[model_offset(3, "inputs", 1, &bytes)] = 0;      // the second input of node 3 */
#ifndef MODEL_OFFSETS_H
#define MODEL_OFFSETS_H

#include <stddef.h>

enum { OFFSET_HEADER = -1 };

/* Of the index-th number of the field; *bytes is its width. Of several fields of a name the first. A name that is
 * none fails the test. */
size_t model_offset(int node, const char *name, int index, int *bytes);

/* Changes that number, little-endian. */
void model_put(unsigned char *model, int node, const char *name, int index, unsigned value);

#endif
