/* Text in rows and columns: CSV (RFC 4180), and the same with other delimiters, encodings and line ends.
 *
 *     struct table table;
 *     struct failure failure;
 *     if (!table_parse(&table, bytes, size, "photos.csv", &failure))
 *         die_of(&failure);
 *     const char *first = table_field(&table, &table.rows[0], 0);
 *     table_free(&table);
 *
 * UTF-8 with or without a byte order mark, or UTF-16 with one. Lines end in CR LF, LF or CR. The delimiter is the one
 * of `,` `;` tab and `|` that gives most of the first rows one number of fields, or a space where none of them
 * divides, or what a first line `sep=;` names, as Excel has it. Blanks around a field that is not quoted do not
 * count, nor do lines with nothing on them. */
#ifndef TABLE_H
#define TABLE_H

#include "cli/errors.h"

#include <stddef.h>
#include <stdint.h>

enum { TABLE_MAX_BYTES = 1 << 30 };

struct table_row {
    uint32_t first; /* of its fields */
    int fields;
    int line; /* of the file that it begins on, from 1 */
};

struct table {
    char delimiter;
    struct table_row *rows;
    int count, columns; /* columns: the number of fields that most rows have */
    /* private: */
    char *text;       /* UTF-8; the fields stand in it, unquoted, each with a zero behind it */
    uint32_t *fields; /* where they start */
};

/* False, and nothing to free, for what is not a table: bytes that are no text, a quoted field without an end, more
 * than TABLE_MAX_BYTES. path: for the failure. */
bool table_parse(struct table *table, const uint8_t *bytes, size_t size, const char *path, struct failure *failure);
void table_free(struct table *table);

/* "" for a column that the row lacks. Valid as long as the table is. */
const char *table_field(const struct table *table, const struct table_row *row, int column);

#endif
