/* What a teacher (--teacher) says of the training images, for knowledge distillation (training/distillation.h).
 *
 *     struct teaching teaching;
 *     teaching_open(&teaching, &dataset, &options);              // reads and checks the model
 *     char *identity = teaching_identity(&teaching);             // lines for the run's checkpoint
 *     const struct teaching_input input = {&dataset, &train, &validation, class_weights, &parallel, gemm};
 *     teaching_run(&teaching, &input);
 *     trainer->distillation = &teaching.distillation;            // valid until teaching_free
 *     teaching_free(&teaching);
 *
 * With --embedding-weight the student comes to the teacher's embedding, too (training/embedding_matching.h), each
 * number of it with a mean of 0 and a standard deviation of 1 over the training images.
 *
 * The teacher runs once over each image as it is and, where the student sees some in a mirror (--flip), over its mirror
 * image; what else augmentation does, the student alone sees. A teacher of other classes gets a head for the data's,
 * softmax regression on its embeddings as in probe.h, and that head's scores are what the student is to come to.
 *
 * Outputs of images in files are kept for the next run, and for --resume: embeddings or logits in MODEL.embeddings
 * (--embeddings), the scores of a head that was fitted in MODEL.teacher. The same bits for any number of threads, kept or
 * computed anew. What goes wrong ends the program. */
#ifndef TEACHING_H
#define TEACHING_H

#include "commands/train_options.h"
#include "model/teacher.h"
#include "training/distillation.h"

struct teaching {
    struct teacher teacher;
    struct distillation distillation; /* points to what follows */
    char *note;                       /* a line for a model's notes, with its end */
    /* private: */
    const struct train_options *options;
    float *logits;        /* (training images, views, classes) */
    float *embeddings[2]; /* (training images, features and a 1) of each view; NULL: they are not matched */
    int *rows;            /* (images of the data set) */
};

void teaching_open(struct teaching *teaching, const struct dataset *dataset, const struct train_options *options);
void teaching_free(struct teaching *teaching);

/* Lines with what of it decides the course of a run; the caller frees them. */
char *teaching_identity(const struct teaching *teaching);

struct teaching_input {
    const struct dataset *dataset;
    const struct subset *train, *validation; /* the latter may be empty */
    const float *class_weights;              /* (classes) or NULL */
    const struct parallel *parallel;
    gemm_function *gemm; /* of the head's regression */
};

void teaching_run(struct teaching *teaching, const struct teaching_input *input);

/* Removes the scores that were kept beside the model of these options. */
void teaching_remove(const struct train_options *options);

#endif
