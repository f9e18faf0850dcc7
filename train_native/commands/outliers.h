/* For `eyelet evaluate --outliers`: images of what a model does not know.
 *
 *     int count, unreadable;
 *     double *max_logits = outliers_read(&count, &unreadable, "mine.eyelet", "other-photos", 0);
 *     free(max_logits); */
#ifndef OUTLIERS_H
#define OUTLIERS_H

/* The max logits (*count, 1 or more) of the images in the folder and in those within it, which the caller frees.
 * Unreadable ones are named; where all are, the program ends. threads 0: one per core. */
double *outliers_read(int *count, int *unreadable, const char *model, const char *folder, int threads);

#endif
