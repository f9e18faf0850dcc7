/* A linear probe: of a trained model only the head is trained, on cached features: the embeddings that the layers in
 * front of it, the trunk, compute of each image.
 *
 *     probe(&(struct probe){.writer = &writer, .transfer = &transfer, .train = &train, .validation = &validation,
 *                           .parallel = &parallel, .gemm = gemm_fast});       // writes the writer's model
 *
 * The trunk runs once over every image, with the exact kernels of inference. On its embeddings the head is softmax
 * regression: one minimum, which L-BFGS finds without a learning rate. The strength of the regularization (L2) is
 * chosen among a few on the validation images. The same bits for any number of threads. */
#ifndef PROBE_H
#define PROBE_H

#include "commands/model_writer.h"
#include "model/transfer.h"
#include "training/parallel.h"

struct probe {
    const struct model_writer *writer;
    const struct transfer *transfer;
    const struct subset *train, *validation; /* the latter may be empty */
    const float *class_weights;              /* (classes) what the losses of a class are multiplied with, or NULL */
    const struct parallel *parallel;
    gemm_function *gemm; /* of the regression */
};

/* A head that is not dense, or layers behind it but `scale` and the softmax, end the program. */
void probe(const struct probe *probe);

#endif
