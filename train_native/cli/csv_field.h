/* A text as a field of a CSV file (RFC 4180).
 *
 *     print_csv_field(out, "a \"b\".png");                 // "a ""b"".png"
 */
#ifndef CSV_FIELD_H
#define CSV_FIELD_H

#include <stdio.h>

/* In quotes where it needs them. */
void print_csv_field(FILE *out, const char *text);

#endif
