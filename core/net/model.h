/* The model file (*.eyelet): a network, its preprocessing, labels, notes, weights and perhaps examples, in one file.
 *
 *     struct model model;
 *     enum status status = model_read(&model, bytes, size);
 *     if (!status)
 *         printf("%d classes\n", net_classes(&model.net));
 *
 * Little-endian. Nothing is stored twice, so nothing can contradict itself: shapes follow from the input and the nodes,
 * offsets are running sums, and the last sum must equal the file's size. Fields are unsigned integers unless float32
 * is stated.
 *
 *     offset  bytes  header
 *     0       8      magic: 89 'E' 'Y' 'L' 0D 0A 1A 0A (the line ends show damage by text-mode transfer, as in PNG)
 *     8       4      version: 2
 *     12      2      input height
 *     14      2      input width
 *     16      1      input channels: 1 or 3
 *     17      1      weights: 0 float32, 1 float16, 2 int8, 3 quantized (enum weights)
 *     18      1      resize mode: 0 stretch, 1 crop, 2 pad, 3 shorter side (enum resize_mode, image.h)
 *     19      1      resize filter: 0 bilinear, 1 bicubic, 2 bilinear without antialiasing (enum resize_filter,
 *                    image.h)
 *     20      2      shorter side: pixels, at least the input's height and width; 0 in the other modes
 *     22      1      channel order: 0 red, green, blue; 1 blue, green, red (enum channel_order, image.h)
 *     23      3      background: red, green, blue
 *     26      2      zero
 *     28      12     mean: of red, green, blue, float32, on a scale of 0 to 1
 *     40      12     std: the same, above 0. The network reads (byte / 255 - mean) / std: 0 and 1 make 0..1 of bytes,
 *                    1/2 and 1/2 make -1..1, 0 and 1/255 leave 0..255
 *     52      4      temperature: of the softmax, float32, above 0
 *     56      2      node count
 *     58      2      embedding: the tensor of one pixel that is the second output of the network, in most the input of
 *                    its last layer with weights; 0: none. The first output is the class scores, which the last node, a
 *                    softmax, reads
 *     60      4      notes length
 *     64      4      example count
 *     68      2      thumbnail side: of each example's thumbnail, pixels; 0: there are none
 *     70      1      example embeddings: 1 if there is one for each example, else 0
 *     71      57     zero
 *     128     32     for each node (struct node, net.h):
 *
 *     offset  bytes  node
 *     0       1      kind: enum node_kind, net.h
 *     1       1      same: 1 if the padding follows from the sizes, as TensorFlow's SAME, and the four fields below are
 *                    0; else 0
 *     2       1      bias: 1 or 0
 *     3       1      kernel height
 *     4       1      kernel width
 *     5       1      stride
 *     6       1      dilation: of conv2d, pixels from one tap to the next
 *     7       1      count padding: of avgpool, 1 if padding counts as zeros, so that the divisor is the whole window; else
 *                    0
 *     8       4      padding: top, left, bottom, right, a byte each
 *     12      4      groups: of conv2d and shuffle
 *     16      4      channels: of the output of conv2d, dense and slice
 *     20      4      inputs: two tensors of 2 bytes each
 *     24      4      number: float32, dropout's rate, scale's factor or leaky_relu's slope
 *     28      4      first: of slice, the channel of its input that is the first of its output
 *
 *     ...            for each class: length of the label, 1 byte; the label, UTF-8 without control characters
 *     ...            the notes: UTF-8, lines "key: value"
 *     ...            zeros up to a multiple of 64
 *     ...            for each node with parameters: its blocks in order (net_blocks, net.h), then zeros up to a
 *                    multiple of 64. In int8 a block of weights is a scale, float32, for each output channel, then a
 *                    signed byte for each weight, by which the scale is multiplied; all other blocks are float32.
 *                    Quantized is int8 with, before the blocks of every node that has one (int8_has_scale, net_int8.h),
 *                    the scale of its output, float32
 *     ...            of each example: its class, 2 bytes; zeros up to a multiple of 64
 *     ...            if there are thumbnails, of each example: (side, side, 3) bytes of red, green, blue; zeros up to a
 *                    multiple of 64
 *     ...            if there are example embeddings, of each example: the values of the embedding, float32; zeros up
 *                    to a multiple of 64
 *     last    4      CRC-32 (as in PNG and zip) of everything before
 *
 * What a kind of node does not use is 0, and so is every byte called zero in the header and the nodes; the zeros that
 * fill up to a multiple of 64 are written, and not looked at. An unknown version, kind or value is an error. All floats must be finite. A quantized model is computed in integers (net_int8.h): its scales are above 0
 * and such that no sum can overflow, whatever the picture. Limits: core/base/bounds.h. model_fields.h has the same
 * two tables for the reader and the writer; a test holds them against these. */
