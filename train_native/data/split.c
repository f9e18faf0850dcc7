/* Divides images into those to learn from and those to validate or test on. */
#include "data/dataset_sources.h"

#include "base/random.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
    uint64_t key, content;
    int label, place;
};

static int by_content(const void *a, const void *b)
{
    const struct drawing *x = a, *y = b;
    return x->content != y->content ? (x->content < y->content ? -1 : 1) : x->label - y->label;
}

static int by_label_and_key(const void *a, const void *b)
{
    const struct drawing *x = a, *y = b;
    if (x->label != y->label)
        return x->label - y->label;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->content != y->content ? (x->content < y->content ? -1 : 1) : x->place - y->place;
}

void draw_by_content(bool *drawn, const uint64_t *contents, const uint16_t *labels, int count, float share, int least,
                     uint64_t seed)
{
    struct drawing *drawings = allocate((size_t)count, sizeof *drawings);
    for (int i = 0; i < count; i++)
        drawings[i] = (struct drawing){random_at(seed, 3, contents[i]), contents[i], labels[i], i};
    qsort(drawings, (size_t)count, sizeof *drawings, by_content);
    for (int i = 1; i < count; i++)
        if (drawings[i].content == drawings[i - 1].content)
            drawings[i].label = drawings[i - 1].label;
    qsort(drawings, (size_t)count, sizeof *drawings, by_label_and_key);
    for (int start = 0, end; start < count; start = end) {
        int different = 0;
        for (end = start; end < count && drawings[end].label == drawings[start].label; end++)
            different += end == start || drawings[end].content != drawings[end - 1].content;
        int wanted = (int)((float)different * share + 0.5f);
        wanted = share > 0 && wanted < least ? least : wanted;
        wanted = share < 1 && wanted > different - least ? different - least : wanted;
        for (int i = start, taken = 0; i < end; i++) {
            taken += i == start || drawings[i].content != drawings[i - 1].content;
            drawn[drawings[i].place] = taken <= wanted;
        }
    }
    free(drawings);
}

/* A share of every class by its images' indices. */
static void draw_by_place(bool *validates, const struct dataset *dataset, float share, uint64_t seed)
{
    int *indices = allocate((size_t)dataset->count, sizeof(int));
    for (int label = 0; label < dataset->classes; label++) {
        struct random random = random_seed(seed, 1000 + (uint64_t)label);
        int count = 0;
        for (int i = 0; i < dataset->count; i++)
            if (dataset->labels[i] == label)
                indices[count++] = i;
        const int wanted = (int)((float)count * share + 0.5f);
        for (int i = 0; i < wanted; i++) { /* the first steps of a Fisher-Yates shuffle */
            const int other = i + (int)random_below(&random, (uint32_t)(count - i));
            const int place = indices[other];
            indices[other] = indices[i];
            validates[place] = true;
        }
    }
    free(indices);
}

struct split dataset_split(const struct dataset *dataset, float share, uint64_t seed)
{
    struct split split = {allocate((size_t)dataset->count, sizeof(int)), allocate((size_t)dataset->count, sizeof(int)), 0, 0};
    bool *validates = allocate((size_t)dataset->count, sizeof(bool));
    if (dataset->validates)
        memcpy(validates, dataset->validates, (size_t)dataset->count * sizeof(bool));
    else if (dataset->contents)
        draw_by_content(validates, dataset->contents, dataset->labels, dataset->count, share, 0, random_at(seed, 5, 0));
    else
        draw_by_place(validates, dataset, share, seed);
    for (int i = 0; i < dataset->count; i++)
        if (validates[i])
            split.validation[split.validation_count++] = i;
        else
            split.train[split.train_count++] = i;
    free(validates);
    return split;
}

void split_free(struct split *split)
{
    free(split->train);
    free(split->validation);
}

char *dataset_division(const struct dataset *dataset)
{
    const struct data_options *options = &dataset->options;
    return dataset->drawn ? text_format("--test %g --split-seed %d", (double)options->test, options->split_seed) : NULL;
}

void dataset_draw(struct dataset *dataset, int count, uint64_t seed)
{
    struct random random = random_seed(seed, 2000);
    const size_t image = shape_count(dataset->shape);
    uint8_t *kept = allocate(image, 1);
    for (int i = 0; i < count && i < dataset->count; i++) { /* to the front, each from those not drawn yet */
        const size_t other = (size_t)i + random_below(&random, (uint32_t)(dataset->count - i));
        uint8_t *a = dataset->pixels + (size_t)i * image, *b = dataset->pixels + other * image;
        const uint16_t label = dataset->labels[i];
        memcpy(kept, a, image);
        memcpy(a, b, image);
        memcpy(b, kept, image);
        dataset->labels[i] = dataset->labels[other];
        dataset->labels[other] = label;
    }
    free(kept);
    dataset_limit(dataset, count);
}
