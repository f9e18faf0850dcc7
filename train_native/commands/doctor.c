/* Prints what survey.c found. A check of single pictures (say, of blur): measured in photos.c (examine_picture), kept in struct
 * photo_facts (photos.h), counted and judged in survey.c, printed here. A check between pictures: duplicates.c and survey.c. */
#include "commands/commands.h"

#include "commands/shared_options.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/text.h"
#include "data/survey.h"

#include <stdlib.h>

static const char usage[] =
    "eyelet doctor DATA: check a data set for problems before training\n"
    "\n"
    "  eyelet doctor photos\n"
    "\n"
    "DATA as for `eyelet train`. Counts the images of each class, lists those that cannot be read, and finds\n"
    "duplicates: equal pixel by pixel, or near (re-encoded, resized, brightened).\n"
    "\n"
    "The exit status is 1 when training would mislead:\n"
    "  more than 1 % of the images cannot be read (--allow-bad)\n"
    "  a class has fewer than 2 training images, or less than a 50th of the largest class's\n"
    "  the parts (train, val, test) have different classes, or there is only one class\n"
    "  an image is in two classes or in two parts\n"
    "  more than 1 % of the images have a near-duplicate in another class or part, or, where the split is drawn,\n"
    "  any near-duplicate";

enum { SHOWN = 10, MOST_CLASSES_SHOWN = 100 };

static void print_class(const struct survey *survey, int label)
{
    printf("  %-24s", survey->class_names[label]);
    for (int part = 0; part < SURVEY_PARTS; part++)
        if (survey->has_part[part])
            printf(" %10s", format_thousands((uint64_t)survey->counts[label * SURVEY_PARTS + part]));
    printf("\n");
}

static void print_file(const struct survey *survey, int place)
{
    printf("    ");
    print_escaped(stdout, survey->files[place]);
}

static void print_counts(const struct survey *survey)
{
    printf("%s images, %s classes\n\n  %-24s", format_thousands((uint64_t)survey->count), format_thousands((uint64_t)survey->classes), "class");
    for (int part = 0; part < SURVEY_PARTS; part++)
        if (survey->has_part[part])
            printf(" %10s", survey_parts[part]);
    printf("\n");
    for (int i = 0; i < survey->classes && i < MOST_CLASSES_SHOWN; i++)
        print_class(survey, i);
    if (survey->classes > MOST_CLASSES_SHOWN)
        printf("  and %d more (--json has all)\n", survey->classes - MOST_CLASSES_SHOWN);
    printf("\nsizes: from %d x %d to %d x %d, in the middle %d x %d\n", survey->least.width, survey->least.height, survey->most.width,
           survey->most.height, survey->middle.width, survey->middle.height);
}

static void print_more(int count)
{
    if (count > SHOWN)
        printf("    and %s more (--json has all)\n", format_thousands((uint64_t)(count - SHOWN)));
}

static void print_files(const struct survey *survey)
{
    if (survey->unreadable)
        printf("\ncannot be read:\n");
    for (int i = 0; i < survey->count; i++)
        if (survey->facts && survey->facts[i].reason[0]) {
            print_file(survey, i);
            printf(": ");
            print_escaped(stdout, survey->facts[i].reason);
            printf("\n");
        }
    if (survey->misnamed)
        printf("\nnamed as another format:\n");
    int shown = 0;
    for (int i = 0; i < survey->count && shown < SHOWN; i++)
        if (survey_misnamed(survey, i)) {
            print_file(survey, i);
            printf("\n");
            shown++;
        }
    print_more(survey->misnamed);
}

static void print_groups(const struct survey *survey, bool equal)
{
    int count = 0;
    for (int g = 0; g < survey->group_count; g++) {
        const struct survey_group *group = &survey->groups[g];
        if (group->equal != equal || ++count > SHOWN)
            continue;
        if (count == 1)
            printf(equal ? "\nthe same, pixel by pixel:\n" : "\nnearly the same:\n");
        for (int k = 0; k < group->count && k < SHOWN; k++) {
            print_file(survey, group->indices[k]);
            printf("%s%s\n", k + 1 < group->count && k + 1 < SHOWN ? "" : group->across_classes ? "   (two classes)" : "",
                   k + 1 < group->count && k + 1 < SHOWN ? "" : group->across_parts ? "   (two parts)" : "");
        }
        print_more(group->count);
        printf("\n");
    }
    print_more(count);
}

