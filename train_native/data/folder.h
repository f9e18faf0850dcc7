/* Pictures in a folder for each class. */
#ifndef FOLDER_H
#define FOLDER_H

#include "data/photo_list.h"

/* A folder of folders, one for each class; or such ones in folders train, test, val. What cannot be used ends the
 * program. */
struct photo_list *folder_list(const char *root);

#endif
