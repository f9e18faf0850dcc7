#include "commands/sweep_runs.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "data/sandbox.h"

#include <stdlib.h>
#include <string.h>

static void add_factor(struct sweep_runs *runs, const char *text)
{
    const size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (!name || text[0] == '-' || text[name] != '=' || !text[name + 1])
        usage_error("train", "--sweep takes an option and its values, like learning-rate=0.01,0.03");
    runs->factors = list_room(runs->factors, runs->factor_count, sizeof *runs->factors);
    runs->factors[runs->factor_count].option = text_format("--%.*s", (int)name, text);
    runs->factors[runs->factor_count].values = (struct text_list){0};
    for (const char *rest = text + name; rest;) {
        const size_t length = strcspn(++rest, ",");
        char *value = text_copy_bytes(rest, length);
        text_list_add(&runs->factors[runs->factor_count].values, value);
        free(value);
        rest = rest[length] ? rest + length : NULL;
    }
    runs->count *= runs->factors[runs->factor_count++].values.count;
    if (runs->count > MAX_SWEEP_RUNS)
        usage_error("train", "--sweep makes at most %d runs", MAX_SWEEP_RUNS);
}

struct sweep_runs sweep_runs_of(const struct text_list *texts)
{
    struct sweep_runs runs = {.count = 1};
    for (int i = 0; i < texts->count; i++)
        add_factor(&runs, texts->texts[i]);
    runs.results = shared_memory((size_t)runs.count, sizeof *runs.results);
    runs.complete = allocate((size_t)runs.count, sizeof *runs.complete);
    return runs;
}

void sweep_runs_free(struct sweep_runs *runs)
{
    for (int i = 0; i < runs->factor_count; i++) {
        free(runs->factors[i].option);
        text_list_free(&runs->factors[i].values);
    }
    free(runs->factors);
    free(runs->complete);
    shared_memory_free(runs->results, (size_t)runs->count, sizeof *runs->results);
}

const char *sweep_value(const struct sweep_runs *runs, int run, int factor)
{
    for (int i = runs->factor_count - 1; i > factor; i--)
        run /= runs->factors[i].values.count;
    return runs->factors[factor].values.texts[run % runs->factors[factor].values.count];
}

struct rank {
    int run;
    double accuracy; /* -1: not complete */
};

static int compare_ranks(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    return x->accuracy != y->accuracy ? (x->accuracy < y->accuracy) - (x->accuracy > y->accuracy) : x->run - y->run;
}

int *sweep_order(const struct sweep_runs *runs)
{
    struct rank *ranks = allocate((size_t)runs->count, sizeof *ranks);
    int *order = allocate((size_t)runs->count, sizeof *order);
    for (int i = 0; i < runs->count; i++)
        ranks[i] = (struct rank){i, runs->complete[i] ? (double)runs->results[i].right / runs->results[i].count : -1};
    qsort(ranks, (size_t)runs->count, sizeof *ranks, compare_ranks);
    for (int i = 0; i < runs->count; i++)
        order[i] = ranks[i].run;
    free(ranks);
    return order;
}
