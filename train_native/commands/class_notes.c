#include "commands/class_notes.h"

#include "cli/escape.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMED = 8 /* at most, of the classes that are missing somewhere */ };

/* The classes with no image there, by name. */
static void note_missing(const struct dataset *dataset, const int *counts, const char *where, const char *hint)
{
    int missing = 0;
    for (int i = 0; i < dataset->classes; i++)
        missing += counts[i] == 0;
    if (!missing)
        return;
    fprintf(stderr, "data: %s no image of %d of %d classes: ", where, missing, dataset->classes);
    for (int i = 0, named = 0; i < dataset->classes && named < NAMED; i++)
        if (counts[i] == 0) {
            fputs(named++ ? ", " : "", stderr);
            print_escaped(stderr, dataset->class_names[i]);
        }
    fprintf(stderr, "%s. %s\n", missing > NAMED ? " and more" : "", hint);
}

static const char *const hints[] = {
    [CLASS_WEIGHTS_NONE] =
        "--class-weights balanced weighs them alike in the loss; more images of the small ones help more.",
    [CLASS_WEIGHTS_BALANCED] = "The loss weighs them alike (--class-weights balanced).",
};

static void note_imbalance(const struct dataset *dataset, const int *counts, enum class_weighting weighting)
{
    int smallest = -1, largest = -1;
    for (int i = 0; i < dataset->classes; i++) {
        if (counts[i] && (smallest < 0 || counts[i] < counts[smallest]))
            smallest = i;
        if (counts[i] && (largest < 0 || counts[i] > counts[largest]))
            largest = i;
    }
    if (largest < 0 || counts[largest] / NOTED_IMBALANCE < counts[smallest])
        return;
    fputs("data: the classes are imbalanced, ", stderr);
    fprintf(stderr, "%.3g to 1: ", (double)counts[largest] / counts[smallest]);
    print_escaped(stderr, dataset->class_names[largest]);
    fprintf(stderr, " has %s training images, ", format_thousands((uint64_t)counts[largest]));
    print_escaped(stderr, dataset->class_names[smallest]);
    fprintf(stderr, " has %s. %s\n", format_thousands((uint64_t)counts[smallest]), hints[weighting]);
}

void class_notes(const struct dataset *dataset, const struct split *split, enum class_weighting weighting,
                 bool may_lack)
{
    int *train = class_counts(dataset, split->train, split->train_count);
    int *validation = class_counts(dataset, split->validation, split->validation_count);
    if (!may_lack)
        note_missing(dataset, train, "training has", "They will not be recognised.");
    if (split->validation_count && !may_lack)
        note_missing(dataset, validation, "validation holds",
                     "Its accuracy tells nothing of them: add images of them.");
    note_imbalance(dataset, train, weighting);
    free(validation);
    free(train);
}
