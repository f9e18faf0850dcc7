/* libFuzzer target: what `eyelet import` is told of a network: a file of labels, and text that says how pictures come
 * in; the first part of an input and the second. */
#include "base/bounds.h"
#include "base/random.h"
#include "base/text.h"
#include "exchange/import_labels.h"
#include "exchange/import_preprocess.h"
#include "fuzz/fuzz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_labels(void *context)
{
    const int classes = *(const int *)context;
    char path[300];
    struct failure failure = {.reason = ""};
    snprintf(path, sizeof path, "%s/labels.txt", fuzz_folder());
    struct text_list list = {0};
    const bool read = import_labels_read(&list, path, &failure);
    fuzz_require(read || (*failure.subject && *failure.reason));
    const int count = list.count;
    char **labels = import_labels_fitted(&list, classes);
    fuzz_require((labels != NULL) == (count > 0 && (count == classes || count == classes - 1)));
    for (int i = 0; labels && i < classes; i++) {
        const int length = (int)strlen(labels[i]);
        fuzz_require(length <= LIMIT_LABEL && text_valid(labels[i], length, false));
    }
    import_labels_free(labels, classes);
    text_list_free(&list);
}

static void read_preprocess(void *context)
{
    static const struct shape inputs[] = {{224, 224, 3}, {28, 28, 1}, {1, 1024, 3}};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct preprocess preprocess;
        struct failure failure = {.reason = ""};
        char text[IMPORT_PREPROCESS_TEXT];
        if (!import_preprocess_parse(&preprocess, context, inputs[i], &failure)) {
            fuzz_require(*failure.reason && *failure.hint);
            continue;
        }
        for (int c = 0; c < 3; c++)
            fuzz_require(isfinite(preprocess.mean[c]) && isfinite(preprocess.std[c]) && preprocess.std[c] >= 1e-6f);
        if (preprocess.resize_mode == RESIZE_SHORTER_SIDE)
            fuzz_require(preprocess.shorter_side >= inputs[i].h && preprocess.shorter_side >= inputs[i].w &&
                         preprocess.shorter_side <= LIMIT_SHORTER_SIDE);
        import_preprocess_text(text, &preprocess, inputs[i]);
        fuzz_require(*text && strlen(text) < sizeof text - 1); /* it was not cut */
    }
}

/* The text gets one more setting, half of the time. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static const char *const keys[] = {"mean", "std", "order", "resize", "filter"};
    static const char *const values[] = {"rgb",     "bgr",     "stretch", "crop",    "pad",         "bilinear",
                                         "bicubic", "aliased", "0",       "-1",      "0.5",         "1",
                                         "256",     "2048",    "2049",    "1e-7",    "1e40",        "-inf",
                                         "nan",     "1/2",     "1/",      "1/2/3/4", "0.5/0.4/0.3", "5000000000"};
    struct random random = random_seed(seed, 0);
    char setting[40];
    const char *key = keys[random_below(&random, sizeof keys / sizeof *keys)];
    const char *value = values[random_below(&random, sizeof values / sizeof *values)];
    const size_t length = (size_t)snprintf(setting, sizeof setting, ",%s=%s", key, value);
    if (length > max_size - size || random_below(&random, 2))
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data + size, setting, length);
    return size + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part rest = {data, size}, labels, preprocess;
    fuzz_require(fuzz_next(&labels, &rest) && fuzz_write("labels.txt", labels.bytes, labels.size));
    int lines = 0;
    for (size_t i = 0; i < labels.size; i++)
        lines += labels.bytes[i] == '\n';
    for (int classes = lines > 1 ? lines - 1 : 1; classes <= lines + 2; classes++)
        fuzz_require(fuzz_command(read_labels, &classes));
    if (fuzz_next(&preprocess, &rest)) {
        char *text = strndup((const char *)preprocess.bytes, preprocess.size);
        fuzz_require(fuzz_command(read_preprocess, text));
        free(text);
    }
    return 0;
}
