#include "commands/curve.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/sandbox.h"
#include "model/interval.h"
#include "model/learning_curve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the images, in percent; the whole comes first, which is the model. */
static const int parts[] = {100, 50, 25, 10};
enum { PARTS = sizeof parts / sizeof *parts, MORE_ARGUMENTS = 5 };

static void remove_files(const char *model)
{
    static const char *const endings[] = {".eyelet",     ".last.eyelet", ".csv",        ".pixels",
                                          ".embeddings", ".teacher",     ".checkpoint", ".checkpoint.old"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = with_suffix(model, endings[i]);
        unlink(path);
        free(path);
    }
}

/* Without --curve; on a part of the images with that part, and the files of `model`. */
static int run_part(struct train_result *result, train_run *run, int percent, const char *model, int argc, char **argv)
{
    char **own = allocate((size_t)argc + MORE_ARGUMENTS + 1, sizeof *own), use[16];
    int count = 0;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--curve") != 0)
            own[count++] = argv[i];
    snprintf(use, sizeof use, "%g", percent / 100.0);
    if (percent < 100) {
        char *more[MORE_ARGUMENTS] = {"--use", use, "--output", (char *)model, "--restart"};
        memcpy(own + count, more, sizeof more);
        count += MORE_ARGUMENTS;
    }
    const int status = child_run(result, run, count, own);
    free(own);
    return status;
}

static void print_text(const struct curve_point *points, const struct curve_forecast *twice)
{
    printf("\nwhat more images would give, on %s validation images:\n  %15s   accuracy\n",
           format_thousands((uint64_t)points[0].count), "training images");
    for (int i = 0; i < PARTS; i++)
        printf("  %15s   %s\n", format_thousands((uint64_t)points[i].images),
               interval_percent(points[i].right, points[i].count));
    printf("  %15s   about %.0f %% (%.0f to %.0f), if it goes on like this\n",
           format_thousands(2 * (uint64_t)points[PARTS - 1].images), 100 * twice->accuracy, 100 * twice->low,
           100 * twice->high);
}

static void print_json(const struct curve_point *points, const struct curve_forecast *twice)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_array(&json, "curve");
    for (int i = 0; i < PARTS; i++) {
        json_object(&json, NULL);
        json_int(&json, "images", points[i].images);
        json_number(&json, "accuracy", "%.6f", (double)points[i].right / points[i].count);
        interval_json(&json, "accuracy_interval", points[i].right, points[i].count);
        json_close(&json);
    }
    json_close(&json);
    json_object(&json, "twice");
    json_int(&json, "images", 2 * (int64_t)points[PARTS - 1].images);
    json_number(&json, "accuracy", "%.6f", twice->accuracy);
    json_number(&json, "low", "%.6f", twice->low);
    json_number(&json, "high", "%.6f", twice->high);
    json_close(&json);
    json_close(&json);
    json_end(&json);
}

int train_curve(const struct train_options *o, train_run *run, int argc, char **argv)
{
    struct train_result *results = shared_memory(PARTS, sizeof *results);
    struct curve_point points[PARTS];
    int status = EXIT_SUCCESS;
    for (int i = 0; i < PARTS && status == EXIT_SUCCESS; i++) {
        char *ending = text_format(".%d-percent.eyelet", parts[i]), *model = with_suffix(o->output, ending);
        if (parts[i] < 100 && !o->json)
            printf("\non %d %% of the training images:\n", parts[i]);
        status = run_part(&results[i], run, parts[i], model, argc, argv);
        if (parts[i] < 100)
            remove_files(model);
        points[PARTS - 1 - i] = (struct curve_point){results[i].images, results[i].right, results[i].count};
        free(model);
        free(ending);
        if (status == EXIT_SUCCESS && !results[i].count)
            die(o->data.path, "Give it a --validation, or more images.", "there are no validation images for a curve");
    }
    if (status == EXIT_SUCCESS) {
        const struct curve_forecast twice = learning_curve_forecast(points, PARTS, 2 * points[PARTS - 1].images);
        (o->json ? print_json : print_text)(points, &twice);
    }
    shared_memory_free(results, PARTS, sizeof *results);
    return status;
}
