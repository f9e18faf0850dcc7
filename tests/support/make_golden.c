/* Writes the golden files: make_golden FOLDER makes FOLDER/model.eyelet, full.eyelet and expected.h. Recipe:
 * golden/README.md. */
#include "classifier.h"
#include "support/golden_model.h"
#include "support/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What nets.c and golden_model.c want of the framework, without its tests. */
void *test_bytes(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64); }
float *test_floats(size_t count) { return test_bytes(count * sizeof(float)); }
void test_fill(float *numbers, size_t count, struct random *random)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = 2 * random_uniform(random) - 1;
}
int test_between(struct random *random, int min, int max)
{
    return min + (int)random_below(random, (uint32_t)(max - min + 1));
}
void test_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    exit(1);
}

static FILE *opened(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void put_bits(FILE *file, const char *name, const float *numbers, int count)
{
    fprintf(file, "static const uint32_t %s[] = {\n   ", name);
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, numbers + i, sizeof bits);
        fprintf(file, " 0x%08x,", (unsigned)bits);
    }
    fprintf(file, "\n};\n");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_golden FOLDER\n");
        return 2;
    }
    size_t size, workspace;
    const uint8_t *model = golden_model(&size);
    FILE *file = opened(argv[1], "model.eyelet");
    int bad = fwrite(model, 1, size, file) != size;
    bad |= fclose(file) != 0;
    size_t full_size;
    const uint8_t *full = golden_full_model(&full_size);
    file = opened(argv[1], "full.eyelet");
    bad |= fwrite(full, 1, full_size, file) != full_size;
    bad |= fclose(file) != 0;

    struct eyelet_classifier *classifier;
    if (eyelet_classifier_bytes(&workspace, model, size) ||
        eyelet_classifier_open(&classifier, test_bytes(workspace), model, size))
        return 1;
    uint8_t rgba[GOLDEN_WIDTH * GOLDEN_HEIGHT * 4];
    golden_picture(rgba);
    if (eyelet_classifier_run(classifier, rgba, GOLDEN_WIDTH, GOLDEN_HEIGHT,
                              test_bytes(eyelet_classifier_scratch_bytes(classifier, GOLDEN_WIDTH, GOLDEN_HEIGHT))))
        return 1;
    file = opened(argv[1], "expected.h");
    fprintf(file,
            "/* The bits of the results of model.eyelet for golden_picture, by tests/support/make_golden.c. */\n");
    fprintf(file, "static const uint32_t golden_crc = 0x%08x; /* of model.eyelet but its last four bytes */\n",
            (unsigned)golden_crc32(model, size - 4));
    put_bits(file, "golden_logits", eyelet_classifier_logits(classifier), GOLDEN_CLASSES);
    put_bits(file, "golden_probabilities", eyelet_classifier_probabilities(classifier), GOLDEN_CLASSES);
    bad |= fclose(file) != 0;
    return bad;
}
