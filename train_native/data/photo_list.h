/* Pictures in files: which there are, and what they show.
 *
 *     struct photo_list *list = folder_list("photos");       // folder.h; or csv_list("photos.csv", NULL)
 *
 * What cannot be used ends the program, with one line that names it. */
#ifndef PHOTO_LIST_H
#define PHOTO_LIST_H

#include <stdbool.h>
#include <stdint.h>

enum photo_part { PHOTO_TRAIN, PHOTO_VALIDATION, PHOTO_TEST, PHOTO_OPEN /* to be divided by us */ };

struct photo {
    char *path;
    const char *fault; /* what is wrong with its row in a CSV file; NULL: nothing */
    uint16_t label;
    uint8_t part; /* enum photo_part */
};

struct photo_list {
    const char *kind;     /* "a folder for each class" */
    struct photo *photos; /* (count), one of each class in turn */
    int count;
    char **class_names; /* (classes) */
    int classes;
    bool has_test, has_train;
    int ignored; /* files that are no images by their names */
};

void photo_list_free(struct photo_list *list);

/* ---- For those who make lists ---- */

/* As people count: img2 before img10; otherwise by bytes. */
int natural_order(const char *a, const char *b);

void photo_list_add(struct photo_list *list, const struct photo *photo);

/* Makes `names` the classes, once each and in natural order; takes them over. Refuses names that no model could
 * hold. */
void photo_list_name_classes(struct photo_list *list, char **names, int count, const char *source);

/* The index of a class, or -1. */
int photo_list_class(const struct photo_list *list, const char *name);

/* Puts the photos into their order. */
void photo_list_arrange(struct photo_list *list);

#endif