#ifndef MODEL_H
#define MODEL_H

#include "net/net_int8.h"

/* Pinned: stored in models. */
enum weights { WEIGHTS_FLOAT32 = 0, WEIGHTS_FLOAT16 = 1, WEIGHTS_INT8 = 2, WEIGHTS_QUANTIZED = 3 };

/* Images that the model was trained on or that stand for a class. The pointers hold what the file does. */
struct examples {
    int count, thumbnail_side;
    bool has_embeddings;
    const uint8_t *classes, *thumbnails, *embeddings;
};

struct model {
    struct net net;
    enum weights type;
    struct preprocess preprocess;
    float temperature;
    const uint8_t *labels; /* as in the file: for each class its length in one byte, then its text */
    const char *notes;     /* not zero-terminated */
    int notes_length;
    const uint8_t *weights;   /* of a model that was read: where they stand in the file */
    float scale[LIMIT_NODES]; /* WEIGHTS_QUANTIZED: of each node's output, 0 where it has none of its own */
    struct examples examples;
};

/* Reads and checks everything; the pointers in *model go into bytes, which must outlive it.
 * Pure: no allocation, no reading outside [bytes, bytes + size). */
enum status model_read(struct model *model, const void *bytes, size_t size);

/* model_read in parts, for who reads the weights anyway and would rather not do so twice. The parse checks all but the
 * checksum and the values of the weights and examples, and reads none of them; model->scale is not set. The others
 * take what model_parse has accepted; model_check_weights (STATUS_NOT_FINITE, STATUS_SCALE) sets model->scale. */
enum status model_parse(struct model *model, const void *bytes, size_t size);
enum status model_check_sum(const void *bytes, size_t size);
enum status model_check_weights(struct model *model);
enum status model_check_examples(const struct model *model);

/* Decodes one node's parameters, in the order of net_blocks; parameters (all of net->offset's count for the node).
 * False if one is not finite, or a variance below zero, which model_read refuses. */
bool model_parameters(float *parameters, const struct model *model, int node);

/* The same node of a WEIGHTS_QUANTIZED model as it is stored; memory (2 * out.c) holds what *weights points to. */
void model_quantized(struct int8_weights *weights, float *memory, const struct model *model, int node);

/* One label, not zero-terminated, 0 <= index < classes. */
const char *model_label(int *length, const struct model *model, int index);

/* Values of the embedding, 0 where the model has none. */
static inline int model_embedding_count(const struct model *model)
{
    return model->net.embedding ? model->net.shapes[model->net.embedding].c : 0;
}

/* Of one example, 0 <= index < model->examples.count: its class; its thumbnail (side, side, 3) or NULL; its embedding
 * (model_embedding_count), to which the example must have one. */
int model_example_class(const struct model *model, int index);
const uint8_t *model_example_thumbnail(const struct model *model, int index);
void model_example_embedding(float *embedding, const struct model *model, int index);

/* The file's size, and the file itself; parameters is the flat array of the whole net, or NULL: the weights as they
 * are in the model that was read. The model's net has passed net_check, its text and values are within what
 * model_read accepts: read the result back to be sure. Without weights at all, and where the examples have no classes,
 * thumbnails or embeddings, zeros are left in their place (model_parse says where) for the caller to fill in, and then
 * to seal the file: to write its checksum. */
size_t model_size(const struct model *model);
void model_write(uint8_t *bytes, const struct model *model, const float *parameters);
void model_seal(uint8_t *bytes, size_t size);

#endif
