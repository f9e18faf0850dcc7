/* MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): files in the IDX format, as they are or gzipped (RFC
 * 1952). IDX: 0, 0, 8 for bytes, the number of dimensions; each dimension, 4 bytes, high byte first; the values. */
#include "data/idx.h"

#include "data/content.h"
#include "base/bytes.h"
#include "image/decode.h"
#include "base/bounds.h"
#include "data/sandbox.h"
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

struct unpacking {
    const uint8_t *packed;
    uint8_t *out; /* shared */
    size_t packed_size, size;
    bool *done; /* shared */
};

static void unpack(void *context, int i)
{
    (void)i;
    const struct unpacking *u = context;
    *u->done = decode_deflated(u->out, u->size, u->packed, u->packed_size) == STATUS_OK;
}

static void stopped(void *context, int i)
{
    (void)context;
    (void)i;
}

/* Where the compressed data starts in a gzip file, or 0. */
static size_t behind_gzip_header(const uint8_t *bytes, size_t size)
{
    enum { CHECKSUM = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0, HEADER = 10, TRAILER = 8 };
    if (size < HEADER + TRAILER || bytes[2] != 8 || (bytes[3] & RESERVED))
        return 0;
    const size_t end = size - TRAILER;
    size_t at = HEADER;
    if (bytes[3] & EXTRA)
        at += at + 2 <= end ? 2 + (size_t)(bytes[at] | bytes[at + 1] << 8) : size;
    for (int flag = NAME; flag <= COMMENT; flag *= 2)
        if (bytes[3] & flag) {
            const uint8_t *zero = at < end ? memchr(bytes + at, 0, end - at) : NULL;
            at = zero ? (size_t)(zero - bytes) + 1 : size;
        }
    at += bytes[3] & CHECKSUM ? 2 : 0;
    return at < end ? at : 0;
}

/* The file's bytes, unpacked if it is gzipped. The caller frees them. */
static uint8_t *contents_of(size_t *size, const char *path)
{
    const char *reason;
    uint8_t *bytes = read_file(size, &reason, path, MAX_FILE_BYTES);
    if (!bytes)
        die(path, NULL, "%s", reason);
    if (*size < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b)
        return bytes;
    const size_t start = behind_gzip_header(bytes, *size);
    const size_t unpacked = start ? bytes_get4(bytes + *size - 4) : 0;
    if (!start || unpacked > MAX_FILE_BYTES)
        die(path, remedy, "the gzip file is damaged, or unpacks to more than %s bytes",
            format_thousands(MAX_FILE_BYTES));
    uint8_t *out = shared_memory(unpacked + 1, 1);
    struct unpacking unpacking = {bytes + start, out, *size - start, unpacked, (bool *)out + unpacked};
    sandbox_run(1, 1, unpack, stopped, &unpacking);
    if (!*unpacking.done || bytes_crc32(out, unpacked) != bytes_get4(bytes + *size - 8))
        die(path, remedy, "the gzip file is damaged or cut short");
    free(bytes);
    uint8_t *result = allocate(unpacked, 1);
    memcpy(result, out, unpacked);
    shared_memory_free(out, unpacked + 1, 1);
    *size = unpacked;
    return result;
}

/* The values of an IDX file with this many dimensions. */
static uint8_t *read_idx(uint32_t *dimensions, int count, const char *folder, const char *part, const char *kind,
                         uint8_t **memory)
{
    char *path = file_in(folder, part, kind);
    if (!path) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-ubyte", part, kind);
        die(folder, NULL, "%s (or %s.gz) is missing", name, name);
    }
    size_t size, expected = 1;
    uint8_t *bytes = *memory = contents_of(&size, path);
    const size_t header = 4 + 4 * (size_t)count;
    bool sound = size >= header && bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 8 && bytes[3] == count;
    for (int i = 0; sound && i < count; i++) {
        dimensions[i] = bytes_get4_big(bytes + 4 + 4 * i);
        sound = !__builtin_mul_overflow(expected, (size_t)dimensions[i], &expected);
    }
    if (!sound)
        die(path, remedy, "this is not an IDX file of bytes with %d dimension%s", count, count > 1 ? "s" : "");
    if (size - header != expected)
        die(path, remedy, "has %s bytes behind its header, which promises %s: it is damaged or cut short",
            format_thousands(size - header), format_thousands(expected));
    free(path);
    return bytes + header;
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
    uint8_t *memory[PARTS], *labels[PARTS] = {NULL};
    uint32_t label_count[PARTS] = {0}, dimensions[3];
    bool seen[PARTS][256] = {{false}};
    for (int part = 0; part < PARTS; part++) { /* both, so that a class that one lacks is missed */
        labels[part] = read_idx(&label_count[part], 1, dataset->path, parts[part], "labels-idx1", &memory[part]);
        for (uint32_t i = 0; i < label_count[part]; i++) {
            seen[part][labels[part][i]] = true;
            dataset->classes = labels[part][i] >= dataset->classes ? labels[part][i] + 1 : dataset->classes;
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

    uint8_t *images_memory,
        *images = read_idx(dimensions, 3, dataset->path, parts[dataset->part], "images-idx3", &images_memory);
    const uint32_t count = dimensions[0], h = dimensions[1], w = dimensions[2];
    if (count != label_count[dataset->part] || h < 1 || w < 1 || h > LIMIT_SIDE || w > LIMIT_SIDE)
        die(dataset->path, remedy, "%s images of %u x %u pixels and %s labels: the files do not belong together",
            format_thousands(count), h, w, format_thousands(label_count[dataset->part]));
    const size_t pixels = (size_t)h * w;
    dataset->count = (int)count;
    dataset->shape = (struct shape){(int)h, (int)w, 3};
    dataset->pixels = allocate(count * pixels, 3);
    dataset->labels = allocate(count, sizeof *dataset->labels);
    dataset->contents = allocate(count, sizeof *dataset->contents);
    for (size_t i = 0; i < count; i++) {
        dataset->labels[i] = labels[dataset->part][i];
        dataset->contents[i] = content_hash(images + i * pixels, pixels, 0);
        for (size_t k = 0; k < pixels; k++)
            memset(dataset->pixels + (i * pixels + k) * 3, images[i * pixels + k], 3);
    }
    free(images_memory);
    for (int part = 0; part < PARTS; part++)
        free(memory[part]);
}

const struct record_source idx_source = {find, read_all};
