/* Prints what survey.c found. A check of single images (for blur, for example): measured in photos.c
 * (examine_picture), kept in struct photo_facts (photos.h), counted in survey.c, judged in survey_judge.c, printed
 * here. A check between images: duplicates.c and survey.c. */
#include "commands/commands.h"

#include "commands/shared_options.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/text.h"
#include "data/survey_judge.h"

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
    "  more than 5 % of the images cannot be read (--allow-bad)\n"
    "  a class has fewer than 2 training images, or less than a 50th of the largest class's\n"
    "  a class has no images (--skip-empty), a part has one that is not trained, or there is only one class\n"
    "  an image is in two classes or in two parts\n"
    "  more than 1 % of the images have a near-duplicate in another class or part, or, where the split is drawn,\n"
    "  any near-duplicate\n"
    "\n"
    "--json prints an object with all that is found:\n"
    "  images       number of them, with those that cannot be read\n"
    "  classes      [{class, and for each part (train, validation, test, undivided) the number of its images}]\n"
    "  sizes        {min, median, max: [width, height]}, by area\n"
    "  rotated, transparent, narrow, small, repeated    numbers of images\n"
    "  parts        [{part, folder}]: which folders were taken for what\n"
    "  left_out     [{file, reason}]: what is no image of a class; a folder, where all of it is\n"
    "  unreadable   [{file, reason}]\n"
    "  misnamed     [file]: with the extension of another format\n"
    "  duplicates   [{kind: equal or near, across_classes, across_parts, files: [file]}]\n"
    "  notes, problems    [sentence]";

enum { MAX_SHOWN = 10, MAX_CLASSES_SHOWN = 100 };

static void print_class(const struct survey *survey, int label)
{
    printf("  ");
    print_escaped_column(stdout, survey->class_names[label], 24);
    for (int part = 0; part < SURVEY_PARTS; part++)
        if (survey->has_part[part])
            printf(" %10s", format_thousands((uint64_t)survey->counts[label * SURVEY_PARTS + part]));
    printf("\n");
}

static void print_file(const struct survey *survey, int index)
{
    printf("    ");
    print_escaped(stdout, survey->files[index]);
}

static void print_counts(const struct survey *survey)
{
    printf("%s images, %s classes\n\n  %-24s", format_thousands((uint64_t)survey->count),
           format_thousands((uint64_t)survey->classes), "class");
    for (int part = 0; part < SURVEY_PARTS; part++)
        if (survey->has_part[part])
            printf(" %10s", survey_parts[part]);
    printf("\n");
    for (int i = 0; i < survey->classes && i < MAX_CLASSES_SHOWN; i++)
        print_class(survey, i);
    if (survey->classes > MAX_CLASSES_SHOWN)
        printf("  and %d more (--json has all)\n", survey->classes - MAX_CLASSES_SHOWN);
    printf("\nsizes: from %d x %d to %d x %d, median %d x %d\n", survey->min_size.width, survey->min_size.height,
           survey->max_size.width, survey->max_size.height, survey->median_size.width, survey->median_size.height);
}

static void print_more(int count)
{
    if (count > MAX_SHOWN)
        printf("    and %s more (--json has all)\n", format_thousands((uint64_t)(count - MAX_SHOWN)));
}

static void print_files(const struct survey *survey)
{
    int shown = 0;
    if (survey->unreadable)
        printf("\ncannot be read: %s\n", format_thousands((uint64_t)survey->unreadable));
    for (int i = 0; i < survey->count && shown < MAX_SHOWN; i++)
        if (survey->facts && survey->facts[i].reason[0]) {
            print_file(survey, i);
            printf(": ");
            print_escaped(stdout, survey->facts[i].reason);
            printf("\n");
            shown++;
        }
    print_more(survey->unreadable);
    if (survey->misnamed)
        printf("\nnamed as another format: %s\n", format_thousands((uint64_t)survey->misnamed));
    shown = 0;
    for (int i = 0; i < survey->count && shown < MAX_SHOWN; i++)
        if (survey_misnamed(survey, i)) {
            print_file(survey, i);
            printf("\n");
            shown++;
        }
    print_more(survey->misnamed);
}

