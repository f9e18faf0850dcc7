/* The model file (*.eyelet): a network, its preprocessing, labels, notes and weights, in one file.
 *
 * Little-endian. Nothing is stored twice, so nothing can contradict itself: shapes follow from the input and the nodes,
 * indices are running sums, and the last sum must equal the file's size.
 *
 *     offset  bytes
 *     0       8     magic: 89 'E' 'Y' 'L' 0D 0A 1A 0A (the line ends show damage by text-mode transfer, as in PNG)
 *     8       4     version of the format: 1
 *     12      6     input height, width, channels, 2 bytes each; channels 1 or 3
 *     18      1     fit: 0 stretch, 1 crop, 2 pad (enum resize_mode, image.h)
 *     19      1     type of the weights: 0 float32, 1 float16, 2 int8, 3 whole (enum weights)
 *     20      3     background red, green, blue
 *     23      1     0
 *     24      12    mean of red, green, blue, float32, on a scale of 0 to 1
 *     36      12    std of red, green, blue, float32, above 0
 *     48      4     temperature of the softmax, float32, above 0
 *     52      2     number of nodes
 *     54      2     length of the notes
 *     56      8     0
 *     64      16    for each node: kind, kernel height, kernel width, stride, flags (1 = same, 2 = bias), 0, 1 byte each;
 *                   channels, first input, second input, 2 bytes each; rate of dropout or factor of scale, float32 (struct node, net.h)
 *     ...           for each class: length of the label, 1 byte; the label, UTF-8 without control characters
 *     ...           the notes: UTF-8, lines "key: value"
 *     ...           zeros up to a multiple of 64
 *     ...           for each node with parameters: its blocks in order (net_blocks, net.h), then zeros up to a multiple of 64.
 *                   In int8 a block of weights is a scale, float32, for each output channel, then the whole numbers, a byte each,
 *                   that are multiplied by them; all other blocks are float32. Whole is int8 with, before the blocks of every
 *                   node that has one (int8_has_scale, net_int8.h), the scale of its output, float32
 *     last    4     CRC-32 (as in PNG and zip) of everything before
 *
 * An unknown version, kind, flag or type is an error. Weights, and all numbers, must be finite. A model of type 3 is computed in whole
 * numbers (net_int8.h): its scales are above 0 and such that no sum can overflow, whatever the picture. */
#ifndef MODEL_H
#define MODEL_H

#include "net/net_int8.h"

enum weights { WEIGHTS_FLOAT32 = 0, WEIGHTS_FLOAT16 = 1, WEIGHTS_INT8 = 2, WEIGHTS_QUANTIZED = 3 }; /* pinned: stored in models */

struct model {
    struct net net;
    enum weights type;
    struct preprocess preprocess;
    float temperature;
    const uint8_t *labels; /* as in the file: for each class its length in one byte, then its text */
    const char *notes;     /* not zero-terminated */
    int notes_length;
    const uint8_t *weights; /* of a model that was read: the place in the file */
    float scale[LIMIT_NODES]; /* WEIGHTS_QUANTIZED: of each node's output, 0 where it has none of its own */
};

/* Reads and checks everything; the pointers in *model go into bytes, which stay in place as long as it is used.
 * Pure: no allocation, no reading outside [bytes, bytes + size). */
enum status model_read(struct model *model, const void *bytes, size_t size);

/* Decodes one node's parameters, in the order of net_blocks; parameters (all of net->offset's count for the node). */
void model_parameters(float *parameters, const struct model *model, int node);

/* The same node of a WEIGHTS_QUANTIZED model as it is stored; numbers (2 * out.c) holds what *weights points to. */
void model_quantized(struct int8_weights *weights, float *numbers, const struct model *model, int node);

/* One label, not zero-terminated, 0 <= index < classes. */
const char *model_label(int *length, const struct model *model, int index);

/* The file's size, and the file itself; parameters is the flat array of the whole net, or NULL: the weights as they are in the model
 * that was read. The model's net has passed net_check, its text and numbers are within what model_read accepts: read the result
 * back to be sure. */
size_t model_size(const struct model *model);
void model_write(uint8_t *bytes, const struct model *model, const float *parameters);

#endif
