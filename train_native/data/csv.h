/* Pictures named by a CSV file. */
#ifndef CSV_H
#define CSV_H

#include "data/photo_list.h"

/* A CSV file (RFC 4180) of path and label, with or without a header; relative paths start from the file's folder. A
 * row that is not valid becomes a photo with a fault; a file that is none ends the program. */
struct photo_list *csv_list(const char *path);

#endif
