/* The data set that a model is measured on. Its classes are found among the model's by their names (name_match.h), in
 * any order, and need not be all of them: behind this its labels are the model's classes, and its class_names the
 * model's labels.
 *
 *     struct dataset test = model_dataset_open(&model, &options, DATASET_TEST);
 *     model_dataset_fit(&test, &model);
 *     if (model_dataset_measured(&test) < test.classes)
 *         model_dataset_print_measured(&test);
 *     dataset_free(&test); */
#ifndef MODEL_DATASET_H
#define MODEL_DATASET_H

#include "cli/errors.h"
#include "commands/label_list.h"
#include "data/dataset.h"
#include "net/model.h"

#include <stdbool.h>

/* Opens and reads it, and prints names that are not the model's to the letter. One with a class that the model does not
 * have, or without an image in this part, ends the program. */
struct dataset model_dataset_open(const struct model *model, const struct data_options *options,
                                  enum dataset_part part);

/* The same with a failure instead; then there is nothing to free. What cannot be read ends the program all the same. */
bool model_dataset_try(struct dataset *dataset, const struct model *model, const struct data_options *options,
                       enum dataset_part part, struct failure *failure);

/* The same for labels of no model yet, of a data set that is opened and not yet read; takes them over. False, with
 * nothing changed, if it has a class that is not among them. */
bool model_dataset_take_labels(struct dataset *dataset, const struct label_list *labels, struct failure *failure);

/* Where `eyelet train` held out the test set, as the model's notes say, the same images must be held out here, or the
 * program ends, naming the model's path. */
void model_dataset_check_division(const struct dataset *dataset, const char *notes, const char *path);

/* Brings the images to the size of the model's input. */
void model_dataset_fit(struct dataset *dataset, const struct model *model);

/* How many of the classes have an image. */
int model_dataset_measured(const struct dataset *dataset);

/* A line to standard output for a table of metrics: how many that are, and some of those without. */
void model_dataset_print_measured(const struct dataset *dataset);

#endif
