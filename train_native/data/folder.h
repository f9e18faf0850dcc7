/* Pictures in a folder for each class, laid out as layout.h finds; or, where labels do not matter, in any folder. */
#ifndef FOLDER_H
#define FOLDER_H

#include "data/dataset.h"
#include "data/photo_list.h"

/* All images in the folders of classes, and what else there is. The classes are those of the training part; another
 * part may lack some. What cannot be used ends the program: no class or just one, a class without images (unless
 * options->skip_empty), one that is in another part only. Prints to standard error what is not as one would think.
 *
 * options->unlabelled: a folder in which images stand beside folders, or that has no folders, is one class of all images
 * in it and in the folders within; options->parts "none" says so of any. */
struct photo_list *folder_list(const char *root, const struct data_options *options);

#endif
