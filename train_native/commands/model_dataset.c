#include "commands/model_dataset.h"

#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/dataset_open.h"
#include "data/folder_entries.h"
#include "data/name_match.h"
#include "data/photo_list.h"
#include "model/model_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 3 /* classes in a message */ };

/* ---- The model's classes ---- */

/* Which of the model's classes each class of the data is; the caller frees it. */
static struct name_match *match(const struct dataset *dataset, const struct label_list *labels)
{
    bool same = dataset->classes == labels->count;
    for (int i = 0; same && i < labels->count; i++)
        same = strcmp(dataset->class_names[i], labels->texts[i]) == 0;
    if (!same)
        return name_match(dataset->class_names, dataset->classes, labels->texts, labels->count);
    struct name_match *found = allocate((size_t)labels->count, sizeof *found);
    for (int i = 0; i < labels->count; i++) /* even if two have one name */
        found[i] = (struct name_match){i, -1};
    return found;
}

/* ---- What does not fit ---- */

/* The first of the names, quoted; found: only those that it does not find, or NULL. The caller frees the text. */
static char *quoted(char *const *names, int count, const struct name_match *found)
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    for (int i = 0, named = 0; i < count && named <= NAMED; i++)
        if (!found || found[i].index < 0) {
            fputs(named ? ", " : "", out);
            fprintf(out, named < NAMED ? "\"%s\"" : "...", names[i]);
            named++;
        }
    text_close(out);
    return text;
}

/* What to do about classes that the model does not have; the caller frees the text. */
static char *hint_of(const struct dataset *dataset, const struct label_list *labels)
{
    char *table = dataset->photos && dataset->classes == 1 ? table_in(dataset->path) : NULL;
    char *hint =
        table ? text_format("If %s says what the images show, name it as the data.", table)
        : strcmp(labels->texts[0], "class 0") == 0
            ? text_copy("The model's classes have numbers for names: import it again, with --labels.")
            : text_copy("Call them as the model does, or take them out; --columns names another column of a CSV file.");
    free(table);
    return hint;
}

static bool refuse_unknown(struct failure *failure, const struct dataset *dataset, const struct label_list *labels,
                           const struct name_match *found)
{
    int unknown = 0;
    for (int i = 0; i < dataset->classes; i++)
        unknown += found[i].index < 0;
    char *names = quoted(dataset->class_names, dataset->classes, found);
    char *known = quoted(labels->texts, labels->count, NULL);
    char *hint = hint_of(dataset, labels);
    failure_set(failure, dataset->path, hint, "%d of its %d classes %s none of the model's %d (%s): %s", unknown,
                dataset->classes, unknown == 1 ? "is" : "are", labels->count, known, names);
    free(hint);
    free(names);
    free(known);
    return false;
}

static bool check_match(struct failure *failure, const struct dataset *dataset, const struct label_list *labels,
                        const struct name_match *found)
{
    for (int i = 0; i < dataset->classes; i++)
        if (found[i].index < 0)
            return refuse_unknown(failure, dataset, labels, found);
    for (int i = 0; i < dataset->classes; i++)
        if (found[i].other >= 0)
            return failure_set(failure, dataset->path,
                               "Call it by the whole label that is meant; for equal ones import the model again with "
                               "--labels that differ.",
                               "the class \"%s\" may be the model's class %d, \"%s\", or %d, \"%s\"",
                               dataset->class_names[i], found[i].index, labels->texts[found[i].index], found[i].other,
                               labels->texts[found[i].other]);
    return true;
}

/* ---- What fits ---- */

static void note_other_names(const struct dataset *dataset, const struct label_list *labels,
                             const struct name_match *found)
{
    int others = 0;
    for (int i = 0; i < dataset->classes; i++) {
        const char *label = labels->texts[found[i].index];
        if (strcmp(dataset->class_names[i], label) == 0 || others++ >= NAMED)
            continue;
        fputs(others == 1 ? "data: taken for the model's classes: " : ", ", stderr);
        print_escaped(stderr, dataset->class_names[i]);
        fputs(" (for \"", stderr);
        print_escaped(stderr, label);
        fputs("\")", stderr);
    }
    if (others > NAMED)
        fprintf(stderr, " and %d more", others - NAMED);
    fputs(others ? "\n" : "", stderr);
}

