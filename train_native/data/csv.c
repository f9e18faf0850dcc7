/* A CSV file of path and label: RFC 4180, with line feeds alone allowed. */
#include "data/csv.h"

#include "base/bounds.h"
#include "net/model.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILE_BYTES = 1 << 30, FIELDS = 2 };

/* One row, its fields unquoted in place. */
struct csv_row {
    char *field[FIELDS];
    int fields;
    int number; /* from 1 */
};

struct csv_reader {
    const char *path;
    char *at, *end;
    int row;
};

/* Reads a field and what ends it, which is returned: a comma, a line feed or 0 for the end of the file. */
static char read_field(struct csv_reader *reader, char **field)
{
    char *out = reader->at, *p = reader->at;
    *field = out;
    if (p < reader->end && *p == '"') {
        for (p++;; p++) {
            if (p == reader->end)
                die(reader->path, "Every \" needs a second one, and a \" in a field stands twice.",
                    "row %d: a quoted field has no end", reader->row);
            if (*p == '"' && (p + 1 == reader->end || *++p != '"'))
                break;
            *out++ = *p;
        }
        p += p + 1 == reader->end && *p == '"';
    }
    while (p < reader->end && *p != ',' && *p != '\n')
        *out++ = *p++;
    const char ended_by = p < reader->end ? *p : '\0';
    reader->at = p < reader->end ? p + 1 : p;
    if (ended_by != ',' && out > *field && out[-1] == '\r')
        out--;
    *out = 0;
    return ended_by;
}

/* False at the end. Lines with nothing on them are passed over. */
static bool read_row(struct csv_reader *reader, struct csv_row *row)
{
    do {
        if (reader->at >= reader->end)
            return false;
        *row = (struct csv_row){.number = ++reader->row};
        char *field, ended_by;
        do {
            ended_by = read_field(reader, &field);
            if (row->fields < FIELDS)
                row->field[row->fields] = field;
            row->fields++;
        } while (ended_by == ',');
    } while (row->fields == 1 && !*row->field[0]);
    return true;
}

static const char *fault_of(const struct csv_row *row)
{
    if (row->fields != FIELDS)
        return "expected two fields, `path,label`";
    if (!*row->field[0])
        return "the path is empty";
    const size_t length = strlen(row->field[1]);
    if (!length || length > LIMIT_LABEL || !text_valid(row->field[1], (int)length, false))
        return "the label is not 1 to 255 bytes of UTF-8 without control characters";
    return NULL;
}

static bool is_header(const struct csv_row *row)
{
    static const char *const paths[] = {"path", "file", "filename", "filepath", "image", "image_path"};
    static const char *const labels[] = {"label", "class", "category", "target"};
    bool path = false, label = false;
    if (row->fields != FIELDS)
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        path |= strcasecmp(row->field[0], paths[i]) == 0;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        label |= strcasecmp(row->field[1], labels[i]) == 0;
    return path && label;
}

static char *path_of(const struct csv_reader *reader, const struct csv_row *row, const char *fault)
{
    const char *slash = strrchr(reader->path, '/');
    const int folder = slash ? (int)(slash - reader->path) + 1 : 0;
    return fault ? text_format("%s:%d", reader->path, row->number)
                 : text_format("%.*s%s", *row->field[0] == '/' ? 0 : folder, reader->path, row->field[0]);
}

struct photo_list *csv_list(const char *path)
{
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, MAX_FILE_BYTES); /* a zero follows the last byte */
    if (!text)
        die(path, NULL, "%s", reason);
    if (memchr(text, 0, size))
        die(path, "A CSV file has a line `path,label` for each image.", "this is not a text file");
    const bool marked = strncmp(text, "\xef\xbb\xbf", 3) == 0; /* as Windows' programs mark UTF-8 */
    struct csv_reader reader = {path, text + (marked ? 3 : 0), text + size, 0};
    struct photo_list *list = allocate(1, sizeof *list);
    char **labels = NULL; /* of the photos, until the classes are known */
    struct csv_row row;
    while (read_row(&reader, &row)) {
        if (row.number == 1 && is_header(&row))
            continue;
        const char *fault = fault_of(&row);
        labels = list_room(labels, list->count, sizeof *labels);
        labels[list->count] = fault ? NULL : row.field[1];
        photo_list_add(list, &(struct photo){path_of(&reader, &row, fault), fault, 0, PHOTO_OPEN});
    }
    char **names = allocate((size_t)list->count + 1, sizeof *names);
    int named = 0;
    for (int i = 0; i < list->count; i++)
        if (labels[i])
            names[named++] = text_copy(labels[i]);
    if (!named)
        die(path, "A CSV file has a line `path,label` for each image.",
            "there is no row with a path and a label in it");
    photo_list_name_classes(list, names, named, path);
    for (int i = 0; i < list->count; i++)
        if (labels[i])
            list->photos[i].label = (uint16_t)photo_list_class(list, labels[i]);
    list->has_train = true;
    list->kind = "a CSV file";
    free(labels);
    free(text);
    photo_list_arrange(list);
    return list;
}
