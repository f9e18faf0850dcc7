#include "commands/commands.h"

#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/shared_options.h"
#include "model/evaluation.h"
#include "model/interval.h"
#include "model/model_file.h"
#include "model/paired.h"
#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet compare A.eyelet B.eyelet [DATA]: which of two models is better, and where they differ\n"
    "\n"
    "  eyelet compare old.eyelet new.eyelet photos\n"
    "  eyelet compare old.eyelet new.eyelet photos --differences differences.csv\n"
    "\n"
    "Both models classify the same images: the test set, as for `eyelet evaluate`. They may differ in all but that each\n"
    "knows the classes of the data. The difference is tested on pairs (McNemar, exact): a p of 0.05 or more means that\n"
    "chance may have made it. --json also has both confusion matrices.";

enum { MODELS = 2, SHOWN = 10 /* images, and classes */ };

/* What a model makes of the data. */
struct side {
    const char *path;
    struct evaluation evaluation;
    struct dataset dataset; /* its classes are the model's */
};

static struct side measure(const char *path, const struct data_options *data)
{
    struct side side = {.path = path};
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, path);
    side.dataset = model_dataset_open(model, data, DATASET_TEST);
    char *notes = model_file_notes(model);
    model_dataset_check_division(&side.dataset, notes, path);
    free(notes);
    model_dataset_fit(&side.dataset, model);
    side.evaluation =
        evaluate_or_die(&(struct evaluation_input){bytes, size, &side.dataset, NULL, side.dataset.count, 0});
    free(bytes);
    free(model);
    return side;
}

static const char *name_of(const struct side *side, int class) { return side->dataset.class_names[class]; }
static const struct answer *answer_of(const struct side *side, int i) { return &side->evaluation.answers[i]; }
static bool is_right(const struct side *side, int i) { return answer_of(side, i)->best == answer_of(side, i)->label; }
static const char *answer_name(const struct side *side, int i) { return name_of(side, answer_of(side, i)->best); }

/* Where an image is from: its file, or its number among the records. */
static char *source_of(const struct dataset *dataset, int i)
{
    return dataset->files ? text_copy(dataset->files[i]) : text_format("image %d", i);
}

static struct paired pairs_of(const struct side sides[MODELS])
{
    struct paired pairs = {0};
    for (int i = 0; i < sides[0].evaluation.count; i++) {
        const bool first = is_right(&sides[0], i), second = is_right(&sides[1], i);
        *(first ? second ? &pairs.both : &pairs.first : second ? &pairs.second : &pairs.neither) += 1;
    }
    return pairs;
}

static bool differ(const struct side sides[MODELS], int i)
{
    return strcmp(answer_name(&sides[0], i), answer_name(&sides[1], i)) != 0;
}

/* ---- Text ---- */

/* A class of the data, by its numbers with both models. */
struct class_pair {
    int classes[MODELS], images, right[MODELS];
};

static int by_gain(const void *a, const void *b)
{
    const struct class_pair *first = a, *second = b;
    const int gain[MODELS] = {abs(first->right[1] - first->right[0]), abs(second->right[1] - second->right[0])};
    return gain[0] != gain[1] ? gain[1] - gain[0] : first->classes[0] - second->classes[0];
}

/* The classes of the data; the caller frees them. */
static struct class_pair *class_pairs(int *count, const struct side sides[MODELS])
{
    const int most = sides[0].evaluation.classes;
    struct class_pair *pairs = allocate((size_t)most, sizeof *pairs);
    int *place = allocate((size_t)most, sizeof *place); /* in pairs, and one; 0: not yet there */
    *count = 0;
    for (int i = 0; i < sides[0].evaluation.count; i++) {
        const int label = answer_of(&sides[0], i)->label;
        if (!place[label]) {
            pairs[*count] = (struct class_pair){.classes = {label, answer_of(&sides[1], i)->label}};
            place[label] = ++*count;
        }
        struct class_pair *pair = &pairs[place[label] - 1];
        pair->images++;
        for (int side = 0; side < MODELS; side++)
            pair->right[side] += is_right(&sides[side], i);
    }
    free(place);
    qsort(pairs, (size_t)*count, sizeof *pairs, by_gain);
    return pairs;
}