static void print_table(const struct survey *survey)
{
    print_counts(survey);
    print_files(survey);
    print_groups(survey, true);
    print_groups(survey, false);
    printf("\n");
    for (int i = 0; i < survey->note_count; i++) {
        printf("note: ");
        print_escaped(stdout, survey->notes[i]);
        printf("\n");
    }
    for (int i = 0; i < survey->problem_count; i++) {
        printf("PROBLEM: ");
        print_escaped(stdout, survey->problems[i]);
        printf("\n");
    }
    printf(survey->problem_count ? "Training on this would mislead.\n" : "No problem found.\n");
}

/* ---- JSON ---- */

static void print_strings(const char *key, char *const *texts, int count)
{
    printf(",\n \"%s\": [", key);
    for (int i = 0; i < count; i++) {
        printf("%s", i ? ", " : "");
        print_json_string(stdout, texts[i]);
    }
    printf("]");
}

static void print_json_files(const struct survey *survey)
{
    bool any = false;
    printf(",\n \"unreadable\": [");
    for (int i = 0; i < survey->count; i++)
        if (survey->facts && survey->facts[i].reason[0]) {
            printf("%s{\"file\": ", any ? ", " : "");
            print_json_string(stdout, survey->files[i]);
            printf(", \"reason\": ");
            print_json_string(stdout, survey->facts[i].reason);
            printf("}");
            any = true;
        }
    printf("],\n \"misnamed\": [");
    any = false;
    for (int i = 0; i < survey->count; i++)
        if (survey_misnamed(survey, i)) {
            printf("%s", any ? ", " : "");
            print_json_string(stdout, survey->files[i]);
            any = true;
        }
    printf("],\n \"duplicates\": [");
    for (int g = 0; g < survey->group_count; g++) {
        const struct survey_group *group = &survey->groups[g];
        printf("%s\n  {\"kind\": \"%s\", \"across_classes\": %s, \"across_parts\": %s, \"files\": [", g ? "," : "", group->equal ? "equal" : "near",
               group->across_classes ? "true" : "false", group->across_parts ? "true" : "false");
        for (int k = 0; k < group->count; k++) {
            printf("%s", k ? ", " : "");
            print_json_string(stdout, survey->files[group->indices[k]]);
        }
        printf("]}");
    }
    printf("]");
}

static void print_json(const struct survey *survey)
{
    printf("{\"images\": %d,\n \"classes\": [", survey->count);
    for (int i = 0; i < survey->classes; i++) {
        printf("%s\n  {\"class\": ", i ? "," : "");
        print_json_string(stdout, survey->class_names[i]);
        for (int part = 0; part < SURVEY_PARTS; part++)
            if (survey->has_part[part])
                printf(", \"%s\": %d", survey_parts[part], survey->counts[i * SURVEY_PARTS + part]);
        printf("}");
    }
    printf("],\n \"sizes\": {\"least\": [%d, %d], \"middle\": [%d, %d], \"most\": [%d, %d]}", survey->least.width, survey->least.height,
           survey->middle.width, survey->middle.height, survey->most.width, survey->most.height);
    printf(",\n \"turned\": %d, \"transparent\": %d, \"narrow\": %d, \"small\": %d, \"repeated\": %d", survey->turned, survey->transparent,
           survey->narrow, survey->small, survey->repeated);
    print_json_files(survey);
    print_strings("notes", survey->notes, survey->note_count);
    print_strings("problems", survey->problems, survey->problem_count);
    printf("}\n");
}

int command_doctor(int argc, char **argv)
{
    struct data_options data = usual_data;
    bool json = false;
    const struct option_entry options[] = {
        DATA_OPTION(&data.path),
        ALLOW_BAD_OPTION(&data.allow_bad),
        MEMORY_OPTION(&data.memory),
        THREADS_OPTION(&data.threads),
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first + (data.path != NULL) > 1)
        usage_error("doctor", "doctor takes one data set, got %d operands", argc - first);
    if (!(data.allow_bad <= 1))
        usage_error("doctor", "--allow-bad takes a fraction of at most 1, like 0.01");
    if (data.threads > MAX_THREADS)
        usage_error("doctor", "--threads takes at most %d", MAX_THREADS);
    data.path = first < argc ? argv[first] : data.path;
    struct survey survey = survey_of(&data);
    (json ? print_json : print_table)(&survey);
    const int status = survey.problem_count ? EXIT_ERROR : EXIT_SUCCESS;
    survey_free(&survey);
    return status;
}
