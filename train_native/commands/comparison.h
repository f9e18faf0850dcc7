/* A model before and after it was made smaller, on the same images.
 *
 *     struct comparison comparison = {.bytes_before = size, .bytes_after = small_size};
 *     comparison.before = evaluate_or_die(&(struct evaluation_input){bytes, size, &test, NULL, test.count, 0});
 *     comparison.after = evaluate_or_die(&(struct evaluation_input){small, small_size, &test, NULL, test.count, 0});
 *     comparison_print(&comparison, &test);
 *     comparison_free(&comparison); */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "model/evaluation.h"
#include "cli/json.h"

struct comparison {
    size_t bytes_before, bytes_after;
    struct evaluation before, after;
};

/* Sizes, accuracies and the classes that have lost most, to standard output. */
void comparison_print(const struct comparison *comparison, const struct dataset *dataset);

/* The same, of all classes, as members of an object. */
void comparison_json(struct json *json, const struct comparison *comparison, const struct dataset *dataset);

/* By how many percentage points the accuracy is lower. */
double comparison_loss(const struct comparison *comparison);

void comparison_free(struct comparison *comparison);

/* The notes of the model before, but for accuracies, which the one after does not have; the caller frees them. */
char *comparison_notes(const struct model *model);

#endif
