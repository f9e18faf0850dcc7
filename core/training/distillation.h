/* Knowledge distillation (Hinton, Vinyals and Dean 2015): a network, the student, is trained on what another one, its
 * teacher, says of the images, beside their labels. The loss of an image is
 *
 *     (1 - weight) cross-entropy + weight T^2 KL(softmax(teacher / T) || softmax(student / T))
 *
 * T is the temperature; T^2 keeps the gradients as large as those of the labels, whatever it is.
 *
 *     const struct distillation distillation = {.logits = logits, .rows = rows, .views = 1, .temperature = 4,
 *                                               .weight = 0.5f};
 *     const struct soft_targets soft = {wanted, softened, targets, distillation.temperature, distillation.weight, n, c};
 *     cross_entropy_forward(losses, probabilities, student, targets, 0, n, c);
 *     for (int i = 0; i < n; i++)
 *         distillation_wanted(wanted + i * c, &distillation, images[i], false, c);
 *     distillation_forward(losses, student, &soft);
 *     cross_entropy_backward(dstudent, probabilities, targets, 0, 1.0f / n, n, c);
 *     distillation_backward(dstudent, &soft, 1.0f / n); */
#ifndef DISTILLATION_H
#define DISTILLATION_H

#include "training/loss.h"

#include <stdbool.h>

/* What the teacher says of the images of a data set, as they are, without augmentation. Views: it owns nothing. */
struct distillation {
    const float *logits; /* (images, views, c) */
    const int *rows;     /* which of them are an image's, by its index in the data set */
    int views;           /* 1: each image as it is; 2: and its mirror image */
    float temperature, weight;
    /* Its embeddings (embedding_matching.h), of each view (images, embedding_stride); NULL: they are not matched. */
    const float *embeddings[2];
    int embedding_stride;
    float embedding_weight;
};

/* What a batch should say, and says. */
struct soft_targets {
    const float *wanted;          /* (n, c) the teacher's probabilities at the temperature */
    float *softened;              /* (n, c) the student's, filled in by distillation_forward */
    const struct target *targets; /* (n) whose weights count here too */
    float temperature, weight;
    int n, c;
};

/* wanted (c): of an image, or of its mirror image, if there is a view of that. */
void distillation_wanted(float *wanted, const struct distillation *distillation, int image, bool mirrored, int c);

/* The teacher's embedding of an image, or of its mirror image, if there is a view of that. */
const float *distillation_embedding(const struct distillation *distillation, int image, bool mirrored);

/* wanted (c): becomes that of an image into which a fraction of another one was mixed. */
void distillation_mix(float *wanted, const float *other, float fraction, int c);

/* losses (n) of the labels become those of labels and teacher; logits (n, c). */
void distillation_forward(float *losses, const float *logits, const struct soft_targets *soft);

/* dlogits (n, c): the gradient of `factor` times the sum of the labels' losses becomes that of both. */
void distillation_backward(float *dlogits, const struct soft_targets *soft, float factor);

#endif
