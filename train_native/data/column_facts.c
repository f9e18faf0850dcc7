#include "data/column_facts.h"

#include "data/photo_list.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES = 50, ROWS = 10000 };

bool column_names_files(const struct column_facts *facts)
{
    return facts->names && 2 * facts->way.found >= facts->names;
}

bool column_names_pictures(const struct column_facts *facts)
{
    return facts->names && 2 * facts->pictures >= facts->names;
}

bool column_has_few_values(const struct column_facts *facts)
{
    return facts->distinct > 1 && facts->distinct <= (facts->rows > 4 ? facts->rows / 2 : 2);
}

bool columns_divide_alike(const struct column_facts *a, const struct column_facts *b)
{
    return memcmp(a->groups, b->groups, (size_t)a->rows * sizeof *a->groups) == 0;
}

int part_of_word(const char *word)
{
    static const struct {
        const char *word;
        enum photo_part part;
    } parts[] = {{"train", PHOTO_TRAIN},      {"training", PHOTO_TRAIN},        {"val", PHOTO_VALIDATION},
                 {"valid", PHOTO_VALIDATION}, {"validation", PHOTO_VALIDATION}, {"dev", PHOTO_VALIDATION},
                 {"test", PHOTO_TEST},        {"testing", PHOTO_TEST}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasecmp(word, parts[i].word) == 0)
            return (int)parts[i].part;
    return -1;
}

/* Row i of a sample of `count`, evenly from all but the first. */
static const char *sampled(const struct table *table, int column, int i, int count)
{
    const int row = 1 + (int)((int64_t)i * (table->count - 1) / count);
    return table_field(table, &table->rows[row], column);
}

static int sample_size(const struct table *table, int max) { return table->count - 1 < max ? table->count - 1 : max; }

static void look_for_files(struct column_facts *facts, const struct table *table, int column,
                           const struct file_finder *finder)
{
    const char *names[NAMES];
    const int count = sample_size(table, NAMES);
    for (int i = 0; i < count; i++) {
        names[facts->names] = sampled(table, column, i, count);
        facts->pictures += has_picture_ending(names[facts->names]);
        facts->names += *names[facts->names] != 0;
    }
    facts->way = file_way_of(finder, names, facts->names);
    char *first = file_find(finder, &facts->way, table_field(table, &table->rows[0], column));
    facts->first_is_file = first != NULL;
    free(first);
}

struct field {
    const char *text;
    int row;
};

static int by_text(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order ? order : x->row - y->row;
}

static void count_values(struct column_facts *facts, const struct table *table, int column)
{
    const int count = facts->rows = sample_size(table, ROWS);
    const char *first = table_field(table, &table->rows[0], column);
    struct field *fields = allocate((size_t)count, sizeof *fields);
    facts->groups = allocate((size_t)count, sizeof *facts->groups);
    for (int i = 0; i < count; i++)
        fields[i] = (struct field){sampled(table, column, i, count), i};
    qsort(fields, (size_t)count, sizeof *fields, by_text);
    facts->all_parts = facts->binary = facts->numbers = true;
    for (int i = 0, start = 0; i < count; i++) {
        const char *text = fields[i].text;
        const bool fresh = i == 0 || strcmp(text, fields[start].text) != 0;
        start = fresh ? i : start;
        facts->groups[fields[i].row] = fields[start].row;
        if (!fresh)
            continue;
        char *end;
        const double number = strtod(text, &end);
        facts->numbers &= *text && !*end;
        facts->binary &= *text && !*end && (number == 0 || number == 1);
        facts->distinct += *text != 0;
        facts->all_parts &= !*text || part_of_word(text) >= 0;
        facts->first_again |= *text && strcmp(text, first) == 0;
    }
    facts->all_parts &= facts->distinct > 0;
    free(fields);
}

struct column_facts *column_facts_of(const struct table *table, const struct file_finder *finder)
{
    struct column_facts *facts = allocate((size_t)table->columns, sizeof *facts);
    for (int c = 0; c < table->columns; c++) {
        count_values(&facts[c], table, c);
        facts[c].way = file_way_of(finder, NULL, 0);
        if (!facts[c].binary || facts[c].rows == facts[c].distinct) /* there may be a thousand of such */
            look_for_files(&facts[c], table, c, finder);
    }
    return facts;
}

void column_facts_free(struct column_facts *facts, int columns)
{
    for (int c = 0; c < columns; c++)
        free(facts[c].groups);
    free(facts);
}
