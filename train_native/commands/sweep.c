#include "commands/sweep.h"

#include "commands/sweep_runs.h"
#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "model/interval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sweep {
    const struct train_options *options;
    struct sweep_runs runs;
    char *folder; /* without a slash at its end */
    int argc;
    char **argv;
};

static char *path_of(const struct sweep *sweep, const char *format, int run)
{
    char *name = text_format(format, run + 1, run + 1), *path = path_join(sweep->folder, name);
    free(name);
    return path;
}

/* ---- The runs ---- */

/* The arguments of a run, without --sweep, with its values and its own folder behind them; *output is to be freed with
 * them. */
static char **arguments_of(int *count, char **output, const struct sweep *sweep, int run)
{
    static const char option[] = "--sweep";
    char **arguments = NULL;
    *count = 0;
    for (int i = 0; i < sweep->argc; i++) {
        if (strcmp(sweep->argv[i], option) == 0)
            i++;
        else if (strncmp(sweep->argv[i], "--sweep=", sizeof option) != 0)
            LIST_ADD(arguments, *count, sweep->argv[i]);
    }
    for (int i = 0; i < sweep->runs.factor_count; i++) {
        LIST_ADD(arguments, *count, sweep->runs.factors[i].option);
        LIST_ADD(arguments, *count, (char *)sweep_value(&sweep->runs, run, i));
    }
    *output = path_of(sweep, "%d/", run);
    LIST_ADD(arguments, *count, (char *)"--output");
    LIST_ADD(arguments, *count, *output);
    LIST_ADD(arguments, *count, NULL);
    (*count)--;
    return arguments;
}

/* Ends the program where there are results already, or the arguments of a run are none. */
static void check(const struct sweep *sweep)
{
    char *table = path_join(sweep->folder, "sweep.csv");
    if (access(table, F_OK) == 0 && !sweep->options->restart)
        die(table, "Name another folder with -o, or start anew in its place with --restart.",
            "has what an earlier --sweep has found");
    free(table);
    for (int run = 0; run < sweep->runs.count; run++) {
        int count;
        bool named;
        char *output, **arguments = arguments_of(&count, &output, sweep, run);
        const struct recipe *recipe = train_recipe(&named, count, arguments);
        const struct train_options o = train_options_parse(recipe, count, arguments);
        if (!(o.validation > 0) || o.resume || o.find_learning_rate || o.curve)
            usage_error("train", "--sweep takes new runs with validation images: leave out --resume, --curve, "
                                 "--find-learning-rate and --validation 0");
        free(arguments);
        free(output);
    }
}

static int run_one(struct sweep *sweep, train_run *run, int i)
{
    int count;
    char *output, **arguments = arguments_of(&count, &output, sweep, i);
    if (!sweep->options->json) {
        printf("%srun %d of %d:", i ? "\n" : "", i + 1, sweep->runs.count);
        for (int factor = 0; factor < sweep->runs.factor_count; factor++) {
            printf(" %s ", sweep->runs.factors[factor].option);
            print_escaped(stdout, sweep_value(&sweep->runs, i, factor));
        }
        printf("\n");
    }
    const int status = child_run(&sweep->runs.results[i], run, count, arguments);
    sweep->runs.complete[i] = status == EXIT_SUCCESS && sweep->runs.results[i].count > 0;
    if (status != EXIT_SUCCESS && status != EXIT_INTERRUPTED)
        warn(output, NULL, "run %d of %d failed", i + 1, sweep->runs.count);
    free(arguments);
    free(output);
    return status;
}

/* ---- What came of them ---- */

static char *table_of(const struct sweep *sweep)
{
    const struct sweep_runs *runs = &sweep->runs;
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fputs("run", out);
    for (int i = 0; i < runs->factor_count; i++)
        fprintf(out, ",%s", runs->factors[i].option + 2);
    fputs(",right,images,accuracy\n", out);
    for (int run = 0; run < runs->count; run++) {
        const struct train_result *result = &runs->results[run];
        fprintf(out, "%d", run + 1);
        for (int i = 0; i < runs->factor_count; i++) {
            fputc(',', out);
            print_csv_field(out, sweep_value(runs, run, i));
        }
        if (runs->complete[run])
            fprintf(out, ",%d,%d,%.6f\n", result->right, result->count, (double)result->right / result->count);
        else
            fputs(",,,\n", out);
    }
    text_close(out);
    return text;
}

