/* Pictures named by a CSV file. */
#ifndef CSV_H
#define CSV_H

#include "data/photo_list.h"

/* A table (table.h) of files and their classes, and perhaps the parts of the data that they belong to; columns.h tells
 * which column has what, and how the user says so. Prints to standard error what it took. A row that is not valid and a
 * file that is missing become photos that cannot be read; a file that is no such table ends the program. columns: the
 * option, or NULL. */
struct photo_list *csv_list(const char *path, const char *columns);

#endif
