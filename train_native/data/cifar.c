#include "data/cifar.h"

#include "data/content.h"
#include "net/model.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, MAX_FILES = 6 };

static const struct cifar {
    const char *name, *folder, *names_file, *remedy;
    const char *files[MAX_FILES]; /* the last one holds the test images */
    int file_count, records /* of a file but the last */, test_records, classes;
    int label_bytes; /* the last of them is the label */
} cifar10 = {"CIFAR-10",
             "cifar-10-batches-bin",
             "batches.meta.txt",
             "Fetch the archive again: remove the folder and run `eyelet train --fetch`.",
             {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
              "test_batch.bin"},
             6,
             10000,
             10000,
             10,
             1},
  cifar100 = {"CIFAR-100",
              "cifar-100-binary",
              "fine_label_names.txt",
              "Unpack the archive cifar-100-binary.tar.gz again.",
              {"train.bin", "test.bin"},
              2,
              50000,
              10000,
              100,
              2};

static char *find(const struct cifar *cifar, const char *folder)
{
    char *inner = path_join(folder, cifar->folder);
    const char *const folders[] = {folder, inner};
    char *found = NULL;
    for (int i = 0; i < 2 && !found; i++) {
        char *test = path_join(folders[i], cifar->files[cifar->file_count - 1]),
             *names = path_join(folders[i], cifar->names_file);
        /* CIFAR-10's files are named as nothing else is; train.bin and test.bin could be anything. */
        if (access(test, F_OK) == 0 && (cifar == &cifar10 || access(names, F_OK) == 0))
            found = text_copy(folders[i]);
        free(names);
        free(test);
    }
    free(inner);
    return found;
}

static void read_class_names(struct dataset *dataset, const struct cifar *cifar)
{
    char *path = path_join(dataset->path, cifar->names_file);
    text_list_add(&dataset->sources, path);
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, 1 << 16);
    if (!text)
        die(path, cifar->remedy, "%s", reason);
    dataset->class_names = allocate((size_t)dataset->classes, sizeof *dataset->class_names);
    char *rest = text;
    for (int i = 0; i < dataset->classes; i++) {
        char *line = strsep(&rest, "\n");
        if (line && *line)
            line[strcspn(line, "\r")] = 0;
        if (!line || !*line || strlen(line) > LIMIT_LABEL)
            die(path, cifar->remedy, "expected the names of %d classes, a line each; line %d is missing",
                dataset->classes, i + 1);
        if (!text_valid(line, (int)strlen(line), false)) /* no model could hold it */
            die(path, cifar->remedy, "line %d is not text", i + 1);
        dataset->class_names[i] = text_copy(line);
    }
    free(text);
    free(path);
}

bool cifar_parse(uint8_t *pixels, uint16_t *labels, const struct cifar_file *file, const char *path,
                 struct failure *failure)
{
    const size_t record_bytes = (size_t)(file->label_bytes + 3 * PLANE);
    if (file->size != record_bytes * (size_t)file->records)
        return failure_set(failure, path, NULL, "has %s bytes, not the %s of %d records: it is cut short or is not %s",
                           format_thousands(file->size), format_thousands(record_bytes * (size_t)file->records),
                           file->records, file->name);
    for (int i = 0; i < file->wanted; i++, pixels += 3 * PLANE) {
        const uint8_t *planes = file->bytes + (size_t)i * record_bytes + file->label_bytes;
        if (planes[-1] >= file->classes)
            return failure_set(
                failure, path, NULL,
                "record %d has the label %d, at byte %zu, and there are only 0 to %d: the file is damaged", i,
                planes[-1], (size_t)(planes - file->bytes) - 1, file->classes - 1);
        labels[i] = planes[-1];
        for (int k = 0; k < PLANE; k++)
            for (int c = 0; c < 3; c++)
                pixels[k * 3 + c] = planes[c * PLANE + k];
    }
    return true;
}

/* The first `wanted` of the file's records; of the others only their number is checked. */
static void read_records(struct dataset *dataset, const struct cifar *cifar, const char *name, int records, int wanted)
{
    char *path = path_join(dataset->path, name);
    text_list_add(&dataset->sources, path);
    struct cifar_file file = {cifar->name, NULL, 0, records, wanted, cifar->classes, cifar->label_bytes};
    struct failure failure;
    const char *reason;
    const size_t most = (size_t)wanted * (size_t)(cifar->label_bytes + 3 * PLANE);
    uint8_t *bytes = read_file_part(&file.size, &reason, path, most);
    if (!bytes)
        die(path, cifar->remedy, "%s", reason);
    file.bytes = bytes;
    if (!cifar_parse(pixels_at(dataset->pixels, dataset->count), dataset->labels + dataset->count, &file, path,
                     &failure))
        die(path, cifar->remedy, "%s", failure.reason);
    dataset->count += wanted;
    free(bytes);
    free(path);
}

static void read_all(struct dataset *dataset, const struct cifar *cifar)
{
    const bool train = dataset->part == DATASET_TRAIN;
    const int tests = cifar->file_count - 1, limit = dataset->options.limit;
    const int there = train ? tests * cifar->records : cifar->test_records;
    const int wanted = limit && limit < there ? limit : there;
    dataset->name = text_copy(cifar->name);
    dataset->shape = (struct shape){SIDE, SIDE, 3};
    dataset->classes = cifar->classes;
    dataset->pixels = pixels_own(wanted, 3 * PLANE);
    dataset->labels = allocate((size_t)wanted, sizeof *dataset->labels);
    read_class_names(dataset, cifar);
    for (int i = train ? 0 : tests; i < (train ? tests : cifar->file_count); i++) {
        const int records = train ? cifar->records : cifar->test_records, rest = wanted - dataset->count;
        read_records(dataset, cifar, cifar->files[i], records, rest < records ? rest : records);
    }
}

static char *find_cifar10(const char *folder) { return find(&cifar10, folder); }
static char *find_cifar100(const char *folder) { return find(&cifar100, folder); }
static void read_cifar10(struct dataset *dataset) { read_all(dataset, &cifar10); }

static void read_cifar100(struct dataset *dataset)
{
    read_all(dataset, &cifar100);
    dataset->contents = allocate((size_t)dataset->count, sizeof *dataset->contents);
    for (int i = 0; i < dataset->count; i++)
        dataset->contents[i] = content_hash(dataset_pixels(dataset, i), 3 * PLANE, 0);
}

const struct record_source cifar10_source = {find_cifar10, read_cifar10},
                           cifar100_source = {find_cifar100, read_cifar100};