/* Which folders were taken for what. */
static void print_sources(const struct photo_list *list)
{
    if (list->source_count)
        printf("\n");
    for (int i = 0; i < list->source_count; i++) {
        printf("taken as %s: ", survey_parts[list->sources[i].part]);
        print_escaped(stdout, list->sources[i].folder);
        printf("\n");
    }
}

static void print_left_out(const struct photo_list *list)
{
    for (int i = 0, shown = 0; i < list->left_out_count; i++, shown++) {
        const int reason = list->left_out[i].reason;
        if (!i || reason != list->left_out[i - 1].reason) {
            shown = 0;
            printf("\nleft out: %s: %s\n", left_out_texts[reason],
                   format_thousands((uint64_t)photo_list_left_out(list, (enum left_out)reason)));
        }
        if (shown < MAX_SHOWN) {
            printf("    ");
            print_escaped(stdout, list->left_out[i].path);
            printf("\n");
        }
        if (i + 1 == list->left_out_count || list->left_out[i + 1].reason != reason)
            print_more(shown + 1);
    }
}

static void print_groups(const struct survey *survey, bool equal)
{
    int count = 0;
    for (int g = 0; g < survey->group_count; g++) {
        const struct survey_group *group = &survey->groups[g];
        if (group->equal != equal || ++count > MAX_SHOWN)
            continue;
        if (count == 1)
            printf(equal ? "\nduplicates, equal pixel by pixel:\n" : "\nnear-duplicates:\n");
        for (int k = 0; k < group->count && k < MAX_SHOWN; k++) {
            print_file(survey, group->indices[k]);
            printf("%s%s\n",
                   k + 1 < group->count && k + 1 < MAX_SHOWN ? ""
                   : group->across_classes                   ? "   (two classes)"
                                                             : "",
                   k + 1 < group->count && k + 1 < MAX_SHOWN ? ""
                   : group->across_parts                     ? "   (two parts)"
                                                             : "");
        }
        print_more(group->count);
        printf("\n");
    }
    print_more(count);
}