static void print_class_pairs(const struct side sides[MODELS])
{
    int count;
    struct class_pair *pairs = class_pairs(&count, sides);
    printf("\n  %-20s %7s %21s %21s\n", "recall by class", "images", "A", "B");
    for (int i = 0; i < count && i < SHOWN; i++) {
        const struct class_pair *pair = &pairs[i];
        printf("  ");
        print_escaped_column(stdout, name_of(&sides[0], pair->classes[0]), 20);
        printf(" %7d %21s %21s\n", pair->images, interval_percent(pair->right[0], pair->images),
               interval_percent(pair->right[1], pair->images));
    }
    if (count > SHOWN)
        printf("  ... and %d classes in which they are nearer to each other (--json)\n", count - SHOWN);
    free(pairs);
}

static void print_differences(const struct side sides[MODELS])
{
    int differences = 0;
    for (int i = 0; i < sides[0].evaluation.count; i++) {
        if (!differ(sides, i) || differences++ >= SHOWN)
            continue;
        char *source = source_of(&sides[0].dataset, i);
        printf(differences == 1 ? "\n  where they differ\n  " : "  ");
        print_escaped(stdout, source);
        printf(": ");
        print_escaped(stdout, name_of(&sides[0], answer_of(&sides[0], i)->label));
        for (int side = 0; side < MODELS; side++) {
            printf("; %c: ", 'A' + side);
            print_escaped(stdout, answer_name(&sides[side], i));
            printf(" %.1f %%", 100 * answer_of(&sides[side], i)->score);
        }
        printf("\n");
        free(source);
    }
    if (differences > SHOWN)
        printf("  ... and %d more (--differences FILE.csv)\n", differences - SHOWN);
}

static void print_text(const struct side sides[MODELS], const struct paired *pairs)
{
    const int count = sides[0].evaluation.count;
    for (int side = 0; side < MODELS; side++) {
        const struct evaluation *e = &sides[side].evaluation;
        printf("%c  ", 'A' + side);
        print_escaped(stdout, sides[side].path);
        printf("\n   accuracy %s, top five %s, loss %.4f, calibration error %.2f %%\n",
               interval_percent(e->correct, e->count), interval_percent(e->among_five, e->count), e->loss,
               100 * e->calibration_error);
    }
    const struct interval by = paired_difference(pairs);
    const double p = paired_p(pairs);
    printf("\n%s images: both right on %d, A alone on %d, B alone on %d, none on %d\n",
           format_thousands((uint64_t)count), pairs->both, pairs->first, pairs->second, pairs->neither);
    printf("B - A: %+.2f points (%+.2f to %+.2f with 95 %% confidence); p = %.2g: ",
           100.0 * (pairs->second - pairs->first) / count, 100 * by.low, 100 * by.high, p);
    printf(p < 0.05 ? "%s is better\n" : "chance may have made the difference\n",
           pairs->second > pairs->first ? "B" : "A");
    print_class_pairs(sides);
    print_differences(sides);
}

/* ---- JSON and CSV ---- */

static void print_side(struct json *json, const struct side *side)
{
    const struct evaluation *e = &side->evaluation;
    json_object(json, NULL);
    json_text(json, "model", side->path);
    json_number(json, "accuracy", "%.6f", evaluation_accuracy(e));
    interval_json(json, "accuracy_interval", e->correct, e->count);
    json_number(json, "top_five", "%.6f", (double)e->among_five / e->count);
    json_number(json, "loss", "%.6f", e->loss);
    json_number(json, "calibration_error", "%.6f", e->calibration_error);
    json_array(json, "classes");
    for (int class = 0; class < e->classes; class ++)
        json_text(json, NULL, name_of(side, class));
    json_close(json);
    json_array(json, "confusion");
    for (int class = 0; class < e->classes; class ++) {
        json_line(json);
        json_ints(json, NULL, e->confusion + (ptrdiff_t) class * e->classes, e->classes);
    }
    json_close(json);
    json_close(json);
}

