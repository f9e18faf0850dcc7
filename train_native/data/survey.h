/* The measurements of `eyelet doctor`: what a data set is like. survey_judge.h says what that means.
 *
 *     struct survey survey = survey_of(&options);
 *     printf("%d images, %d of them cannot be read\n", survey.count, survey.unreadable);
 *     survey_free(&survey); */
#ifndef SURVEY_H
#define SURVEY_H

#include "data/dataset.h"
#include "data/photo_list.h"
#include "data/photos.h"

enum { SURVEY_PARTS = 4, MAX_FINDINGS = 32 }; /* by enum photo_part */
extern const char *const survey_parts[SURVEY_PARTS];

struct size {
    int width, height;
};

/* Images that are equal or alike. */
struct survey_group {
    bool equal, across_classes, across_parts;
    int count, *indices;
};

struct survey {
    struct dataset *sets; /* one of images in files; or one for each part */
    int set_count;
    int count;                 /* images, with those that cannot be read */
    char **files;              /* (count); owned, "train image 17" of records */
    uint16_t *labels;          /* (count) */
    uint8_t *parts;            /* (count), enum photo_part */
    uint64_t *contents;        /* (count) */
    struct photo_facts *facts; /* (count); NULL: records, which have none of these faults */
    int classes;
    char **class_names;
    int *counts; /* (classes, SURVEY_PARTS), of what can be read */
    bool has_part[SURVEY_PARTS];
    int unreadable, rotated, transparent, misnamed, narrow, small, by_another; /* decoder than core's */
    struct size min_size, median_size, max_size;                               /* by area */
    struct survey_group *groups;
    int group_count;
    int repeated;                                       /* images beyond the first of each group of equal ones */
    char *problems[MAX_FINDINGS], *notes[MAX_FINDINGS]; /* sentences; survey_judge.h */
    int problem_count, note_count;
};

enum { NARROW = 3, SMALL = 32 }; /* aspect ratio from which on, and side below which, an image is counted */

struct survey survey_of(const struct data_options *options);
void survey_free(struct survey *survey);

/* Whether the file's name has the extension of another format. */
bool survey_misnamed(const struct survey *survey, int index);

#endif
