#include "data/csv.h"

#include "base/bounds.h"
#include "net/model.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIELDS = 2 };

static const char *fault_of(const struct table *table, const struct table_row *row)
{
    if (row->fields != FIELDS)
        return "expected two fields, `path,label`";
    if (!*table_field(table, row, 0))
        return "the path is empty";
    const char *label = table_field(table, row, 1);
    const size_t length = strlen(label);
    if (!length || length > LIMIT_LABEL || !text_valid(label, (int)length, false))
        return "the label is not 1 to 255 bytes of UTF-8 without control characters";
    return NULL;
}

static bool is_header(const struct table *table, const struct table_row *row)
{
    static const char *const paths[] = {"path", "file", "filename", "filepath", "image", "image_path"};
    static const char *const labels[] = {"label", "class", "category", "target"};
    bool path = false, label = false;
    if (row->fields != FIELDS)
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        path |= strcasecmp(table_field(table, row, 0), paths[i]) == 0;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        label |= strcasecmp(table_field(table, row, 1), labels[i]) == 0;
    return path && label;
}

static char *path_of(const char *csv, const char *name)
{
    const char *slash = strrchr(csv, '/');
    const int folder = slash ? (int)(slash - csv) + 1 : 0;
    return text_format("%.*s%s", *name == '/' ? 0 : folder, csv, name);
}

static struct table read_table(const char *path)
{
    size_t size;
    const char *reason;
    struct table table;
    struct failure failure;
    uint8_t *bytes = read_file(&size, &reason, path, TABLE_MAX_BYTES);
    if (!bytes)
        die(path, NULL, "%s", reason);
    if (!table_parse(&table, bytes, size, path, &failure))
        die_of(&failure);
    free(bytes);
    return table;
}

struct photo_list *csv_list(const char *path)
{
    struct table table = read_table(path);
    struct photo_list *list = allocate(1, sizeof *list);
    const char **labels = NULL; /* of the photos, until the classes are known */
    for (int i = 0; i < table.count; i++) {
        const struct table_row *row = &table.rows[i];
        if (i == 0 && is_header(&table, row))
            continue;
        const char *fault = fault_of(&table, row);
        labels = list_room(labels, list->count, sizeof *labels);
        labels[list->count] = fault ? NULL : table_field(&table, row, 1);
        char *file = fault ? text_format("%s:%d", path, row->line) : path_of(path, table_field(&table, row, 0));
        photo_list_add(list, &(struct photo){file, fault, 0, PHOTO_OPEN});
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
    table_free(&table);
    photo_list_arrange(list);
    return list;
}
