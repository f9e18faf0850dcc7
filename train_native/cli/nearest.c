#include "cli/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int min(int a, int b) { return a < b ? a : b; }

static int lower(const char *text, int i) { return tolower((unsigned char)text[i]); }

/* Optimal string alignment: Levenshtein's distance in which two letters that have changed places count as one. */
static int distance_of(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][MAX_NEAREST + 1]; /* of the beginnings of a with i, i - 1, i - 2 letters, to those of b with j */
    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + (lower(a, i - 1) != lower(b, j - 1)));
            if (i > 1 && j > 1 && lower(a, i - 1) == lower(b, j - 2) && lower(a, i - 2) == lower(b, j - 1))
                row[j] = min(row[j], second[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

void nearest_add(struct nearest *nearest, const char *name)
{
    const size_t text_length = strlen(nearest->text), name_length = strlen(name);
    if (text_length > MAX_NEAREST || name_length > MAX_NEAREST)
        return;
    const int distance = distance_of(nearest->text, (int)text_length, name, (int)name_length);
    if (3 * distance <= (int)name_length && (!nearest->name || distance < nearest->distance)) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

const char *nearest_hint(char hint[NEAREST_HINT], const struct nearest *nearest, const char *before)
{
    *hint = 0;
    if (nearest->name)
        snprintf(hint, NEAREST_HINT, "; did you mean \"%s%s\"?", before, nearest->name);
    return hint;
}
