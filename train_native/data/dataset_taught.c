#include "data/dataset_taught.h"

#include "base/bounds.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/content.h"
#include "data/memory_budget.h"
#include "data/photo_list.h"
#include "data/resize.h"
#include "data/taught.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

void dataset_taught_classes(struct dataset *dataset)
{
    const struct taught *taught = dataset->taught;
    if (!taught)
        return;
    const int own = dataset->classes, max = taught->label_count + own;
    char **names = allocate((size_t)max, sizeof *names);
    int *moved = allocate((size_t)own + 1, sizeof *moved), count = taught->label_count;
    for (int i = 0; i < count; i++)
        names[i] = text_copy(taught->labels[i]);
    for (int i = 0; i < own; i++) {
        moved[i] = find(names, count, dataset->class_names[i]);
        if (moved[i] < 0)
            names[moved[i] = count++] = text_copy(dataset->class_names[i]);
        free(dataset->class_names[i]);
    }
    if (count > LIMIT_CHANNELS)
        die(taught->path, NULL, "its classes and those of the data are %d, more than a model may have", count);
    free(dataset->class_names);
    dataset->class_names = names;
    dataset->classes = count;
    for (int i = 0; i < dataset->count; i++)
        dataset->labels[i] = (uint16_t)moved[dataset->labels[i]];
    for (int i = 0; dataset->photos && i < dataset->photos->count; i++)
        dataset->photos->photos[i].label = (uint16_t)moved[dataset->photos->photos[i].label];
    free(moved);
}

/* What was there before, and room for more. */
static void *longer(void *old, int count, int more, size_t item)
{
    void *all = allocate((size_t)count + (size_t)more, item);
    if (old && count)
        memcpy(all, old, (size_t)count * item);
    free(old);
    return all;
}

/* Their pixels, those of the data's own images first. A thumbnail is what the model saw: it is not cropped again. */
static struct pixels *join(const struct dataset *dataset)
{
    static const struct preprocess stretch = {.resize_mode = RESIZE_STRETCH};
    const struct taught *taught = dataset->taught;
    const struct shape shape = dataset->shape, from = {taught->side, taught->side, 3};
    struct pixels *all =
        pixels_new(dataset->count + taught->count, shape_count(shape), memory_budget(dataset->options.memory));
    for (int i = 0; i < dataset->count; i++) {
        dataset_expect(dataset, i);
        pixels_expect(all, i);
        memcpy(pixels_at(all, i), dataset_pixels(dataset, i), shape_count(shape));
    }
    for (int i = 0; i < taught->count; i++) {
        const uint8_t *pixels = taught->pixels + (size_t)i * shape_count(from);
        pixels_expect(all, dataset->count + i);
        if (from.h == shape.h && from.w == shape.w)
            memcpy(pixels_at(all, dataset->count + i), pixels, shape_count(shape));
        else
            resize_pixels(pixels_at(all, dataset->count + i), pixels, from, shape, &stretch);
    }
    return all;
}

static void print_added(const struct dataset *dataset)
{
    const struct taught *taught = dataset->taught;
    fprintf(stderr, "taught: %s images of %d class%s in ", format_thousands((uint64_t)taught->count),
            taught->label_count, taught->label_count == 1 ? "" : "es");
    print_escaped(stderr, taught->path);
    fprintf(stderr, " are training images, too; %d classes in all\n", dataset->classes);
}

void dataset_taught_images(struct dataset *dataset)
{
    const struct taught *taught = dataset->taught;
    if (!taught)
        return;
    const int own = dataset->count, more = taught->count;
    struct pixels *all = join(dataset);
    pixels_free(dataset->pixels);
    free(dataset->rows);
    free(dataset->checksums);
    dataset->pixels = all;
    dataset->rows = NULL;
    dataset->checksums = NULL;
    dataset->labels = longer(dataset->labels, own, more, sizeof *dataset->labels);
    if (dataset->contents)
        dataset->contents = longer(dataset->contents, own, more, sizeof *dataset->contents);
    if (dataset->files)
        dataset->files = longer(dataset->files, own, more, sizeof *dataset->files);
    if (dataset->validates)
        dataset->validates = longer(dataset->validates, own, more, sizeof *dataset->validates);
    dataset->count += more;
    for (int i = 0; i < more; i++) {
        const char *label = taught->labels[taught->classes[i]];
        dataset->labels[own + i] = (uint16_t)find(dataset->class_names, dataset->classes, label);
        if (dataset->contents)
            dataset->contents[own + i] = content_hash(pixels_at(all, own + i), all->size, 0);
        if (dataset->files)
            dataset->files[own + i] = taught->names[i];
    }
    print_added(dataset);
}
