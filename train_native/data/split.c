#include "data/split.h"

#include "base/random.h"
#include "cli/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
    uint64_t key, content;
    int label, index;
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
    return x->content != y->content ? (x->content < y->content ? -1 : 1) : x->index - y->index;
}

void split_by_content(bool *drawn, const struct split_source *source, float fraction, int min_count, uint64_t seed)
{
    const int count = source->count;
    struct drawing *drawings = allocate((size_t)count, sizeof *drawings);
    for (int i = 0; i < count; i++)
        drawings[i] = (struct drawing){random_at(seed, STREAM_SPLIT_CONTENT, source->contents[i]), source->contents[i],
                                       source->labels[i], i};
    qsort(drawings, (size_t)count, sizeof *drawings, by_content);
    for (int i = 1; i < count; i++)
        if (drawings[i].content == drawings[i - 1].content)
            drawings[i].label = drawings[i - 1].label;
    qsort(drawings, (size_t)count, sizeof *drawings, by_label_and_key);
    for (int start = 0, end; start < count; start = end) {
        int different = 0;
        for (end = start; end < count && drawings[end].label == drawings[start].label; end++)
            different += end == start || drawings[end].content != drawings[end - 1].content;
        int wanted = (int)((float)different * fraction + 0.5f);
        wanted = fraction > 0 && wanted < min_count ? min_count : wanted;
        wanted = fraction < 1 && wanted > different - min_count ? different - min_count : wanted;
        for (int i = start, taken = 0; i < end; i++) {
            taken += i == start || drawings[i].content != drawings[i - 1].content;
            drawn[drawings[i].index] = taken <= wanted;
        }
    }
    free(drawings);
}

/* A fraction of every class by its images' indices; for CIFAR-10 alone. */
static void draw_by_index(bool *validates, const struct dataset *dataset, float fraction, uint64_t seed)
{
    assert(dataset->classes <= STREAM_SPLIT_CLASSES);
    int *indices = allocate((size_t)dataset->count, sizeof(int));
    for (int label = 0; label < dataset->classes; label++) {
        struct random random = random_seed(seed, STREAM_SPLIT_CLASS + (uint64_t)label);
        int count = 0;
        for (int i = 0; i < dataset->count; i++)
            if (dataset->labels[i] == label)
                indices[count++] = i;
        int wanted = (int)((float)count * fraction + 0.5f);
        wanted += wanted == 0 && fraction > 0 && count > 1;
        for (int i = 0; i < wanted; i++) { /* the first steps of a Fisher-Yates shuffle */
            const int other = i + (int)random_below(&random, (uint32_t)(count - i));
            const int chosen = indices[other];
            indices[other] = indices[i];
            validates[chosen] = true;
        }
    }
    free(indices);
}

struct split split_dataset(const struct dataset *dataset, float fraction, uint64_t seed)
{
    struct split split = {allocate((size_t)dataset->count, sizeof(int)), allocate((size_t)dataset->count, sizeof(int)),
                          0, 0};
    bool *validates = allocate((size_t)dataset->count, sizeof(bool));
    if (dataset->validates)
        memcpy(validates, dataset->validates, (size_t)dataset->count * sizeof(bool));
    else if (dataset->contents)
        split_by_content(validates, &(struct split_source){dataset->contents, dataset->labels, dataset->count},
                         fraction, 1, random_at(seed, STREAM_VALIDATION, 0));
    else
        draw_by_index(validates, dataset, fraction, seed);
    for (int i = 0; i < dataset->count; i++)
        if (validates[i])
            split.validation[split.validation_count++] = i;
        else
            split.train[split.train_count++] = i;
    free(validates);
    return split;
}

/* Of a class of which none was drawn the first one is. */
static void draw_of_every_class(bool *drawn, const struct split_source *source, int classes)
{
    bool *has = allocate((size_t)classes, sizeof(bool));
    for (int i = 0; i < source->count; i++)
        has[source->labels[i]] |= drawn[i];
    for (int i = 0; i < source->count; i++) {
        drawn[i] |= !has[source->labels[i]];
        has[source->labels[i]] = true;
    }
    free(has);
}

void split_use(struct split *split, const struct dataset *dataset, float fraction, uint64_t seed)
{
    const int count = split->train_count;
    if (!(fraction < 1))
        return;
    bool *drawn = allocate((size_t)count, sizeof *drawn);
    uint64_t *contents = allocate((size_t)count, sizeof *contents);
    uint16_t *labels = allocate((size_t)count, sizeof *labels);
    for (int i = 0; i < count; i++) {
        const int image = split->train[i];
        contents[i] = dataset->contents ? dataset->contents[image] : (uint64_t)image;
        labels[i] = dataset->labels[image];
    }
    const struct split_source source = {contents, labels, count};
    split_by_content(drawn, &source, fraction, 0, random_at(seed, STREAM_USE, 0));
    draw_of_every_class(drawn, &source, dataset->classes);
    split->train_count = 0;
    for (int i = 0; i < count; i++)
        if (drawn[i])
            split->train[split->train_count++] = split->train[i];
    free(labels);
    free(contents);
    free(drawn);
}

void split_free(struct split *split)
{
    free(split->train);
    free(split->validation);
}