/* As wide as the longest value of a factor, and its name. */
static int width_of(const struct sweep_runs *runs, int factor)
{
    int width = (int)strlen(runs->factors[factor].option) - 2;
    for (int i = 0; i < runs->factors[factor].values.count; i++) {
        const int length = (int)strlen(runs->factors[factor].values.texts[i]);
        width = length > width ? length : width;
    }
    return width;
}

static void print_table(const struct sweep *sweep, const int *order)
{
    const struct sweep_runs *runs = &sweep->runs;
    printf("\n  run");
    for (int i = 0; i < runs->factor_count; i++)
        printf("  %*s", width_of(runs, i), runs->factors[i].option + 2);
    printf("  validation accuracy\n");
    for (int rank = 0; rank < runs->count; rank++) {
        const int run = order[rank];
        const struct train_result *result = &runs->results[run];
        printf("  %3d", run + 1);
        for (int i = 0; i < runs->factor_count; i++) {
            printf("  ");
            for (int space = width_of(runs, i) - (int)strlen(sweep_value(runs, run, i)); space > 0; space--)
                putchar(' ');
            print_escaped(stdout, sweep_value(runs, run, i));
        }
        printf("  %s\n", runs->complete[run] ? interval_percent(result->right, result->count) : "did not finish");
    }
}

static void print_json(const struct sweep *sweep)
{
    const struct sweep_runs *runs = &sweep->runs;
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_array(&json, "sweep");
    for (int run = 0; run < runs->count; run++) {
        const struct train_result *result = &runs->results[run];
        json_object(&json, NULL);
        json_int(&json, "run", run + 1);
        for (int i = 0; i < runs->factor_count; i++)
            json_text(&json, runs->factors[i].option + 2, sweep_value(runs, run, i));
        if (runs->complete[run]) {
            json_number(&json, "accuracy", "%.6f", (double)result->right / result->count);
            interval_json(&json, "accuracy_interval", result->right, result->count);
        }
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    json_end(&json);
}

static void save(const struct sweep *sweep, const char *name, char *text, const char *what)
{
    char *path = path_join(sweep->folder, name);
    save_file(path, text, strlen(text), what);
    free(path);
    free(text);
}

static void conclude(const struct sweep *sweep)
{
    int *order = sweep_order(&sweep->runs);
    char *best = path_of(sweep, "%d/%d.eyelet", order[0]);
    save(sweep, "sweep.csv", table_of(sweep), "the table");
    if (sweep->runs.complete[order[0]])
        save(sweep, "sweep.svg", sweep_plot(&sweep->runs), "the plot");
    if (sweep->options->json) {
        print_json(sweep);
    } else {
        print_table(sweep, order);
        if (sweep->runs.complete[order[0]]) {
            printf("the best: ");
            print_escaped(stdout, best);
            printf("; where intervals overlap, it may be chance. Table and plot: ");
            print_escaped(stdout, sweep->folder);
            printf("/sweep.csv, sweep.svg\n");
        }
    }
    free(best);
    free(order);
}

int train_sweep(const struct train_options *options, train_run *run, int argc, char **argv)
{
    if (!options->run_folder)
        usage_error("train", "--sweep needs a folder for its runs: -o runs/");
    struct sweep sweep = {
        .options = options,
        .runs = sweep_runs_of(&options->sweep),
        .folder = text_copy_bytes(options->output, (size_t)(strrchr(options->output, '/') - options->output)),
        .argc = argc,
        .argv = argv};
    check(&sweep);
    int status = EXIT_SUCCESS;
    for (int i = 0; i < sweep.runs.count && status != EXIT_INTERRUPTED; i++) {
        const int of_run = run_one(&sweep, run, i);
        status = of_run == EXIT_SUCCESS ? status : of_run == EXIT_INTERRUPTED ? of_run : EXIT_ERROR;
    }
    conclude(&sweep);
    free(sweep.folder);
    sweep_runs_free(&sweep.runs);
    return status;
}
