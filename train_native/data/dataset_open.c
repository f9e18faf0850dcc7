#include "data/dataset_open.h"

#include "base/text.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/cifar.h"
#include "data/csv.h"
#include "data/dataset_taught.h"
#include "data/fetch.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/memory_budget.h"
#include "data/photos.h"
#include "data/pixel_file.h"
#include "data/same_files.h"
#include "data/second_decoder.h"
#include "data/split.h"
#include "data/taught.h"
#include "ranks/ranks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct record_source *const record_sources[] = {&cifar10_source, &cifar100_source, &idx_source};
enum { RECORD_SOURCES = sizeof record_sources / sizeof *record_sources, MAX_NAME = 64 };

/* ---- Where the data is ---- */

/* The path that the user names, if any. */
static const char *named_path(const char *path)
{
    const char *variable = getenv("EYELET_DATA");
    return path ? path : variable && *variable ? variable : NULL;
}

/* Without a name there is only CIFAR-10 to look for; NULL if it is not there. */
static char *usual_folder(void)
{
    char *folder = cifar10_source.find("data");
    return folder ? folder : cifar10_source.find("../shared/data");
}

bool dataset_is_there(const char *path)
{
    const char *named = named_path(path);
    char *folder = named ? NULL : usual_folder();
    free(folder);
    return folder || (named && access(named, F_OK) == 0);
}

static char *find_usual(bool may_fetch)
{
    char *folder = usual_folder();
    if (!folder && may_fetch && fetch_cifar("data"))
        folder = cifar10_source.find("data");
    if (!folder)
        die("cifar-10-batches-bin",
            "Name a folder of data, or EYELET_DATA, or let `eyelet train --fetch` fetch it (162 MB).",
            "not found in data/ or ../shared/data/");
    return folder;
}

/* The last part of a path, as text that a model's notes can hold. */
static char *name_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start && path[start - 1] != '/')
        start--;
    const int count = (int)(length - start);
    return count && count <= MAX_NAME && text_valid(path + start, count, false)
               ? text_copy_bytes(path + start, length - start)
               : text_copy("photos");
}

static void open_photos(struct dataset *dataset, const char *path, bool is_folder)
{
    dataset->path = text_copy(path);
    dataset->name = name_of(path);
    struct data_options listing = dataset->options;
    listing.any_classes = listing.any_classes || dataset->taught; /* which has others */
    dataset->photos = is_folder ? folder_list(path, &listing) : csv_list(path, dataset->options.columns);
    if (!is_folder)
        text_list_add(&dataset->sources, path);
    dataset->classes = dataset->photos->classes;
    dataset->class_names = allocate((size_t)dataset->classes, sizeof *dataset->class_names);
    for (int i = 0; i < dataset->classes; i++)
        dataset->class_names[i] = text_copy(dataset->photos->class_names[i]);
    if (dataset->part == DATASET_TRAIN && !dataset->photos->has_train)
        die(path, "Put the training images into a folder train beside it.", "there are only test images here");
}

/* Fills in a set of records, if the path is of that kind. */
static bool open_records(struct dataset *dataset, const char *path)
{
    for (int i = 0; i < RECORD_SOURCES && !dataset->path; i++)
        if ((dataset->path = record_sources[i]->find(path)))
            record_sources[i]->read(dataset);
    return dataset->path != NULL;
}

/* Photos of the other part of the data are not read, and may be others. */
static bool is_of_part(const struct photo *photo, enum dataset_part part)
{
    return photo->part == PHOTO_OPEN || (photo->part == PHOTO_TEST) == (part == DATASET_TEST);
}

/* Ends the program where another rank would read these images otherwise, or others. */
static void compare_files(const struct dataset *dataset)
{
    char *decoders = text_format("decoders=%s\n", second_decoder_names);
    ranks_compare(decoders);
    free(decoders);
    const struct photo_list *list = dataset->photos;
    const struct text_list *sources = &dataset->sources;
    char **paths = allocate((size_t)sources->count + (size_t)(list ? list->count : 0) + 1, sizeof *paths);
    char *folder = text_copy(dataset->path), *end = list && sources->count ? strrchr(folder, '/') : NULL;
    int count = 0;
    while (count < sources->count) {
        paths[count] = sources->texts[count];
        count++;
    }
    for (int i = 0; list && i < list->count; i++)
        if (is_of_part(&list->photos[i], dataset->part))
            paths[count++] = list->photos[i].path;
    if (list && sources->count) /* a CSV file, and the photos are below its folder */
        *(end ? end : folder) = 0;
    same_files(folder, paths, count);
    free(folder);
    free(paths);
}

