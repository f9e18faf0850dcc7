#include "commands/class_notes.h"

#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMED = 8 /* at most, of the classes that are missing somewhere */ };

/* The images of each class among these; the caller frees them. */
static int *count_classes(const struct dataset *dataset, const int *indices, int count)
{
    int *counts = allocate((size_t)dataset->classes, sizeof(int));
    for (int i = 0; i < count; i++)
        counts[dataset->labels[indices[i]]]++;
    return counts;
}

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

static void note_imbalance(const struct dataset *dataset, const int *counts, bool balanced)
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
    fprintf(stderr, " has %s. %s\n", format_thousands((uint64_t)counts[smallest]),
            balanced
                ? "The loss weighs them alike (--class-weights balanced)."
                : "--class-weights balanced weighs them alike in the loss; more images of the small ones help more.");
}

void class_notes(const struct dataset *dataset, const struct split *split, bool balanced)
{
    int *train = count_classes(dataset, split->train, split->train_count);
    int *validation = count_classes(dataset, split->validation, split->validation_count);
    note_missing(dataset, train, "training has", "They will not be recognised.");
    if (split->validation_count)
        note_missing(dataset, validation, "validation holds",
                     "Its accuracy tells nothing of them: add images of them.");
    note_imbalance(dataset, train, balanced);
    free(validation);
    free(train);
}
