/* Measures a model on labelled images, with the exact kernels of inference: the scores of the browser, to the bit. */
#ifndef EVALUATION_H
#define EVALUATION_H

#include "training/calibration.h"
#include "data/dataset.h"
#include "net/model.h"

#include <stddef.h>
#include <stdint.h>

struct evaluation {
    int count, classes;
    float *logits;          /* (count, classes) */
    int *labels;            /* (count) */
    struct answer *answers; /* (count), with the model's temperature */
    int *confusion;         /* (classes, classes): images of the row's class taken for the column's */
    int correct, among_five;
    double seconds;
    double loss, calibration_error; /* of the answers; and what they would be with temperature 1: */
    double uncalibrated_loss, uncalibrated_error;
    struct bin bins[CALIBRATION_BINS]; /* of the answers */
};

/* Over how many views of an image the logits are averaged, for --views: the indices in this list. Test-time
 * augmentation as in airbench94: the image and its mirror, and, at half the weight, both of them moved by a pixel
 * along the diagonal, up and down. One view is the network's own logits, to the bit. */
extern const char *const evaluation_views[];

/* What is measured: the images at indices[0..count), or, with indices NULL, the first count. */
struct evaluation_input {
    const uint8_t *model;
    size_t size;
    const struct dataset *dataset;
    const int *indices;
    int count, views;
};

/* On every core (omp_set_num_threads limits them). The status of a model that cannot be opened or fails; then there
 * is nothing to free. */
enum status evaluation_run(struct evaluation *evaluation, const struct evaluation_input *input);
void evaluation_free(struct evaluation *evaluation);

double evaluation_accuracy(const struct evaluation *evaluation);

/* Of one class; 0 where there is nothing to divide by. */
struct class_scores {
    int images, answers, right; /* of this class; for it; both */
    double precision, recall, f1;
};
struct class_scores evaluation_class(const struct evaluation *evaluation, int class);

/* The answers with a score of at least this. */
struct threshold evaluation_above(const struct evaluation *evaluation, double score);

/* The fraction of the same images to which two models give the same class. */
double evaluation_agreement(const struct evaluation *a, const struct evaluation *b);

#endif
