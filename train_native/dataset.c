#include "dataset.h"

#include "fetch.h"
#include "model.h"
#include "random.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CIFAR-10 (Krizhevsky 2009), binary version: a record is a label and then the planes of red, green and blue. */
enum { CIFAR_SIDE = 32, CIFAR_PLANE = 1024, CIFAR_RECORD = 3073, CIFAR_RECORDS = 10000, CIFAR_CLASSES = 10 };
static const char cifar_folder[] = "cifar-10-batches-bin";
static const char *const cifar_files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                          "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
enum { TRAIN_FILES = 5, FILES = 6 };
static const char remedy[] = "Fetch the archive again: remove the folder and run `eyelet train --fetch`.";

static char *join(const char *folder, const char *name)
{
    const size_t length = strlen(folder) + strlen(name) + 2;
    char *path = allocate(length, 1);
    snprintf(path, length, "%s/%s", folder, name);
    return path;
}

static bool holds_cifar(const char *folder)
{
    char *path = join(folder, cifar_files[FILES - 1]);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* The folder itself or the one of the archive's name in it; NULL if neither holds the data. */
static char *cifar_in(const char *folder)
{
    if (holds_cifar(folder))
        return strdup(folder);
    char *inner = join(folder, cifar_folder);
    if (holds_cifar(inner))
        return inner;
    free(inner);
    return NULL;
}

/* The place that the user names, if any. */
static const char *named_place(const char *path)
{
    const char *variable = getenv("EYELET_DATA");
    return path ? path : variable && *variable ? variable : NULL;
}

/* NULL if the data is not there. */
static char *look_for_cifar(const char *path)
{
    const char *named = named_place(path);
    if (named)
        return cifar_in(named);
    char *folder = cifar_in("data");
    return folder ? folder : cifar_in("../shared/data");
}

bool dataset_is_there(const char *path)
{
    char *folder = look_for_cifar(path);
    free(folder);
    return folder != NULL;
}

static char *find_cifar(const char *path, bool may_fetch)
{
    const char *named = named_place(path);
    char *folder = look_for_cifar(path);
    if (!folder && named)
        fail(named, "The folder should hold data_batch_1.bin to data_batch_5.bin and test_batch.bin.",
             "no CIFAR-10 here (named by %s)", path ? "--data" : "EYELET_DATA");
    if (!folder && may_fetch && fetch_cifar("data"))
        folder = cifar_in("data");
    if (!folder)
        fail(cifar_folder, "Name its folder with --data or EYELET_DATA, or let `eyelet train --fetch` fetch it (162 MB).",
             "not found in data/ or ../shared/data/");
    return folder;
}

static void read_class_names(struct dataset *dataset)
{
    char *path = join(dataset->path, "batches.meta.txt");
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, 1 << 16);
    if (!text)
        fail(path, remedy, "%s", reason);
    dataset->class_names = allocate((size_t)dataset->classes, sizeof *dataset->class_names);
    char *rest = text;
    for (int i = 0; i < dataset->classes; i++) {
        char *line = strsep(&rest, "\n");
        if (line && *line)
            line[strcspn(line, "\r")] = 0;
        if (!line || !*line || strlen(line) > 255)
            fail(path, remedy, "expected the names of %d classes, a line each; line %d is missing", dataset->classes, i + 1);
        if (!model_text_valid(line, (int)strlen(line), false)) /* no model could hold it */
            fail(path, remedy, "line %d is not text", i + 1);
        dataset->class_names[i] = strdup(line);
    }
    free(text);
    free(path);
}

static void read_records(struct dataset *dataset, const char *name)
{
    char *path = join(dataset->path, name);
    size_t size;
    const char *reason;
    uint8_t *bytes = read_file(&size, &reason, path, (size_t)1 << 30);
    if (!bytes)
        fail(path, remedy, "%s", reason);
    if (size != (size_t)CIFAR_RECORD * CIFAR_RECORDS)
        fail(path, remedy, "has %s bytes, not the %s of %d records: it is cut short or is not CIFAR-10", grouped(size),
             grouped((uint64_t)CIFAR_RECORD * CIFAR_RECORDS), CIFAR_RECORDS);
    for (int i = 0; i < CIFAR_RECORDS; i++) {
        const uint8_t *record = bytes + (size_t)i * CIFAR_RECORD;
        if (record[0] >= CIFAR_CLASSES)
            fail(path, remedy, "record %d has the label %d, and there are only 0 to %d: the file is damaged", i, record[0],
                 CIFAR_CLASSES - 1);
        dataset->labels[dataset->count] = record[0];
        uint8_t *pixels = dataset->pixels + (size_t)dataset->count++ * 3 * CIFAR_PLANE;
        for (int k = 0; k < CIFAR_PLANE; k++)
            for (int c = 0; c < 3; c++)
                pixels[k * 3 + c] = record[1 + c * CIFAR_PLANE + k];
    }
    free(bytes);
    free(path);
}

