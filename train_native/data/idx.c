#include "data/idx.h"

#include "data/content.h"
#include "data/gzip.h"
#include "base/bytes.h"
#include "base/bounds.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1 << 30, PARTS = 2 };
static const char *const parts[PARTS] = {"train", "t10k"}; /* by enum dataset_part */
static const char remedy[] = "Fetch the file again.";
static const char *const fashion[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
enum { FASHION = sizeof fashion / sizeof *fashion };

/* The file of this part and kind ("images-idx3"), under any of its usual names; NULL if there is none. */
static char *file_in(const char *folder, const char *part, const char *kind)
{
    static const char separators[] = "-.";
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-ubyte%s", part, kind, i & 1 ? ".gz" : "");
        *strstr(name, "-idx") = separators[i >> 1];
        char *path = path_join(folder, name);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static char *find(const char *folder)
{
    for (int i = 0; i < PARTS; i++) {
        char *file = file_in(folder, parts[i], "images-idx3");
        free(file);
        if (file)
            return text_copy(folder);
    }
    return NULL;
}

/* The file's bytes, unpacked if it is gzipped. The caller frees them. */
static uint8_t *contents_of(size_t *size, const char *path)
{
    const char *reason;
    uint8_t *bytes = read_file(size, &reason, path, MAX_FILE_BYTES);
    if (!bytes)
        die(path, NULL, "%s", reason);
    if (!gzip_is(bytes, *size))
        return bytes;
    struct gzip gzip;
    struct failure failure;
    uint8_t *unpacked = gzip_parse(&gzip, bytes, *size, path, &failure) ? gzip_unpack(&gzip, path, &failure) : NULL;
    if (!unpacked)
        die_of(&failure);
    *size = gzip.size;
    free(bytes);
    return unpacked;
}

bool idx_parse(struct idx *idx, const uint8_t *bytes, size_t size, int dimensions, const char *path,
               struct failure *failure)
{
    const size_t header = 4 + 4 * (size_t)dimensions;
    const uint8_t magic[4] = {0, 0, 8, (uint8_t)dimensions};
    for (size_t i = 0; i < sizeof magic; i++)
        if (i >= size || bytes[i] != magic[i])
            return failure_set(failure, path, remedy,
                               "this is not an IDX file of bytes with %d dimension%s: byte %zu is %s", dimensions,
                               dimensions > 1 ? "s" : "", i, i < size ? "another" : "missing");
    if (size < header)
        return failure_set(failure, path, remedy, "is cut short in its header, at byte %zu of %zu", size, header);
    uint64_t count = 1;
    bool fits = true;
    for (int i = 0; i < dimensions; i++) {
        idx->dimensions[i] = bytes_get4_big(bytes + 4 + 4 * i);
        fits &= !__builtin_mul_overflow(count, (uint64_t)idx->dimensions[i], &count) && count <= INT32_MAX;
    }
    if (!fits)
        return failure_set(failure, path, remedy, "the sizes in its header, at byte 4, promise more than %s bytes",
                           format_thousands(INT32_MAX));
    if (size - header != count)
        return failure_set(failure, path, remedy,
                           "has %s bytes behind its header, which promises %s: it is damaged or cut short",
                           format_thousands(size - header), format_thousands(count));
    idx->values = bytes + header;
    return true;
}

/* An IDX file of the folder. The caller frees *memory, which holds its values. */
static struct idx read_idx(uint8_t **memory, struct dataset *dataset, const char *part, const char *kind,
                           int dimensions)
{
    char *path = file_in(dataset->path, part, kind);
    if (!path) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-ubyte", part, kind);
        die(dataset->path, NULL, "%s (or %s.gz) is missing", name, name);
    }
    text_list_add(&dataset->sources, path);
    size_t size;
    struct idx idx;
    struct failure failure;
    *memory = contents_of(&size, path);
    if (!idx_parse(&idx, *memory, size, dimensions, path, &failure))
        die_of(&failure);
    free(path);
    return idx;
}

static void name_classes(struct dataset *dataset)
{
    const bool is_fashion = dataset->classes == FASHION && strcasestr(dataset->path, "fashion");
    dataset->name = text_copy(is_fashion ? "Fashion-MNIST" : "MNIST");
    dataset->class_names = allocate((size_t)dataset->classes, sizeof *dataset->class_names);
    for (int i = 0; i < dataset->classes; i++)
        dataset->class_names[i] = is_fashion ? text_copy(fashion[i]) : text_format("%d", i);
}

static void read_all(struct dataset *dataset)
{
    uint8_t *memory[PARTS], *images_memory;
    struct idx labels[PARTS];
    bool seen[PARTS][256] = {{false}};
    for (int part = 0; part < PARTS; part++) { /* both, so that a class that one lacks is missed */
        labels[part] = read_idx(&memory[part], dataset, parts[part], "labels-idx1", 1);
        for (uint32_t i = 0; i < labels[part].dimensions[0]; i++) {
            const int label = labels[part].values[i];
            seen[part][label] = true;
            dataset->classes = label >= dataset->classes ? label + 1 : dataset->classes;
        }
    }
    for (int part = 0; part < PARTS; part++)
        for (int i = 0; i < dataset->classes; i++)
            if (!seen[part][i])
                die(dataset->path, remedy, "no image of %s has the label %d, and there are labels up to %d",
                    parts[part], i, dataset->classes - 1);
    if (dataset->classes < 2)
        die(dataset->path, NULL, "all images have one label: a classifier needs two classes or more");
    name_classes(dataset);

    const struct idx images = read_idx(&images_memory, dataset, parts[dataset->part], "images-idx3", 3);
    const uint32_t count = images.dimensions[0], h = images.dimensions[1], w = images.dimensions[2];
    const uint32_t label_count = labels[dataset->part].dimensions[0];
    if (count != label_count || h < 1 || w < 1 || h > LIMIT_SIDE || w > LIMIT_SIDE)
        die(dataset->path, remedy, "%s images of %u x %u pixels and %s labels: the files do not belong together",
            format_thousands(count), h, w, format_thousands(label_count));
    const size_t pixels = (size_t)h * w;
    dataset->count = (int)count;
    dataset->shape = (struct shape){(int)h, (int)w, 3};
    dataset->pixels = pixels_own((int)count, pixels * 3);
    dataset->labels = allocate(count, sizeof *dataset->labels);
    dataset->contents = allocate(count, sizeof *dataset->contents);
    for (size_t i = 0; i < count; i++) {
        dataset->labels[i] = labels[dataset->part].values[i];
        dataset->contents[i] = content_hash(images.values + i * pixels, pixels, 0);
        for (size_t k = 0; k < pixels; k++)
            memset(pixels_at(dataset->pixels, (int)i) + k * 3, images.values[i * pixels + k], 3);
    }
    free(images_memory);
    for (int part = 0; part < PARTS; part++)
        free(memory[part]);
}

const struct record_source idx_source = {find, read_all};
