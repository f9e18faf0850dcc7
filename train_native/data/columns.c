#include "data/columns.h"

#include "data/column_facts.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DESCRIBED = 12, SHOWN_BYTES = 40 };

struct finding {
    struct columns *columns;
    const struct table *table;
    const struct column_facts *facts; /* (table's columns) */
    const char *path;
    struct failure *failure;
};

/* ---- Messages ---- */

static const char *header_of(const struct finding *f, int column)
{
    return f->columns->header ? table_field(f->table, &f->table->rows[0], column) : "";
}

/* A delimiter in words that fit into a message. */
static const char *delimiter_text(char delimiter)
{
    static _Thread_local char text[] = "`?`";
    text[1] = delimiter;
    return delimiter == '\t' ? "tabs" : delimiter == ' ' ? "spaces" : text;
}

/* 4 columns, divided by `;`: 1 "id" (1, 2), 2 "image" (a.png, b.png) ... */
static char *description(const struct finding *f)
{
    char *text;
    size_t size;
    const struct table *table = f->table;
    FILE *out = text_open(&text, &size);
    fprintf(out, "%d column%s, divided by %s:", table->columns, table->columns == 1 ? "" : "s",
            delimiter_text(table->delimiter));
    for (int c = 0; c < table->columns && c < MAX_DESCRIBED; c++) {
        fprintf(out, "%s %d", c ? "," : "", c + 1);
        if (*header_of(f, c))
            fprintf(out, " \"%.*s\"", SHOWN_BYTES, header_of(f, c));
        for (int i = 0; i < 2; i++)
            if (i + f->columns->header < table->count)
                fprintf(out, "%s%.*s", i ? ", " : " (", SHOWN_BYTES,
                        table_field(table, &table->rows[i + f->columns->header], c));
        fprintf(out, ")");
    }
    if (table->columns > MAX_DESCRIBED)
        fprintf(out, " and %d more", table->columns - MAX_DESCRIBED);
    text_close(out);
    return text;
}

/* How --columns calls a column: by its number where its name has what divides the option's parts. */
static const char *name_for_option(char buffer[16], const struct finding *f, int column)
{
    const char *name = header_of(f, column);
    snprintf(buffer, 16, "%d", column + 1);
    return *name && !strpbrk(name, ",= '\"\\") && strlen(name) <= SHOWN_BYTES ? name : buffer;
}

/* That it is not plain which column is what: `candidates` may be it, as far as is known. */
static bool fail_unclear(const struct finding *f, const char *what, const bool *candidates)
{
    char *said = description(f), *found, file[16], label[16], hint[200];
    size_t size;
    int first = -1, count = 0;
    FILE *out = text_open(&found, &size);
    for (int c = 0; c < f->table->columns; c++)
        if (candidates[c]) {
            fprintf(out, "%s%d", count++ ? " or " : "perhaps ", c + 1);
            first = first < 0 ? c : first;
        }
    text_close(out);
    const bool is_file = f->columns->file < 0;
    snprintf(hint, sizeof hint, "Name them: --columns file=%s,label=%s (part=NAME too, of train, val and test).",
             is_file && first < 0 ? "NAME" : name_for_option(file, f, is_file ? first : f->columns->file),
             is_file || first < 0 ? "NAME" : name_for_option(label, f, first));
    failure_set(f->failure, f->path, hint, "it is not plain which column has %s%s%s; there are %s", what,
                count ? ": " : "", found, said);
    free(found);
    free(said);
    return false;
}

/* ---- Names ---- */

/* Whether a header is one of the words, without regard to case, blanks and punctuation. */
static bool is_word(const char *header, const char *const *words)
{
    char letters[32];
    size_t length = 0;
    for (; *header; header++)
        if (isalnum((unsigned char)*header)) {
            if (length + 1 == sizeof letters)
                return false;
            letters[length++] = (char)tolower((unsigned char)*header);
        }
    letters[length] = 0;
    for (; *words; words++)
        if (strcmp(letters, *words) == 0)
            return true;
    return false;
}

static const char *const file_words[] = {"path",      "paths",     "file",  "files",         "filename",  "filenames",
                                         "filepath",  "filepaths", "image", "images",        "imagepath", "imagefile",
                                         "imagename", "imageid",   "img",   "imgpath",       "imgname",   "imgid",
                                         "photo",     "picture",   "fname", "imagefilename", NULL};
static const char *const label_words[] = {
    "label",   "labels", "class",     "classes",   "classname",    "classlabel", "category",    "categories", "target",
    "species", "breed",  "diagnosis", "labelname", "categoryname", "y",          "groundtruth", NULL};
static const char *const part_words[] = {"split", "subset", "partition", NULL};

/* ---- Header and files ---- */

