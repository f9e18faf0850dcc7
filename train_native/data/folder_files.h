/* The files of a folder, and of all folders within, for a list of photos: as its images, or as what it leaves out. Links
 * to folders are not followed, for they may lead round in circles.
 *
 *     folder_files_add(list, "photos/cat", 0, PHOTO_TRAIN);
 *     const int images = folder_files_leave_out(list, "photos/unsorted", LEFT_UNLABELLED, true); */
#ifndef FOLDER_FILES_H
#define FOLDER_FILES_H

#include "data/photo_list.h"

/* As images of this class; what cannot be looked into counts as one that cannot be read. */
void folder_files_add(struct photo_list *list, const char *folder, int label, enum photo_part part);

/* Returns the number of images. deep: with the folders within. */
int folder_files_leave_out(struct photo_list *list, const char *folder, enum left_out reason, bool deep);

#endif