/* The model's classes in the place of the data's; takes the labels over. */
static void take_over(struct dataset *dataset, const struct label_list *labels, const struct name_match *found)
{
    for (int i = 0; i < dataset->count; i++)
        dataset->labels[i] = (uint16_t)found[dataset->labels[i]].index;
    for (int i = 0; i < dataset->classes; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    dataset->class_names = labels->texts;
    dataset->classes = labels->count;
}

bool model_dataset_try(struct dataset *dataset, const struct model *model, const struct data_options *options,
                       enum dataset_part part, struct failure *failure)
{
    struct data_options own = *options;
    own.any_classes = true;
    *dataset = dataset_open(&own, part);
    struct label_list labels = label_list_of(model);
    struct name_match *found = match(dataset, &labels);
    bool fits = check_match(failure, dataset, &labels, found);
    if (fits) {
        dataset_read(dataset, model->net.input, &model->preprocess);
        fits = dataset->count > 0 ||
               failure_set(failure, dataset->path, "--test sets the fraction that is test images: 0 to 1, all.",
                           "there are no %s images in it", part == DATASET_TEST ? "test" : "training");
    }
    if (fits) {
        note_other_names(dataset, &labels, found);
        take_over(dataset, &labels, found);
    } else {
        label_list_free(&labels);
        dataset_free(dataset);
    }
    free(found);
    return fits;
}

bool model_dataset_take_labels(struct dataset *dataset, const struct label_list *labels, struct failure *failure)
{
    struct name_match *found = match(dataset, labels);
    const int own = dataset->classes;
    const bool fits = check_match(failure, dataset, labels, found);
    if (fits) {
        note_other_names(dataset, labels, found);
        for (int i = 0; dataset->photos && i < dataset->photos->count; i++)
            dataset->photos->photos[i].label = (uint16_t)found[dataset->photos->photos[i].label].index;
        take_over(dataset, labels, found);
        if (own < labels->count)
            fprintf(stderr, "data: it has %d of the model's %d classes\n", own, labels->count);
    }
    free(found);
    return fits;
}

struct dataset model_dataset_open(const struct model *model, const struct data_options *options, enum dataset_part part)
{
    struct dataset dataset;
    struct failure failure;
    if (!model_dataset_try(&dataset, model, options, part, &failure))
        die_of(&failure);
    return dataset;
}

void model_dataset_fit(struct dataset *dataset, const struct model *model)
{
    dataset_fit(dataset, model->net.input, &model->preprocess);
}

/* ---- Classes with images ---- */

/* (classes), whether there is one; the caller frees it. */
static bool *classes_there(const struct dataset *dataset)
{
    bool *there = allocate((size_t)dataset->classes, sizeof *there);
    for (int i = 0; i < dataset->count; i++)
        there[dataset->labels[i]] = true;
    return there;
}

int model_dataset_measured(const struct dataset *dataset)
{
    bool *there = classes_there(dataset);
    int count = 0;
    for (int i = 0; i < dataset->classes; i++)
        count += there[i];
    free(there);
    return count;
}

void model_dataset_print_measured(const struct dataset *dataset)
{
    bool *there = classes_there(dataset);
    const int lacking = dataset->classes - model_dataset_measured(dataset);
    printf("classes    images of %s of the model's %s", format_thousands((uint64_t)(dataset->classes - lacking)),
           format_thousands((uint64_t)dataset->classes));
    for (int i = 0, named = 0; i < dataset->classes && named < NAMED; i++)
        if (!there[i]) {
            fputs(named++ ? ", \"" : ", none of \"", stdout);
            print_escaped(stdout, dataset->class_names[i]);
            fputs("\"", stdout);
        }
    if (lacking > NAMED)
        printf(" and %s more", format_thousands((uint64_t)(lacking - NAMED)));
    printf("\n");
    free(there);
}

void model_dataset_check_division(const struct dataset *dataset, const char *notes, const char *path)
{
    const char *note = model_file_note(notes, "split");
    char *own = dataset_division(dataset);
    if (note && own && dataset->options.test < 1) {
        char *line = text_copy_bytes(note, strcspn(note, "\n"));
        if (strcmp(line, own) != 0)
            die(path, "Repeat these options; or --test 1, for all images of a data set that it was not trained on.",
                "the model was trained with %s: with %s it would be tested on images it was trained on", line, own);
        free(line);
    }
    free(own);
}
