/* Pictures in files: which there are, and what they show.
 *
 *     struct photo_list *list = folder_list("photos", &usual_data);       // folder.h; or csv_list("photos.csv", NULL)
 *
 * What cannot be used ends the program, with one line that names it. */
#ifndef PHOTO_LIST_H
#define PHOTO_LIST_H

#include <stdbool.h>
#include <stdint.h>

enum photo_part { PHOTO_TRAIN, PHOTO_VALIDATION, PHOTO_TEST, PHOTO_OPEN /* to be divided by us */ };

struct photo {
    char *path;
    const char *fault; /* why it cannot be read, or what is wrong with its row in a CSV file; NULL: nothing is known */
    uint16_t label;
    uint8_t part; /* enum photo_part */
};

/* Why a file is no photo of the list, though it stands in the folder. */
enum left_out {
    LEFT_UNLABELLED,
    LEFT_BESIDE_CLASSES,
    LEFT_BESIDE_PARTS,
    LEFT_SKIPPED_CLASS,
    LEFT_LINK,
    LEFT_NOT_IMAGE,
    LEFT_SYSTEM,
    LEFT_OUT_REASONS
};
extern const char *const left_out_texts[LEFT_OUT_REASONS];

struct left_out_file {
    char *path;
    uint8_t reason; /* enum left_out */
};

/* What was taken for a part of the data: a folder of folders of classes. */
struct photo_source {
    char *folder;
    uint8_t part; /* enum photo_part */
};

struct photo_list {
    const char *kind;     /* "a folder for each class" */
    struct photo *photos; /* (count), one of each class in turn */
    int count;
    char **class_names; /* (classes) */
    int classes;
    bool has_test, has_train;
    struct left_out_file *left_out; /* (left_out_count), sorted by reason, then by path */
    int left_out_count;
    struct photo_source *sources; /* (source_count), of a folder */
    int source_count;
};

void photo_list_free(struct photo_list *list);

/* How many files were left out for this reason. */
int photo_list_left_out(const struct photo_list *list, enum left_out reason);

/* ---- For those who make lists ---- */

/* As people count: img2 before img10; otherwise by bytes. */
int natural_order(const char *a, const char *b);

void photo_list_add(struct photo_list *list, const struct photo *photo);

/* Takes the path over. */
void photo_list_leave_out(struct photo_list *list, char *path, enum left_out reason);

/* Makes `names` the classes, once each and in natural order; takes them over. Refuses names that no model could
 * hold. */
void photo_list_name_classes(struct photo_list *list, char **names, int count, const char *source);

/* The index of a class, or -1. */
int photo_list_class(const struct photo_list *list, const char *name);

/* Puts the photos, and what was left out, into their order. */
void photo_list_arrange(struct photo_list *list);

#endif
