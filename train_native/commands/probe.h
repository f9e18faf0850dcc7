/* A linear probe: of a trained model only the head learns, from what the layers in front of it, the trunk, say of each image.
 *
 *     probe(&saver, &transfer, &split, NULL, threads);              // writes saver's model
 *
 * The trunk runs once over every image, with the exact kernels of inference; what the head reads is kept (embeddings). On these the
 * head is softmax regression: one lowest point, which L-BFGS finds without a learning rate. How much its weights are held down (L2)
 * is chosen among a few strengths on the validation images. The same bits for any number of threads. */
#ifndef PROBE_H
#define PROBE_H

#include "commands/model_writer.h"
#include "model/transfer.h"
#include "data/split.h"

/* class_weights: (classes) what the losses of a class count, or NULL. A head that is not dense, or layers behind it but `scale`
 * and the softmax, end the program. */
void probe(const struct model_writer *saver, const struct transfer *transfer, const struct split *split, const float *class_weights,
           int threads);

#endif