static void print_json(const struct side sides[MODELS], const struct paired *pairs)
{
    const struct interval by = paired_difference(pairs);
    const int count = sides[0].evaluation.count;
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_int(&json, "images", count);
    json_int(&json, "both_right", pairs->both);
    json_int(&json, "only_first_right", pairs->first);
    json_int(&json, "only_second_right", pairs->second);
    json_int(&json, "neither_right", pairs->neither);
    json_number(&json, "difference", "%.6f", (double)(pairs->second - pairs->first) / count);
    json_array(&json, "difference_interval");
    json_number(&json, NULL, "%.6f", by.low);
    json_number(&json, NULL, "%.6f", by.high);
    json_close(&json);
    json_number(&json, "p", "%.6g", paired_p(pairs));
    json_array(&json, "models");
    for (int side = 0; side < MODELS; side++)
        print_side(&json, &sides[side]);
    json_close(&json);
    json_array(&json, "differences");
    for (int i = 0; i < count; i++) {
        if (!differ(sides, i))
            continue;
        char *source = source_of(&sides[0].dataset, i);
        json_line(&json);
        json_object(&json, NULL);
        json_text(&json, "image", source);
        json_text(&json, "class", name_of(&sides[0], answer_of(&sides[0], i)->label));
        json_array(&json, "answers");
        for (int side = 0; side < MODELS; side++)
            json_text(&json, NULL, answer_name(&sides[side], i));
        json_close(&json);
        json_array(&json, "scores");
        for (int side = 0; side < MODELS; side++)
            json_number(&json, NULL, "%.6f", answer_of(&sides[side], i)->score);
        json_close(&json);
        json_close(&json);
        free(source);
    }
    json_close(&json);
    json_close(&json);
    json_end(&json);
}

/* One row an image on which they differ. */
static void write_differences(const char *path, const struct side sides[MODELS])
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fprintf(out, "image,class,a,a_score,b,b_score\n");
    for (int i = 0; i < sides[0].evaluation.count; i++) {
        if (!differ(sides, i))
            continue;
        char *source = source_of(&sides[0].dataset, i);
        print_csv_field(out, source);
        fputc(',', out);
        print_csv_field(out, name_of(&sides[0], answer_of(&sides[0], i)->label));
        for (int side = 0; side < MODELS; side++) {
            fputc(',', out);
            print_csv_field(out, answer_name(&sides[side], i));
            fprintf(out, ",%.6f", answer_of(&sides[side], i)->score);
        }
        fputc('\n', out);
        free(source);
    }
    text_close(out);
    save_file(path, text, size, "the table of differences");
    free(text);
}

struct compare_options {
    struct data_options data;
    const char *differences;
    bool json;
};

/* The index of the first model among the operands. */
static int parse(struct compare_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {DATA_OPTION(&o->data.path),
                                           TEST_SET_OPTIONS(&o->data),
                                           LIMIT_OPTION(&o->data.limit),
                                           THREADS_OPTION(&o->data.threads),
                                           {"differences", "FILE", OPTION_TEXT, &o->differences,
                                            "write every image on which they differ, with both answers, as CSV", NULL},
                                           JSON_OPTION(&o->json),
                                           {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < MODELS || argc - first + (o->data.path != NULL) > MODELS + 1)
        usage_error("compare", "compare takes two models and one data set, got %d operands", argc - first);
    if (!(o->data.test <= 1) || !(o->data.allow_bad <= 1))
        usage_error("compare", "--test and --allow-bad take fractions of at most 1, like 0.1");
    check_threads("compare", o->data.threads);
    o->data.path = argc - first > MODELS ? argv[first + MODELS] : o->data.path;
    return first;
}

int command_compare(int argc, char **argv)
{
    struct compare_options o = {.data = usual_data};
    char **paths = argv + parse(&o, argc, argv);
    if (o.data.threads)
        omp_set_num_threads(o.data.threads);
    struct side sides[MODELS];
    for (int side = 0; side < MODELS; side++)
        sides[side] = measure(paths[side], &o.data);
    const struct paired pairs = pairs_of(sides);
    if (o.differences)
        write_differences(o.differences, sides);
    if (o.json)
        print_json(sides, &pairs);
    else
        print_text(sides, &pairs);
    for (int side = 0; side < MODELS; side++) {
        evaluation_free(&sides[side].evaluation);
        dataset_free(&sides[side].dataset);
    }
    return EXIT_SUCCESS;
}