/* The first row is a header if it has none of the table's values: its file is none, and nothing of it comes again. */
static bool has_header(const struct finding *f)
{
    const struct table_row *row = &f->table->rows[0];
    bool files = false, word = false, again = false;
    for (int c = 0; c < f->table->columns; c++) {
        const char *field = table_field(f->table, row, c);
        if (column_names_files(&f->facts[c]) || column_names_pictures(&f->facts[c])) {
            files = true;
            if (f->facts[c].first_is_file || has_picture_ending(field))
                return false;
        } else {
            again |= f->facts[c].first_again;
        }
        word |= is_word(field, file_words) || is_word(field, label_words);
    }
    return word ? true : files && !again;
}

/* How well a column suits, if it may hold the files at all; 0: it may not. */
static int file_rank(const struct finding *f, int column)
{
    const struct column_facts *facts = &f->facts[column];
    const bool word = is_word(header_of(f, column), file_words);
    if (column_names_files(facts))
        return 16 + 4 * word + 2 * (2 * facts->way.exact >= facts->way.found) + (facts->distinct == facts->rows);
    return column_names_pictures(facts) ? 8 + word : word;
}

static bool find_file(struct finding *f)
{
    bool *best = allocate((size_t)f->table->columns, sizeof *best);
    int max = 0, count = 0;
    for (int c = 0; c < f->table->columns; c++) {
        const int rank = file_rank(f, c);
        if (rank > max) {
            max = rank;
            count = 0;
            memset(best, 0, (size_t)f->table->columns * sizeof *best);
        }
        if (rank && rank == max) {
            best[c] = true;
            count++;
            f->columns->file = c;
        }
    }
    if (count != 1)
        f->columns->file = -1;
    const bool found = count == 1 || fail_unclear(f, "the images' files", best);
    free(best);
    return found;
}

/* ---- Parts and classes ---- */

static bool find_part(struct finding *f)
{
    for (int c = 0; c < f->table->columns; c++) {
        if (c == f->columns->file || c == f->columns->label)
            continue;
        const bool word = is_word(header_of(f, c), part_words);
        if (f->facts[c].all_parts && (word || f->facts[c].distinct > 1)) {
            f->columns->part = c;
        } else if (word) {
            char hint[120], file[16];
            snprintf(hint, sizeof hint,
                     "Write train, val and test there, or --columns file=%s,label=NAME to leave it out.",
                     name_for_option(file, f, f->columns->file));
            return failure_set(f->failure, f->path, hint, "column %d, \"%s\", has other words than train, val and test",
                               c + 1, header_of(f, c));
        }
    }
    return true;
}

/* Of columns that all say the same in other words (a number and a name for each class) one is enough: the first that is
 * not of numbers. */
static int one_of_equal(const struct finding *f, const bool *candidates)
{
    int first = -1, best = -1;
    for (int c = 0; c < f->table->columns; c++) {
        if (!candidates[c])
            continue;
        first = first < 0 ? c : first;
        if (!columns_divide_alike(&f->facts[first], &f->facts[c]))
            return -1;
        if (best < 0 || (f->facts[best].numbers && !f->facts[c].numbers))
            best = c;
    }
    return best;
}

/* Several columns of 0 and 1, of which one has the 1 in each row. */
static bool is_one_hot(struct finding *f, const bool *binary)
{
    f->columns->one_hot = allocate((size_t)f->table->columns, sizeof *f->columns->one_hot);
    memcpy(f->columns->one_hot, binary, (size_t)f->table->columns * sizeof *binary);
    for (int i = 1; i < f->table->count; i++)
        if (!columns_label(f->columns, f->table, &f->table->rows[i]))
            return false;
    return true;
}

static bool find_label(struct finding *f)
{
    enum { OTHER, NAMED, FEW, BINARY, KINDS };
    const int columns = f->table->columns;
    bool *is[KINDS];
    int count[KINDS] = {0};
    for (int kind = 0; kind < KINDS; kind++)
        is[kind] = allocate((size_t)columns, sizeof *is[kind]);
    for (int c = 0; c < columns; c++) {
        is[OTHER][c] = c != f->columns->file && c != f->columns->part && f->facts[c].distinct > 0;
        is[NAMED][c] = is[OTHER][c] && is_word(header_of(f, c), label_words);
        is[FEW][c] = is[OTHER][c] && column_has_few_values(&f->facts[c]);
        is[BINARY][c] = is[OTHER][c] && f->facts[c].binary;
        for (int kind = 0; kind < KINDS; kind++)
            count[kind] += is[kind][c];
    }
    int kind = count[OTHER] == 1 ? OTHER : count[NAMED] ? NAMED : count[FEW] ? FEW : OTHER;
    bool found = false;
    if (kind != NAMED && count[BINARY] > 1 && f->columns->header) {
        kind = BINARY;
        found = is_one_hot(f, is[BINARY]);
    } else if (kind != OTHER || count[OTHER] == 1) {
        f->columns->label = one_of_equal(f, is[kind]);
        found = f->columns->label >= 0;
    }
    if (!found)
        fail_unclear(f, "the classes", is[kind]);
    for (kind = 0; kind < KINDS; kind++)
        free(is[kind]);
    return found;
}

