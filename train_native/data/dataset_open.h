/* Opens a data set, whose kind follows from its content, and reads its images.
 *
 *     a folder of CIFAR-10 or CIFAR-100 files, binary version
 *     a folder of MNIST or Fashion-MNIST files (IDX), also *.gz
 *     a folder with a folder of images for each class
 *     a CSV file, a row with a file and its class for each image (csv.h)
 *
 *     struct data_options options = usual_data;
 *     struct dataset train = dataset_open(&options, DATASET_TRAIN);  // path NULL: CIFAR-10 in the usual folders
 *     dataset_read(&train, net->input, &preprocess);  // images in files are decoded and resized here
 *     struct split split = split_dataset(&train, 0.1f, seed);  // split.h
 *     dataset_free(&train);  // dataset.h
 *
 * Pictures in files: JPEG, PNG and BMP, each class in a folder of its name, with whatever folders are in it; or so in
 * folders for training, test and validation, which layout.h finds. Classes are in natural order
 * (img2 before img10), files in the order of their bytes, and images one of each class in turn, so that the first N
 * are of all classes. Without a folder test, a fraction of every class is held out for it, drawn with a seed by the
 * images' pixels: the same for everyone who has the images, and never one image on both sides.
 *
 * Everything is read once; what becomes of the files afterwards does not matter. A file that cannot be read, is
 * damaged or is cut short is named, counted and left out; more than a fraction of them (5 %) ends the program, as does
 * a set that is damaged, a class without training images, and anything else that would mislead. */
#ifndef DATASET_OPEN_H
#define DATASET_OPEN_H

#include "data/dataset.h"

/* Whether dataset_open would find data without fetching it. */
bool dataset_is_there(const char *path);

/* Finds the data, its classes and, where it has a size of its own, its images. Prints to standard error what it
 * opened. */
struct dataset dataset_open(const struct data_options *options, enum dataset_part part);

/* Reads images in files, all cores at once, resized and over the background as the network's input asks for; never
 * more of them at full size than options.memory holds. Other data is there already. */
void dataset_read(struct dataset *dataset, struct shape input, const struct preprocess *preprocess);

#endif