static void print_table(const struct survey *survey)
{
    const struct photo_list *list = survey->sets[0].photos;
    print_counts(survey);
    if (list)
        print_sources(list);
    print_files(survey);
    if (list)
        print_left_out(list);
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

static void print_strings(struct json *json, const char *key, char *const *texts, int count)
{
    json_line(json);
    json_array(json, key);
    for (int i = 0; i < count; i++)
        json_text(json, NULL, texts[i]);
    json_close(json);
}

static void print_json_classes(struct json *json, const struct survey *survey)
{
    json_line(json);
    json_array(json, "classes");
    for (int i = 0; i < survey->classes; i++) {
        json_line(json);
        json_object(json, NULL);
        json_text(json, "class", survey->class_names[i]);
        for (int part = 0; part < SURVEY_PARTS; part++)
            if (survey->has_part[part])
                json_int(json, survey_parts[part], survey->counts[i * SURVEY_PARTS + part]);
        json_close(json);
    }
    json_close(json);
}

static void print_json_files(struct json *json, const struct survey *survey)
{
    json_line(json);
    json_array(json, "unreadable");
    for (int i = 0; i < survey->count; i++)
        if (survey->facts && survey->facts[i].reason[0]) {
            json_object(json, NULL);
            json_text(json, "file", survey->files[i]);
            json_text(json, "reason", survey->facts[i].reason);
            json_close(json);
        }
    json_close(json);
    json_line(json);
    json_array(json, "misnamed");
    for (int i = 0; i < survey->count; i++)
        if (survey_misnamed(survey, i))
            json_text(json, NULL, survey->files[i]);
    json_close(json);
    json_line(json);
    json_array(json, "read_by_another");
    for (int i = 0; i < survey->count; i++)
        if (survey->facts && survey->facts[i].decoder) {
            json_object(json, NULL);
            json_text(json, "file", survey->files[i]);
            json_text(json, "decoder", survey->facts[i].decoder);
            json_close(json);
        }
    json_close(json);
}

static void print_json_layout(struct json *json, const struct photo_list *list)
{
    json_line(json);
    json_array(json, "parts");
    for (int i = 0; list && i < list->source_count; i++) {
        json_object(json, NULL);
        json_text(json, "part", survey_parts[list->sources[i].part]);
        json_text(json, "folder", list->sources[i].folder);
        json_close(json);
    }
    json_close(json);
    json_line(json);
    json_array(json, "left_out");
    for (int i = 0; list && i < list->left_out_count; i++) {
        json_line(json);
        json_object(json, NULL);
        json_text(json, "file", list->left_out[i].path);
        json_text(json, "reason", left_out_texts[list->left_out[i].reason]);
        json_close(json);
    }
    json_close(json);
}

static void print_json_duplicates(struct json *json, const struct survey *survey)
{
    json_line(json);
    json_array(json, "duplicates");
    for (int g = 0; g < survey->group_count; g++) {
        const struct survey_group *group = &survey->groups[g];
        json_line(json);
        json_object(json, NULL);
        json_text(json, "kind", group->equal ? "equal" : "near");
        json_bool(json, "across_classes", group->across_classes);
        json_bool(json, "across_parts", group->across_parts);
        json_array(json, "files");
        for (int k = 0; k < group->count; k++)
            json_text(json, NULL, survey->files[group->indices[k]]);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}

static void print_json_size(struct json *json, const char *key, struct size size)
{
    json_ints(json, key, (int[]){size.width, size.height}, 2);
}

static void print_json(const struct survey *survey)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_int(&json, "images", survey->count);
    print_json_classes(&json, survey);
    json_line(&json);
    json_object(&json, "sizes");
    print_json_size(&json, "min", survey->min_size);
    print_json_size(&json, "median", survey->median_size);
    print_json_size(&json, "max", survey->max_size);
    json_close(&json);
    json_line(&json);
    json_int(&json, "rotated", survey->rotated);
    json_int(&json, "transparent", survey->transparent);
    json_int(&json, "narrow", survey->narrow);
    json_int(&json, "small", survey->small);
    json_int(&json, "repeated", survey->repeated);
    print_json_layout(&json, survey->sets[0].photos);
    print_json_files(&json, survey);
    print_json_duplicates(&json, survey);
    print_strings(&json, "notes", survey->notes, survey->note_count);
    print_strings(&json, "problems", survey->problems, survey->problem_count);
    json_close(&json);
    json_end(&json);
}

int command_doctor(int argc, char **argv)
{
    struct data_options data = usual_data;
    bool json = false;
    const struct option_entry options[] = {DATA_OPTION(&data.path),
                                           FOLDER_OPTIONS(&data),
                                           COLUMNS_OPTION(&data.columns),
                                           MEMORY_OPTION(&data.memory),
                                           THREADS_OPTION(&data.threads),
                                           JSON_OPTION(&json),
                                           {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first + (data.path != NULL) > 1)
        usage_error("doctor", "doctor takes one data set, got %d operands", argc - first);
    if (!(data.allow_bad <= 1))
        usage_error("doctor", "--allow-bad takes a fraction of at most 1, like 0.01");
    check_threads("doctor", data.threads);
    data.path = first < argc ? argv[first] : data.path;
    struct survey survey = survey_of(&data);
    survey_judge(&survey, data.allow_bad);
    (json ? print_json : print_table)(&survey);
    const int status = survey.problem_count ? EXIT_ERROR : EXIT_SUCCESS;
    survey_free(&survey);
    return status;
}
