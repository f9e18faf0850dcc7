/* What is in the columns of a table, by a sample of its rows but the first, which may be a header.
 *
 *     struct column_facts *facts = column_facts_of(&table, finder);       // (table.columns)
 *     bool files = column_names_files(&facts[0]);
 *     column_facts_free(facts, table.columns); */
#ifndef COLUMN_FACTS_H
#define COLUMN_FACTS_H

#include "data/file_finder.h"
#include "data/table.h"

struct column_facts {
    struct file_way way; /* how its fields name files, if they do */
    int names, pictures; /* fields that were looked for as files, and how many of them end as pictures do */
    bool first_is_file;  /* of the first row: whether it is one in the same way */
    bool first_again;    /* whether it stands in another row too */
    bool all_parts;      /* train, val, test and their like */
    bool binary;         /* 0 and 1 */
    bool numbers;        /* every field is a number */
    int rows, distinct;  /* sampled rows; different fields that are not empty in them */
    int *groups;         /* (rows), equal for equal fields: the first row that has it */
};

struct column_facts *column_facts_of(const struct table *table, const struct file_finder *finder);
void column_facts_free(struct column_facts *facts, int columns);

/* enum photo_part of a word like train, val or test; -1: it is none. */
int part_of_word(const char *word);

/* Whether half of the fields or more name files that are there; end as pictures' names do. */
bool column_names_files(const struct column_facts *facts);
bool column_names_pictures(const struct column_facts *facts);

/* Whether fields come again, as classes do and numbers of rows do not. */
bool column_has_few_values(const struct column_facts *facts);

/* Whether two columns divide the rows into the same groups. */
bool columns_divide_alike(const struct column_facts *a, const struct column_facts *b);

#endif
