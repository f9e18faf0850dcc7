/* Measures a model on labelled images, with the exact kernels of inference: what the browser would say, to the bit. */
#ifndef EVALUATION_H
#define EVALUATION_H

#include "dataset.h"
#include "model.h"

#include <stddef.h>
#include <stdint.h>

struct evaluation {
    int count, classes;
    float *logits;   /* (count, classes) */
    int *confusion;  /* (classes, classes): images of the row's class taken for the column's */
    int correct, among_five;
    double loss, seconds;
    double calibration_error; /* expected calibration error (Guo et al. 2017), 15 bins of confidence */
};

/* Over how many views of an image the logits are averaged, for --views: the places in this list. Test-time augmentation as in
 * airbench94: the image and its mirror, and, at half the weight, both of them moved by a pixel along the diagonal, up and
 * down. One view is the network's own logits, to the bit. */
extern const char *const evaluation_views[];

/* Why the model's classes are not those of the data, in the same order; NULL if they are. The caller frees it. */
char *evaluation_mismatch(const struct model *model, const struct dataset *dataset);

/* On every core (omp_set_num_threads limits them). A model that fails ends the program. The data's classes are the
 * model's, and it has been fitted. */
struct evaluation evaluation_run(const uint8_t *model, size_t size, const struct dataset *dataset, int views);
void evaluation_free(struct evaluation *evaluation);

double evaluation_accuracy(const struct evaluation *evaluation);

/* On how many of the same images two models say the same; shares of 1. */
double evaluation_agreement(const struct evaluation *a, const struct evaluation *b);

#endif
