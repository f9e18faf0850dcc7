/* Which column of a table has what: the files of pictures, their classes, their parts.
 *
 *     struct columns columns;
 *     if (!columns_find(&columns, &table, finder, "photos.csv", NULL, &failure))
 *         die_of(&failure);
 *     char *words = columns_words(&columns, &table, finder);      // files: column 2 "image"; classes: column 3 "label"
 *
 * The files are in the column of such a name ("image", "file_name" ...) or in the one whose fields name files that are
 * there; the classes in the column of such a name ("label", "class" ...) or in the other one with few distinct
 * fields, or in several of which one has a 1 in each row; the parts in a column of words like train, val and test.
 * The first row is a header where it names no file. What is not plain is a failure that tells what was found, and
 * what to write. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "cli/errors.h"
#include "data/file_finder.h"
#include "data/photo_list.h"
#include "data/table.h"

struct columns {
    int file, label, part; /* from 0; label: -1 if there are one_hot ones; part: -1 if there is none */
    bool *one_hot;         /* (table's columns): classes that have a 1 or a 0 in each row */
    bool header;
    struct file_way way;
};

/* option: `file=NAME,label=NAME,part=NAME`, of which each may be missing; a name is one of the header, or a number from
 * 1. With it there is no part but the one that it names. NULL: none. Free columns->one_hot when it has succeeded. */
bool columns_find(struct columns *columns, const struct table *table, const struct file_finder *finder,
                  const char *path, const char *option, struct failure *failure);

/* What was taken, in words; the caller frees it. */
char *columns_words(const struct columns *columns, const struct table *table, const struct file_finder *finder);

/* The class of a row; NULL if the row does not have exactly one. */
const char *columns_label(const struct columns *columns, const struct table *table, const struct table_row *row);

#endif
