#include "data/csv.h"

#include "base/bounds.h"
#include "net/model.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/column_facts.h"
#include "data/columns.h"
#include "data/file_finder.h"
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is wrong with a row; NULL: nothing. */
static const char *fault_of(const struct columns *columns, const struct table *table, const struct table_row *row)
{
    int fields = row->fields;
    while (fields > table->columns && !*table_field(table, row, fields - 1))
        fields--;
    if (fields > table->columns)
        return "the row has more fields than the others";
    if (!*table_field(table, row, columns->file))
        return "the row names no file";
    const char *label = columns_label(columns, table, row);
    if (!label)
        return "not exactly one of the classes has a 1";
    const size_t length = strlen(label);
    if (!length || length > LIMIT_LABEL || !text_valid(label, (int)length, false))
        return "the label is not 1 to 255 bytes of UTF-8 without control characters";
    if (columns->part >= 0 && part_of_word(table_field(table, row, columns->part)) < 0)
        return "the part is none of train, val and test";
    return NULL;
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

static struct photo photo_of(const struct columns *columns, const struct file_finder *finder, const char *name)
{
    char *file = file_find(finder, &columns->way, name);
    return (struct photo){.path = file ? file : file_expected(finder, &columns->way, name), .part = PHOTO_OPEN};
}

/* Adds the rows; returns their classes (list->count), NULL for one with a fault, in the table's text. */
static const char **add_rows(struct photo_list *list, const struct columns *columns, const struct table *table,
                             const struct file_finder *finder, const char *path)
{
    const char **labels = NULL;
    for (int i = columns->header; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        const char *fault = fault_of(columns, table, row);
        struct photo photo = fault ? (struct photo){text_format("%s:%d", path, row->line), fault, 0, PHOTO_OPEN}
                                   : photo_of(columns, finder, table_field(table, row, columns->file));
        if (!fault && columns->part >= 0)
            photo.part = (uint8_t)part_of_word(table_field(table, row, columns->part));
        labels = list_room(labels, list->count, sizeof *labels);
        labels[list->count] = fault ? NULL : columns_label(columns, table, row);
        list->has_test |= photo.part == PHOTO_TEST;
        list->has_train |= photo.part == PHOTO_TRAIN || photo.part == PHOTO_OPEN;
        photo_list_add(list, &photo);
    }
    for (int i = 0; i < list->count && !list->has_test; i++)
        list->photos[i].part = list->photos[i].part == PHOTO_TRAIN ? PHOTO_OPEN : list->photos[i].part;
    return labels;
}

struct photo_list *csv_list(const char *path, const char *option)
{
    struct table table = read_table(path);
    struct file_finder *finder = file_finder_new(path);
    struct columns columns;
    struct failure failure;
    if (!columns_find(&columns, &table, finder, path, option, &failure))
        die_of(&failure);
    char *words = columns_words(&columns, &table, finder);
    fputs("data: ", stderr);
    print_escaped(stderr, path);
    fputs(": ", stderr);
    print_escaped(stderr, words);
    fputs("\n", stderr);
    free(words);
    struct photo_list *list = allocate(1, sizeof *list);
    const char **labels = add_rows(list, &columns, &table, finder, path);
    char **names = allocate((size_t)list->count + 1, sizeof *names);
    int named = 0;
    for (int i = 0; i < list->count; i++)
        if (labels[i])
            names[named++] = text_copy(labels[i]);
    if (!named)
        die(path, "A CSV file has a file and its class in each row.", "there is no row with a file and a class in it");
    photo_list_name_classes(list, names, named, path);
    for (int i = 0; i < list->count; i++)
        if (labels[i])
            list->photos[i].label = (uint16_t)photo_list_class(list, labels[i]);
    list->kind = "a CSV file";
    free(labels);
    free(columns.one_hot);
    file_finder_free(finder);
    table_free(&table);
    photo_list_arrange(list);
    return list;
}
