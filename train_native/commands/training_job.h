/* What a training run needs, made ready: the options that follow from the data, the network, the images.
 *
 *     struct training_job job = {.options = &options, .command = command};
 *     const struct training_arguments arguments = {argc, argv};
 *     training_job_open(&job, &arguments);              // finds the data, and what the options do not say
 *     training_job_read(&job);                          // the network, the images, the run's identity
 *     void *memory;
 *     struct trainer *trainer = training_job_trainer(&job, &memory);
 *     ... train ...
 *     free(memory);
 *     training_job_free(&job);
 *
 * What goes wrong ends the program. */
#ifndef TRAINING_JOB_H
#define TRAINING_JOB_H

#include "commands/job_options.h"
#include "commands/model_writer.h"
#include "commands/teaching.h"
#include "commands/train_options.h"
#include "model/transfer.h"

struct training_job {
    struct train_options *options;
    const char *command; /* the command line */
    /* Filled in by training_job_open: */
    struct dataset dataset;
    struct rival rival;
    /* The caller's: */
    bool contested;       /* a head on the rival's features has been trained, and its accuracy on the same images */
    double head_accuracy; /* is to be bettered */
    /* Filled in by training_job_read: */
    struct net *net;
    struct split split;
    struct preprocess preprocess;
    struct transfer opened;
    const struct transfer *transfer; /* &opened; NULL without --from */
    struct teaching teaching;        /* with --teacher; else zero */
    struct net *projected;           /* trained in place of net where that has to match an embedding; else NULL */
    struct net *small;               /* what is trained, with --small-size; else NULL */
    int frozen_nodes, threads;
    float *class_weights; /* NULL: all 1 */
    char *identity;
    struct images images;
    struct subset train, validation;
    struct model_writer writer; /* points into the job, which stays where it is */
};

/* Reads the options again over the recipe that the data asks for; without arguments (NULL) they stay as they are. */
void training_job_open(struct training_job *job, const struct training_arguments *arguments);
void training_job_read(struct training_job *job);
void training_job_free(struct training_job *job);

/* Where ranks have other data, options or programs than rank 0, the program ends; part of training_job_read. */
void training_job_compare(const struct training_job *job);

/* *memory: the trainer's, which the caller frees. */
struct trainer *training_job_trainer(const struct training_job *job, void **memory);

/* With --teacher: what it says of the training images, for the trainer; valid until training_job_free. */
void training_job_teach(struct training_job *job, struct trainer *trainer);

/* Of the run's multiply-adds. */
gemm_function *training_job_gemm(const struct training_job *job);

#endif
