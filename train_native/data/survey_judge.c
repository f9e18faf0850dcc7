#include "data/survey_judge.h"

#include "data/name_key.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_IMBALANCE = 50, FEW = 10 };
static const double max_near_duplicates = 0.01; /* fraction */

static void add(char **list, int *count, const char *format, va_list arguments)
{
    assert(*count < MAX_FINDINGS);
    list[(*count)++] = text_format_list(format, arguments);
}

__attribute__((format(printf, 2, 3))) static void add_problem(struct survey *survey, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(survey->problems, &survey->problem_count, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void add_note(struct survey *survey, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(survey->notes, &survey->note_count, format, arguments);
    va_end(arguments);
}

/* Training images of a class. */
static int training_count(const struct survey *survey, int label)
{
    const int *counts = survey->counts + label * SURVEY_PARTS;
    return counts[PHOTO_TRAIN] + counts[PHOTO_OPEN];
}

static void note_counts(struct survey *survey, int rarest, int commonest)
{
    const int few = training_count(survey, rarest), many = training_count(survey, commonest);
    if (many && few < FEW)
        add_note(survey, "training images of the class \"%s\": only %d", survey->class_names[rarest], few);
    if (many && many >= NOTED_IMBALANCE * few)
        add_note(survey,
                 "the classes are imbalanced, %.3g to 1: \"%s\" has %s training images, \"%s\" has %s "
                 "(`eyelet train --class-weights balanced`)",
                 (double)many / few, survey->class_names[commonest], format_thousands((uint64_t)many),
                 survey->class_names[rarest], format_thousands((uint64_t)few));
}

static void judge_counts(struct survey *survey)
{
    int rarest = 0, commonest = 0;
    for (int i = 1; i < survey->classes; i++) {
        rarest = training_count(survey, i) < training_count(survey, rarest) ? i : rarest;
        commonest = training_count(survey, i) > training_count(survey, commonest) ? i : commonest;
    }
    const int few = training_count(survey, rarest), many = training_count(survey, commonest);
    if (many && few < 2)
        add_problem(survey, "training images of the class \"%s\" that can be read: %d", survey->class_names[rarest],
                    few);
    else if (many > MAX_IMBALANCE * few)
        add_problem(
            survey,
            "the class \"%s\" has %s training images, \"%s\" only %s, less than a %dth: it will hardly be learned",
            survey->class_names[commonest], format_thousands((uint64_t)many), survey->class_names[rarest],
            format_thousands((uint64_t)few), MAX_IMBALANCE);
    else
        note_counts(survey, rarest, commonest);
}

/* Validation and test sets may lack a class. */
static void judge_parts(struct survey *survey)
{
    for (int part = PHOTO_VALIDATION; part <= PHOTO_TEST; part++) {
        int missing = 0, first = 0;
        for (int i = survey->classes - 1; i >= 0; i--)
            if (!survey->counts[i * SURVEY_PARTS + part]) {
                missing++;
                first = i;
            }
        if (survey->has_part[part] && missing)
            add_note(survey, "classes without %s images: %s of %s, like \"%s\"", survey_parts[part],
                     format_thousands((uint64_t)missing), format_thousands((uint64_t)survey->classes),
                     survey->class_names[first]);
    }
}

static void judge_names(struct survey *survey)
{
    int count;
    char *twins = name_key_twins(&count, survey->class_names, survey->classes);
    if (twins)
        add_note(survey, "classes whose names a person would take for one (%d): %s", count, twins);
    free(twins);
}

static void judge_left_out(struct survey *survey)
{
    const struct photo_list *list = survey->sets[0].photos;
    for (int reason = 0; list && reason < LEFT_SYSTEM; reason++) {
        const int count = photo_list_left_out(list, (enum left_out)reason);
        if (count)
            add_note(survey, "left out: %s: %s", left_out_texts[reason], format_thousands((uint64_t)count));
    }
}

static void judge_duplicates(struct survey *survey)
{
    int classes[2] = {0}, parts[2] = {0}, alike = 0; /* images; [1]: of equal ones */
    for (int g = 0; g < survey->group_count; g++) {
        const struct survey_group *group = &survey->groups[g];
        classes[group->equal] += group->across_classes ? group->count : 0;
        parts[group->equal] += group->across_parts ? group->count : 0;
        alike += group->equal ? 0 : group->count;
    }
    const double max_near = max_near_duplicates * survey->count;
    if (classes[true])
        add_problem(survey, "duplicates in two classes or more, equal pixel by pixel: %s",
                    format_thousands((uint64_t)classes[true]));
    if (parts[true])
        add_problem(
            survey,
            "duplicates in two parts of the data, equal pixel by pixel, so that training images would be tested on: %s",
            format_thousands((uint64_t)parts[true]));
    if (parts[false] > max_near)
        add_problem(survey, "near-duplicates in two parts of the data: %s, more than 1 %%",
                    format_thousands((uint64_t)parts[false]));
    else if (parts[false])
        add_note(survey, "near-duplicates in two parts of the data: %s", format_thousands((uint64_t)parts[false]));
    if (classes[false] > max_near)
        add_problem(survey, "near-duplicates in two classes: %s, more than 1 %%",
                    format_thousands((uint64_t)classes[false]));
    else if (classes[false])
        add_note(survey, "near-duplicates in two classes: %s", format_thousands((uint64_t)classes[false]));
    if (survey->has_part[PHOTO_OPEN] && alike > max_near)
        add_problem(survey,
                    "near-duplicates: %s, more than 1 %%; a random split would put such pairs on both sides: "
                    "split them yourself into folders train and test",
                    format_thousands((uint64_t)alike));
    if (survey->repeated)
        add_note(survey, "duplicates, equal pixel by pixel: %s", format_thousands((uint64_t)survey->repeated));
}

void survey_judge(struct survey *survey, float allow_bad)
{
    if (survey->unreadable > (double)allow_bad * survey->count * (1 + 1e-6))
        add_problem(survey, "%s of %s images cannot be read, more than %g %%",
                    format_thousands((uint64_t)survey->unreadable), format_thousands((uint64_t)survey->count),
                    100 * (double)allow_bad);
    else if (survey->unreadable)
        add_note(survey, "images that cannot be read: %s", format_thousands((uint64_t)survey->unreadable));
    judge_left_out(survey);
    judge_counts(survey);
    judge_parts(survey);
    judge_names(survey);
    judge_duplicates(survey);
    if (survey->misnamed)
        add_note(survey, "files with the extension of another format, which are read by their content: %s",
                 format_thousands((uint64_t)survey->misnamed));
    if (survey->by_another)
        add_note(survey, "images read by another decoder, whose pixels may differ between machines: %s",
                 format_thousands((uint64_t)survey->by_another));
    if (survey->rotated)
        add_note(survey, "images rotated upright by their EXIF orientation: %s",
                 format_thousands((uint64_t)survey->rotated));
    if (survey->transparent)
        add_note(survey, "images with transparent pixels, which are blended with --background: %s",
                 format_thousands((uint64_t)survey->transparent));
    if (survey->narrow)
        add_note(survey, "images with an aspect ratio of %d or more, of which --resize crop keeps a small part: %s",
                 NARROW, format_thousands((uint64_t)survey->narrow));
    if (survey->small)
        add_note(survey, "images with fewer than %d pixels on a side: %s", SMALL,
                 format_thousands((uint64_t)survey->small));
    if (!survey->has_part[PHOTO_TEST])
        add_note(survey, "there is no test folder: `eyelet train` holds out a fraction of each class");
}
