#include "commands/outliers.h"

#include "commands/picture_run.h"
#include "model/outlier.h"
#include "cli/errors.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "data/memory_budget.h"

struct reading {
    const struct text_list *paths;
    double *max_logits;
    int count, unreadable, classes;
};

static void add(void *context, int i, const struct picture_result *result)
{
    struct reading *reading = context;
    if (result->reason) {
        reading->unreadable++;
        warn(reading->paths->texts[i], NULL, "%s", result->reason);
    } else {
        reading->max_logits[reading->count++] = outlier_max_logit(result->logits, reading->classes);
    }
}

double *outliers_read(int *count, int *unreadable, const char *model, const char *folder, int threads)
{
    struct text_list paths = {0};
    picture_paths_add(&paths, folder, NULL);
    struct opened_classifier opened = open_classifier_or_die(model);
    struct reading reading = {.paths = &paths,
                              .max_logits = allocate((size_t)paths.count, sizeof(double)),
                              .classes = eyelet_classifier_classes(opened.classifier)};
    picture_run(&(struct picture_run){.classifier = opened.classifier,
                                      .paths = &paths,
                                      .threads = threads,
                                      .memory = MEMORY_UNSET,
                                      .context = &reading,
                                      .finished = add});
    if (!reading.count)
        die(folder, NULL, "none of the %d files is an image that can be read", paths.count);
    opened_classifier_free(&opened);
    text_list_free(&paths);
    *count = reading.count;
    *unreadable = reading.unreadable;
    return reading.max_logits;
}
