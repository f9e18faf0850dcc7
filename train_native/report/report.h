/* Metrics of a model on labelled images, as JSON and as a page: one HTML file with plots and pictures that needs
 * no network and sends nothing. report.html is its template. */
#ifndef REPORT_H
#define REPORT_H

#include "model/evaluation.h"
#include "model/outlier.h"

#include <stdio.h>

struct report {
    const char *path, *command; /* of the model; what was typed */
    const struct model *model;
    const uint8_t *bytes; /* (size), the model's file */
    size_t size;
    const char *notes;
    const struct dataset *dataset; /* of which the first evaluation->count images were evaluated */
    const struct evaluation *evaluation;
    const char *views;
    const struct outlier_test *outliers; /* NULL: not measured */
};

/* One object, and a line feed. */
void report_print_json(FILE *out, const struct report *report);

/* Writes the page, with the training's log beside the model (MODEL.csv) as curves if it is there, and prints its size
 * to standard error. What goes wrong ends the program. */
void report_write(const char *path, const struct report *report);

#endif
