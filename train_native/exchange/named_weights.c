#include "exchange/named_weights.h"

#include "cli/list.h"
#include "cli/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *tail_of(const char *name)
{
    const char *at = name + strlen(name);
    for (int slashes = 0; at > name; at--)
        if (at[-1] == '/' && ++slashes == 2)
            break;
    return at;
}

void named_weights_add(struct named_weights *weights, const char *name, const struct graph_constant *constant,
                       float *values)
{
    char *copy = text_copy(name);
    LIST_ADD(weights->items, weights->count,
             (struct named_weight){.name = copy, .tail = tail_of(copy), .constant = *constant, .values = values});
    weights->items[weights->count - 1].constant.values = values;
}

void named_weights_free(struct named_weights *weights)
{
    for (int i = 0; i < weights->count; i++) {
        free(weights->items[i].name);
        free(weights->items[i].values);
    }
    free(weights->items);
    *weights = (struct named_weights){0};
}

static int by_tail(const void *a, const void *b)
{
    const struct named_weight *x = a, *y = b;
    const int order = strcmp(x->tail, y->tail);
    return order ? order : strcmp(x->name, y->name);
}

const char *named_weights_sort(struct named_weights *weights)
{
    if (weights->count)
        qsort(weights->items, (size_t)weights->count, sizeof *weights->items, by_tail);
    for (int i = 1; i < weights->count; i++)
        if (strcmp(weights->items[i].name, weights->items[i - 1].name) == 0)
            return weights->items[i].name;
    return NULL;
}

const struct graph_constant *named_weights_find(const struct named_weights *weights, const char *name)
{
    const struct named_weight wanted = {.name = (char *)(uintptr_t)name, .tail = tail_of(name)};
    const struct named_weight *found =
        weights->count ? bsearch(&wanted, weights->items, (size_t)weights->count, sizeof wanted, by_tail) : NULL;
    return found ? &found->constant : NULL;
}

/* The first item whose tail is not before this one. */
static int first_with(const struct named_weights *weights, const char *tail)
{
    int low = 0, high = weights->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (strcmp(weights->items[middle].tail, tail) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct graph_constant *named_weights_of_layer(const struct named_weights *weights, const char *path,
                                                    const char *weight, bool *ambiguous)
{
    char *whole = text_format("%s/%s", path, weight);
    const char *tail = tail_of(whole);
    const struct graph_constant *found = named_weights_find(weights, whole);
    *ambiguous = false;
    if (!found) {
        const int first = first_with(weights, tail);
        const bool has = first < weights->count && strcmp(weights->items[first].tail, tail) == 0;
        const bool has_more = has && first + 1 < weights->count && strcmp(weights->items[first + 1].tail, tail) == 0;
        *ambiguous = has_more;
        found = has && !has_more ? &weights->items[first].constant : NULL;
    }
    free(whole);
    return found;
}