/* ---- The option ---- */

/* The column of this name or number, or -1. */
static int column_called(const struct finding *f, const char *name)
{
    for (int exact = 1; exact >= 0; exact--)
        for (int c = 0; c < f->table->columns; c++) {
            const char *own = table_field(f->table, &f->table->rows[0], c);
            if (*own && (exact ? strcmp(own, name) : strcasecmp(own, name)) == 0)
                return c;
        }
    char *end;
    const long number = strtol(name, &end, 10);
    return *end == 0 && end != name && number >= 1 && number <= f->table->columns ? (int)number - 1 : -1;
}

static bool read_option(struct finding *f, const char *option)
{
    static const char hint[] = "Like file=NAME,label=NAME,part=NAME; a name is one of the header, or a number from 1.";
    int *const targets[] = {&f->columns->file, &f->columns->label, &f->columns->part};
    static const char *const keys[] = {"file=", "label=", "part="};
    char *copy = text_copy(option), *rest = copy;
    bool good = true;
    for (char *word; good && (word = strsep(&rest, ","));) {
        int key = 0;
        while (key < 3 && strncmp(word, keys[key], strlen(keys[key])) != 0)
            key++;
        const char *name = key < 3 ? word + strlen(keys[key]) : "";
        const int column = column_called(f, name);
        if (!*name)
            good = failure_set(f->failure, "--columns", hint, "names no columns: \"%s\"", option);
        else if (column < 0) {
            char *said = description(f);
            good = failure_set(f->failure, f->path, hint, "has no column \"%s\"; there are %s", name, said);
            free(said);
        } else {
            *targets[key] = column;
            char *end;
            strtol(name, &end, 10);
            f->columns->header |= *end != 0; /* it stands in the first row */
        }
    }
    free(copy);
    return good;
}

bool columns_find(struct columns *columns, const struct table *table, const struct file_finder *finder,
                  const char *path, const char *option, struct failure *failure)
{
    *columns = (struct columns){-1, -1, -1, NULL, false, {0}};
    if (!table->count || table->columns < 2)
        return failure_set(failure, path, "A CSV file has a file and its class in each row.",
                           "there is no row with a file and a class in it");
    struct column_facts *facts = column_facts_of(table, finder);
    struct finding f = {columns, table, facts, path, failure};
    columns->header = has_header(&f);
    bool found = !option || read_option(&f, option);
    found = found && (columns->file >= 0 || find_file(&f)) && (option || find_part(&f)) &&
            (columns->label >= 0 || find_label(&f));
    if (found) {
        columns->way = facts[columns->file].way;
        if (columns->way.twice)
            found = failure_set(failure, path, "Write the folder in front of each name.",
                                "it is not plain which files are meant: \"%s\" is in more than one folder here",
                                columns->way.twice);
    }
    if (!found)
        free(columns->one_hot);
    column_facts_free(facts, table->columns);
    return found;
}

/* ---- What was found ---- */

const char *columns_label(const struct columns *columns, const struct table *table, const struct table_row *row)
{
    if (columns->label >= 0)
        return table_field(table, row, columns->label);
    const char *label = NULL;
    for (int c = 0; c < table->columns; c++) {
        if (!columns->one_hot[c] || strtod(table_field(table, row, c), NULL) != 1)
            continue;
        if (label)
            return NULL;
        label = table_field(table, &table->rows[0], c);
    }
    return label;
}

char *columns_words(const struct columns *columns, const struct table *table, const struct file_finder *finder)
{
    char *text, *folders = file_way_folders(finder, &columns->way);
    size_t size;
    const char *const what[] = {"files", "; classes", "; parts"};
    const int which[] = {columns->file, columns->label, columns->part};
    FILE *out = text_open(&text, &size);
    for (int i = 0; i < 3; i++) {
        const char *name = which[i] >= 0 && columns->header ? table_field(table, &table->rows[0], which[i]) : "";
        if (which[i] >= 0)
            fprintf(out, "%s: column %d%s%s%s", what[i], which[i] + 1, *name ? " \"" : "", name, *name ? "\"" : "");
        else if (i == 1)
            fprintf(out, "; classes: the column that has a 1");
        if (i == 0 && columns->way.stripped)
            fprintf(out, " without its first folders");
        if (i == 0 && *folders)
            fprintf(out, " in %s", folders);
    }
    fprintf(out, "; divided by %s", delimiter_text(table->delimiter));
    text_close(out);
    free(folders);
    return text;
}