static void print_opened(const struct dataset *dataset, const char *kind, const char *more)
{
    fputs("data: ", stderr);
    print_escaped(stderr, dataset->path);
    fprintf(stderr, " (%s, %s %s images%s)\n", kind, format_thousands((uint64_t)dataset->count),
            dataset->part == DATASET_TRAIN ? "training" : "test", more);
}

static void limit(struct dataset *dataset)
{
    if (dataset->options.limit)
        dataset_limit(dataset, dataset->options.limit);
}

struct dataset dataset_open(const struct data_options *options, enum dataset_part part)
{
    struct dataset dataset = {.options = *options, .part = part};
    if (part == DATASET_TRAIN && options->taught)
        dataset.taught = taught_open(options->taught);
    const char *named = named_path(options->path);
    if (!named) {
        char *folder = find_usual(options->may_fetch);
        open_records(&dataset, folder);
        free(folder);
    } else {
        struct stat about;
        if (stat(named, &about))
            die(named, NULL, "no data here (named by %s): %s", options->path ? "the command" : "EYELET_DATA",
                strerror(errno));
        if (!open_records(&dataset, named))
            open_photos(&dataset, named, S_ISDIR(about.st_mode));
    }
    if (options->shared)
        compare_files(&dataset);
    dataset_taught_classes(&dataset);
    if (dataset.photos && dataset.classes == 1 && !options->any_classes)
        die(dataset.path, "A classifier needs two classes or more.", "there is only one class, \"%s\"",
            dataset.class_names[0]);
    if (!dataset.photos) {
        limit(&dataset);
        print_opened(&dataset, dataset.name, dataset.count == options->limit ? ", as --limit says" : "");
    }
    return dataset;
}

/* ---- Reading images in files ---- */

/* The photos that this part of the data may hold stay in the list. What the other parts hold is not read, but a folder of
 * theirs that cannot be listed is named all the same. */
static void choose_part(struct photo_list *list, enum dataset_part part)
{
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        const struct photo photo = list->photos[i];
        if (is_of_part(&photo, part)) {
            list->photos[kept++] = photo;
            continue;
        }
        if (photo.fault)
            warn(photo.path, NULL, "left out: %s", photo.fault);
        free(photo.path);
    }
    list->count = kept;
}

/* Marks in `kept` what was read and belongs to the part. True if the test set was held out by this split. */
static bool divide(bool *kept, const struct dataset *dataset, const struct photo_facts *facts)
{
    const struct photo_list *list = dataset->photos;
    int *indices = allocate((size_t)list->count, sizeof *indices), open = 0;
    uint64_t *contents = allocate((size_t)list->count, sizeof *contents);
    uint16_t *labels = allocate((size_t)list->count, sizeof *labels);
    bool *drawn = allocate((size_t)list->count, sizeof *drawn);
    for (int i = 0; i < list->count; i++) {
        kept[i] = !facts[i].reason[0];
        if (!kept[i] || list->photos[i].part != PHOTO_OPEN)
            continue;
        contents[open] = facts[i].content;
        labels[open] = list->photos[i].label;
        indices[open++] = i;
    }
    split_by_content(drawn, &(struct split_source){contents, labels, open}, dataset->options.test, 1,
                     (uint64_t)dataset->options.split_seed);
    for (int k = 0; k < open; k++)
        kept[indices[k]] = drawn[k] == (dataset->part == DATASET_TEST);
    free(indices);
    free(contents);
    free(labels);
    free(drawn);
    return open > 0 && dataset->options.test > 0;
}

/* Lists the images that are kept. */
static void gather(struct dataset *dataset, const struct photo_facts *facts, const bool *kept)
{
    struct photo_list *list = dataset->photos;
    dataset->rows = allocate((size_t)list->count, sizeof *dataset->rows);
    dataset->checksums = allocate((size_t)list->count, sizeof *dataset->checksums);
    dataset->labels = allocate((size_t)list->count, sizeof *dataset->labels);
    dataset->contents = allocate((size_t)list->count, sizeof *dataset->contents);
    dataset->files = allocate((size_t)list->count, sizeof *dataset->files);
    bool *validates = allocate((size_t)list->count, sizeof *validates), any = false;
    for (int i = 0; i < list->count; i++) {
        if (!kept[i])
            continue;
        const int to = dataset->count++;
        dataset->rows[to] = i;
        dataset->checksums[to] = facts[i].checksum;
        dataset->labels[to] = list->photos[i].label;
        dataset->contents[to] = facts[i].content;
        dataset->files[to] = list->photos[i].path;
        any |= validates[to] = list->photos[i].part == PHOTO_VALIDATION;
    }
    dataset->validates = any ? validates : NULL;
    if (!any)
        free(validates);
}