struct dataset dataset_open(const char *path, enum dataset_part part, bool may_fetch)
{
    struct dataset dataset = {.name = strdup("CIFAR-10"),
                              .path = find_cifar(path, may_fetch),
                              .shape = {CIFAR_SIDE, CIFAR_SIDE, 3},
                              .classes = CIFAR_CLASSES};
    const int first = part == DATASET_TRAIN ? 0 : TRAIN_FILES, last = part == DATASET_TRAIN ? TRAIN_FILES : FILES;
    const size_t most = (size_t)(last - first) * CIFAR_RECORDS;
    dataset.pixels = allocate(most, 3 * CIFAR_PLANE);
    dataset.labels = allocate(most, 1);
    read_class_names(&dataset);
    for (int i = first; i < last; i++)
        read_records(&dataset, cifar_files[i]);
    fputs("data: ", stderr);
    print_escaped(stderr, dataset.path);
    fprintf(stderr, " (%s, %s %s images)\n", dataset.name, grouped((uint64_t)dataset.count),
            part == DATASET_TRAIN ? "training" : "test");
    return dataset;
}

void dataset_free(struct dataset *dataset)
{
    for (int i = 0; i < dataset->classes; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    free(dataset->name);
    free(dataset->path);
    free(dataset->pixels);
    free(dataset->labels);
}

void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess)
{
    const struct shape from = dataset->shape;
    if (from.h == input.h && from.w == input.w)
        return;
    const size_t old = (size_t)from.h * (size_t)from.w, new = (size_t)input.h * (size_t)input.w;
    uint8_t *fitted = allocate((size_t)dataset->count * new, 3), *rgba = allocate(old, 4);
    struct arena measure = {0};
    image_fit(NULL, NULL, from.w, from.h, input, preprocess, &measure);
    void *scratch = allocate((size_t)measure.used, 1);
    for (size_t i = 0; i < (size_t)dataset->count; i++) {
        for (size_t k = 0; k < old; k++) {
            memcpy(rgba + k * 4, dataset->pixels + (i * old + k) * 3, 3);
            rgba[k * 4 + 3] = 255;
        }
        struct arena arena = {.base = scratch, .size = measure.used};
        image_fit(fitted + i * new * 3, rgba, from.w, from.h, input, preprocess, &arena);
    }
    free(scratch);
    free(rgba);
    free(dataset->pixels);
    dataset->pixels = fitted;
    dataset->shape = (struct shape){input.h, input.w, 3};
}

void dataset_draw(struct dataset *dataset, int count, uint64_t seed)
{
    struct random random = random_seed(seed, 2000);
    const size_t image = shape_count(dataset->shape);
    uint8_t *kept = allocate(image, 1);
    for (int i = 0; i < count && i < dataset->count; i++) { /* to the front, each from those not drawn yet */
        const size_t other = (size_t)i + random_below(&random, (uint32_t)(dataset->count - i));
        uint8_t *a = dataset->pixels + (size_t)i * image, *b = dataset->pixels + other * image, label = dataset->labels[i];
        memcpy(kept, a, image);
        memcpy(a, b, image);
        memcpy(b, kept, image);
        dataset->labels[i] = dataset->labels[other];
        dataset->labels[other] = label;
    }
    free(kept);
    dataset_limit(dataset, count);
}

void dataset_limit(struct dataset *dataset, int count)
{
    if (count < dataset->count)
        dataset->count = count;
}

struct split dataset_split(const struct dataset *dataset, float share, uint64_t seed)
{
    struct split split = {allocate((size_t)dataset->count, sizeof(int)), allocate((size_t)dataset->count, sizeof(int)), 0, 0};
    bool *validates = allocate((size_t)dataset->count, sizeof(bool));
    int *places = allocate((size_t)dataset->count, sizeof(int));
    for (int label = 0; label < dataset->classes; label++) {
        struct random random = random_seed(seed, 1000 + (uint64_t)label);
        int count = 0;
        for (int i = 0; i < dataset->count; i++)
            if (dataset->labels[i] == label)
                places[count++] = i;
        const int wanted = (int)((float)count * share + 0.5f);
        for (int i = 0; i < wanted; i++) { /* the first steps of a Fisher-Yates shuffle */
            const int other = i + (int)random_below(&random, (uint32_t)(count - i));
            const int place = places[other];
            places[other] = places[i];
            validates[place] = true;
        }
    }
    for (int i = 0; i < dataset->count; i++)
        if (validates[i])
            split.validation[split.validation_count++] = i;
        else
            split.train[split.train_count++] = i;
    free(places);
    free(validates);
    return split;
}

void split_free(struct split *split)
{
    free(split->train);
    free(split->validation);
}

void dataset_statistics(float mean[3], float deviation[3], const struct dataset *dataset, const int *places, int count)
{
    const size_t pixels = (size_t)dataset->shape.h * (size_t)dataset->shape.w;
    uint64_t sum[3] = {0}, squares[3] = {0};
    for (int i = 0; i < count; i++) {
        const uint8_t *image = dataset->pixels + (size_t)places[i] * pixels * 3;
        for (size_t k = 0; k < pixels; k++)
            for (int c = 0; c < 3; c++) {
                sum[c] += image[k * 3 + (size_t)c];
                squares[c] += (uint64_t)image[k * 3 + (size_t)c] * image[k * 3 + (size_t)c];
            }
    }
    const double total = (double)count * (double)pixels;
    for (int c = 0; c < 3; c++) {
        const double m = (double)sum[c] / total, variance = (double)squares[c] / total - m * m;
        mean[c] = (float)(m / 255);
        deviation[c] = (float)(sqrt(variance > 1 ? variance : 1) / 255); /* a single colour has none */
    }
}
