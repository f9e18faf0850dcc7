/* Data sets whose images are records of large files. cifar.h and idx.h have them. */
#ifndef RECORD_SOURCE_H
#define RECORD_SOURCE_H

#include "data/dataset.h"

struct record_source {
    /* The folder itself or a usual one in it, if it holds this data, else NULL; the caller frees it. */
    char *(*find)(const char *folder);
    /* Fills in name, shape, classes and images; path is what `find` gave. Damage ends the program. */
    void (*read)(struct dataset *dataset);
};

#endif
