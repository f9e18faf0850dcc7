/* Where an ONNX graph begins and ends: the picture, and the scores of the classes.
 *
 *     const char *scores = onnx_find_scores(reader, &imported);
 *     onnx_read_picture(reader, &imported, 224);
 *     if (!graph_failed(reader->graph))
 *         printf("from the picture to %s\n", scores); */
#ifndef ONNX_ENDS_H
#define ONNX_ENDS_H

#include "exchange/importer.h"
#include "exchange/onnx_node.h"

/* Binds the graph's one input that is no initializer: (batch, c, h, w) or (batch, h, w, c), with `side` for height and
 * width that are left open, which imported->format then says. Bytes as input give the preprocessing. */
void onnx_read_picture(struct onnx_reader *reader, struct imported *imported, int side);

/* The name of the value that holds the scores: of several outputs the one that looks most like it, which
 * imported->format then names; of an output that is the best class (ArgMax, TopK), those it is the best of. NULL with a
 * refusal. */
const char *onnx_find_scores(struct onnx_reader *reader, struct imported *imported);

/* The node that makes a value, or NULL; whether it is of one of these types, up to the first NULL. */
const Onnx__Node *onnx_producer(struct onnx_reader *reader, const char *name);
bool onnx_type_is(const Onnx__Node *node, const char *const *types);

#endif
