/* A linear probe: of a trained model only the head is trained, on cached features: the embeddings that the layers in
 * front of it, the trunk, compute of each image.
 *
 *     struct epoch_result measured =
 *         probe(transfer.parameters, &(struct probe){.writer = &writer, .transfer = &transfer, .train = &train,
 *                                                    .validation = &validation, .parallel = &parallel,
 *                                                    .gemm = gemm_fast, .cache = "mine.embeddings"});
 *
 * The trunk runs once over every image, or over every view of the training images (--views), with the exact kernels of
 * inference. On these embeddings the head is softmax regression: one minimum, which L-BFGS finds without a learning
 * rate. The strength of the regularization (L2) is chosen among a few on the validation images. The same bits for any
 * number of threads. */
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
    const char *cache;   /* the file that keeps embeddings (embedding_cache.h), or NULL */
};

/* Puts the head's weights where they belong in the flat array; returns how it does on the validation images. A head
 * that is not dense, or layers behind it but `scale` and the softmax, end the program; so does want of memory. */
struct epoch_result probe(float *parameters, const struct probe *probe);

#endif
