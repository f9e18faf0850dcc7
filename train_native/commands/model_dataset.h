/* The data set that a model is measured on.
 *
 *     struct dataset test = model_dataset_open(&model, argv[1], &options, DATASET_TEST);
 *     model_dataset_fit(&test, &model, limit);
 *     dataset_free(&test); */
#ifndef MODEL_DATASET_H
#define MODEL_DATASET_H

#include "data/dataset.h"
#include "net/model.h"

/* Opens and reads it. One with other classes than the model's ends the program, naming the model's path. */
struct dataset model_dataset_open(const struct model *model, const char *path, const struct data_options *options,
                                  enum dataset_part part);

/* Keeps the first `limit` images (0: all) and brings them to the size of the model's input. */
void model_dataset_fit(struct dataset *dataset, const struct model *model, int limit);

#endif
