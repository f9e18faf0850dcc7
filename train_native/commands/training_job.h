/* What a training run needs, made ready: the options that follow from the data, the network, the images.
 *
 *     struct training_job job = {.options = &options, .command = command};
 *     training_job_open(&job, argc, argv);              // finds the data, and what the options do not say
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

#include "commands/model_writer.h"
#include "commands/train_options.h"
#include "model/transfer.h"

struct training_job {
    struct train_options *options;
    const char *command; /* the command line */
    /* Filled in by training_job_open: */
    struct dataset dataset;
    /* Filled in by training_job_read: */
    struct net *net;
    struct split split;
    struct preprocess preprocess;
    struct transfer opened;
    const struct transfer *transfer; /* &opened; NULL without --from */
    int frozen_nodes, threads;
    float *class_weights; /* NULL: all 1 */
    char *identity;
    struct images images;
    struct subset train, validation;
    struct model_writer writer; /* points into the job, which stays where it is */
};

/* argv[0] is "train"; the options that were read from it are read again over the recipe that the data asks for. */
void training_job_open(struct training_job *job, int argc, char **argv);
void training_job_read(struct training_job *job);
void training_job_free(struct training_job *job);

/* *memory: the trainer's, which the caller frees. */
struct trainer *training_job_trainer(const struct training_job *job, void **memory);

/* Of the run's multiply-adds. */
gemm_function *training_job_gemm(const struct training_job *job);

#endif
