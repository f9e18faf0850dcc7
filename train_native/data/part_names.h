/* The parts of a data set by the names of their folders, or as the user names them.
 *
 *     part_named("training_set");    // PHOTO_TRAIN; -1 of a name that says nothing
 *     struct named_parts parts = parts_parse("train=a,train=b,test=c");
 *     named_parts_free(&parts); */
#ifndef PART_NAMES_H
#define PART_NAMES_H

#include <stdbool.h>

/* enum photo_part of a folder's name: one of its words says it (train, training; val, valid, validation, dev; test,
 * testing, eval, evaluation; fold, of which each is for training), with numbers or not, as in Test, train_set,
 * seg_train, images-train, val2017, fold3. -1: none, or two that do not agree. */
int part_named(const char *name);

/* Whether it is one of several folds for cross-validation. */
bool is_fold(const char *name);

/* What --parts says. */
struct named_part {
    char *folder; /* below the data set's; "." is itself */
    int part;     /* enum photo_part */
};
struct named_parts {
    struct named_part *parts;
    int count; /* 0: "none", the folders are classes */
};

/* The program ends on a text that is none. */
struct named_parts parts_parse(const char *text);
void named_parts_free(struct named_parts *parts);

#endif
