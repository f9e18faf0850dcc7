/* A data set that goes on with the pictures of the model that training starts from (taught.h): their classes beside its
 * own, and their thumbnails behind its images.
 *
 *     dataset.taught = taught_open("mine.eyelet");
 *     dataset_taught_classes(&dataset);      // once its own classes are known
 *     dataset_taught_images(&dataset);       // once its own images are read
 *
 * Classes of one name are one. The model's come first, in their order: where the data has no others, the model's own
 * head fits. */
#ifndef DATASET_TAUGHT_H
#define DATASET_TAUGHT_H

#include "data/dataset.h"

/* Both do nothing where nothing was taught. */
void dataset_taught_classes(struct dataset *dataset);

/* Prints to standard error what was added. */
void dataset_taught_images(struct dataset *dataset);

#endif