/* A class without images cannot be trained, and one that a random split leaves out cannot be tested. A test set of its
 * own may lack one, and so may images that measure a model which has its classes. */
static void check_classes(const struct dataset *dataset)
{
    if (dataset->options.any_classes)
        return;
    int *counts = allocate((size_t)dataset->classes, sizeof *counts);
    for (int i = 0; i < dataset->count; i++)
        counts[dataset->labels[i]] += !(dataset->validates && dataset->validates[i]);
    for (int i = 0; i < dataset->classes; i++)
        if (!counts[i] && (dataset->part == DATASET_TRAIN || dataset->drawn))
            die(dataset->path,
                dataset->drawn ? "Add images of it. --test 0 holds out none as test set, --test 1 all."
                               : "Add images of it, or remove the class from all parts of the data.",
                "the class \"%s\" has no readable %s image", dataset->class_names[i],
                dataset->part == DATASET_TRAIN ? "training" : "test");
    free(counts);
}

/* In memory, in the file that is kept, or in one without a name. */
static struct photo_facts *read_photos(struct dataset *dataset, const struct photo_reading *reading)
{
    const struct data_options *options = &dataset->options;
    const size_t image = shape_count(dataset->shape);
    const int count = reading->list->count;
    struct failure failure;
    struct photo_facts *facts;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)count, image, &bytes) || bytes > SIZE_MAX / 4)
        die(dataset->path, "Use a smaller --size.", "the images do not fit into memory");
    if (options->pixels && (options->keep_pixels || !pixels_fit(count, image, reading->memory))) {
        facts = pixel_file_read(&dataset->pixels, reading, options->pixels, &failure);
    } else {
        struct photo_reading making = *reading;
        making.shared = reading->shared && ranks_all(true); /* not where another rank has all in a file */
        dataset->pixels = pixels_new(count, image, reading->memory);
        facts = photos_read(&making, dataset->pixels, &failure);
    }
    if (!facts)
        die_of(&failure);
    return facts;
}

void dataset_read(struct dataset *dataset, struct shape input, const struct preprocess *preprocess)
{
    struct photo_list *list = dataset->photos;
    if (!list) {
        dataset_taught_images(dataset);
        limit(dataset);
        return;
    }
    choose_part(list, dataset->part);
    dataset->shape = (struct shape){input.h, input.w, 3};
    const int threads = dataset->options.threads ? dataset->options.threads : ranks_threads();
    const uint64_t memory = memory_budget(dataset->options.memory);
    const struct photo_reading reading = {list, input, preprocess, threads, memory, dataset->options.shared};
    struct photo_facts *facts = read_photos(dataset, &reading);
    const int bad = photos_refuse(list, facts, dataset->path, dataset->options.allow_bad);
    bool *kept = allocate((size_t)list->count, sizeof *kept);
    dataset->drawn = divide(kept, dataset, facts);
    gather(dataset, facts, kept);
    if (!dataset->taught)
        check_classes(dataset);
    char more[600], *end = more;
    end += sprintf(end, " of %s classes", format_thousands((uint64_t)dataset->classes));
    if (dataset->drawn)
        end += sprintf(end, "; %g %% are held out as test set", 100 * (double)dataset->options.test);
    if (bad)
        end += sprintf(end, "; left out: %s", format_thousands((uint64_t)bad));
    for (int reason = 0; reason < LEFT_SYSTEM; reason++) {
        const int count = photo_list_left_out(list, (enum left_out)reason);
        if (count)
            end += sprintf(end, "; %s: %s", left_out_texts[reason], format_thousands((uint64_t)count));
    }
    print_opened(dataset, list->kind, more);
    if (dataset->taught) {
        dataset_taught_images(dataset);
        check_classes(dataset);
    }
    limit(dataset);
    free(kept);
    photos_facts_free(facts, list);
}
