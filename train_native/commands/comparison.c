#include "commands/comparison.h"

#include "commands/model_dataset.h"
#include "model/interval.h"
#include "model/model_file.h"
#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

enum { WORST_SHOWN = 3 };

/* The recall of one class. */
struct class_change {
    int index;
    double before, after;
};

static int by_loss(const void *a, const void *b)
{
    const struct class_change *x = a, *y = b;
    const double loss_x = x->before - x->after, loss_y = y->before - y->after;
    return loss_x > loss_y ? -1 : loss_x < loss_y ? 1 : x->index - y->index;
}

/* Of the classes with images, by loss of recall, the largest first; the caller frees them. */
static struct class_change *changes_of(int *count, const struct evaluation *before, const struct evaluation *after)
{
    struct class_change *changes = allocate((size_t)before->classes, sizeof *changes);
    *count = 0;
    for (int k = 0; k < before->classes; k++) {
        const struct class_scores scores = evaluation_class(before, k);
        if (scores.images)
            changes[(*count)++] = (struct class_change){k, scores.recall, evaluation_class(after, k).recall};
    }
    qsort(changes, (size_t)*count, sizeof *changes, by_loss);
    return changes;
}

void comparison_print(const struct comparison *comparison, const struct dataset *dataset)
{
    const double before = evaluation_accuracy(&comparison->before), after = evaluation_accuracy(&comparison->after);
    printf("size       %s bytes before, %s after\n", format_thousands(comparison->bytes_before),
           format_thousands(comparison->bytes_after));
    printf("accuracy   %s before, %s after (%+.2f points); the two agree on %.2f %% of %s images\n",
           interval_percent(comparison->before.correct, dataset->count),
           interval_percent(comparison->after.correct, dataset->count), 100 * (after - before),
           100 * evaluation_agreement(&comparison->before, &comparison->after),
           format_thousands((uint64_t)dataset->count));
    if (model_dataset_measured(dataset) < dataset->classes)
        model_dataset_print_measured(dataset);
    int count;
    struct class_change *changes = changes_of(&count, &comparison->before, &comparison->after);
    printf("worst      ");
    for (int k = 0; k < WORST_SHOWN && k < count; k++) {
        printf("%s", k ? ", " : "");
        print_escaped(stdout, dataset->class_names[changes[k].index]);
        printf(" %.1f to %.1f %%", 100 * changes[k].before, 100 * changes[k].after);
    }
    printf("\n");
    free(changes);
}

void comparison_json(struct json *json, const struct comparison *comparison, const struct dataset *dataset)
{
    json_int(json, "bytes_before", (int64_t)comparison->bytes_before);
    json_int(json, "bytes_after", (int64_t)comparison->bytes_after);
    json_int(json, "images", dataset->count);
    json_number(json, "accuracy_before", "%.6f", evaluation_accuracy(&comparison->before));
    interval_json(json, "interval_before", comparison->before.correct, dataset->count);
    json_number(json, "accuracy_after", "%.6f", evaluation_accuracy(&comparison->after));
    interval_json(json, "interval_after", comparison->after.correct, dataset->count);
    json_number(json, "agreement", "%.6f", evaluation_agreement(&comparison->before, &comparison->after));
    int count;
    struct class_change *changes = changes_of(&count, &comparison->before, &comparison->after);
    json_int(json, "measured_classes", count);
    json_array(json, "classes");
    for (int k = 0; k < count; k++) {
        json_object(json, NULL);
        json_text(json, "label", dataset->class_names[changes[k].index]);
        json_number(json, "before", "%.6f", changes[k].before);
        json_number(json, "after", "%.6f", changes[k].after);
        json_close(json);
    }
    json_close(json);
    free(changes);
}

double comparison_loss(const struct comparison *comparison)
{
    return 100 * (evaluation_accuracy(&comparison->before) - evaluation_accuracy(&comparison->after));
}

void comparison_free(struct comparison *comparison)
{
    evaluation_free(&comparison->before);
    evaluation_free(&comparison->after);
}

char *comparison_notes(const struct model *model)
{
    char *old = model_file_notes(model), *kept = allocate(strlen(old) + 1, 1);
    for (const char *line = old; *line;) {
        const size_t length = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
        if (strncmp(line, "accuracy", strlen("accuracy")) != 0)
            strncat(kept, line, length);
        line += length;
    }
    free(old);
    return kept;
}
