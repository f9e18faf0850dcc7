/* The runs of `eyelet train --sweep`: which values each has, and what came of it.
 *
 *     struct sweep_runs runs = sweep_runs_of(&options.sweep);
 *     for (int i = 0; i < runs.count; i++)
 *         printf("%s %s\n", runs.factors[0].option, sweep_value(&runs, i, 0));
 *     sweep_runs_free(&runs); */
#ifndef SWEEP_RUNS_H
#define SWEEP_RUNS_H

#include "cli/list.h"
#include "commands/child_run.h"

#include <stdbool.h>

enum { MAX_SWEEP_RUNS = 1000 };

struct sweep_runs {
    struct {
        char *option; /* "--learning-rate" */
        struct text_list values;
    } * factors;
    int factor_count, count;      /* count: the product of the numbers of values */
    struct train_result *results; /* (count), in memory that is shared with child processes */
    bool *complete;               /* (count), false: it failed, or was not begun */
};

/* Each text is OPTION=A,B; what is none ends the program. */
struct sweep_runs sweep_runs_of(const struct text_list *texts);
void sweep_runs_free(struct sweep_runs *runs);

/* Of the last factor the value changes from run to run. */
const char *sweep_value(const struct sweep_runs *runs, int run, int factor);

/* The runs (count), those of the highest accuracy first; what is not complete comes last. The caller frees them. */
int *sweep_order(const struct sweep_runs *runs);

/* Accuracies by the values of the first factor, a line for each combination of the others, with the 95 % intervals: an
 * SVG picture, which the caller frees. */
char *sweep_plot(const struct sweep_runs *runs);

#endif
