/* libFuzzer target: what `eyelet doctor` and `eyelet train` make of a folder. Each part of an input is a file: a line
 * with its name, then its bytes. Images are decoded in this process. */
#include "data/dataset_open.h"
#include "data/survey.h"
#include "fuzz/fuzz.h"

#include <string.h>

static void survey(void *context)
{
    (void)context;
    struct data_options options = usual_data;
    options.path = fuzz_folder();
    options.threads = 1;
    options.memory = 64;
    struct survey found = survey_of(&options);
    fuzz_require(found.count >= 0 && found.problem_count <= MAX_FINDINGS && found.note_count <= MAX_FINDINGS);
    for (int i = 0; i < found.problem_count; i++)
        fuzz_require(*found.problems[i]);
    for (int i = 0; i < found.note_count; i++)
        fuzz_require(*found.notes[i]);
    survey_free(&found);
}

static void train(void *context)
{
    (void)context;
    struct data_options options = usual_data;
    const struct shape input = {8, 8, 3};
    const struct preprocess preprocess = {.resize_mode = RESIZE_CROP};
    options.path = fuzz_folder();
    options.threads = 1;
    options.memory = 64;
    options.allow_bad = 1;
    struct dataset dataset = dataset_open(&options, DATASET_TRAIN);
    dataset_read(&dataset, input, &preprocess);
    for (int i = 0; i < dataset.count; i++)
        fuzz_require(dataset.labels[i] < dataset.classes);
    dataset_free(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_FILES = 40 };
    struct fuzz_part rest = {data, size}, part;
    int files = 0;
    fuzz_clear();
    while (files < MAX_FILES && fuzz_next(&part, &rest)) {
        char name[200];
        const uint8_t *line = memchr(part.bytes, '\n', part.size);
        const size_t length = line ? (size_t)(line - part.bytes) : part.size;
        if (length >= sizeof name || memchr(part.bytes, 0, length))
            continue;
        memcpy(name, part.bytes, length);
        name[length] = 0;
        const size_t taken = length + (line != NULL);
        files += fuzz_write(name, part.bytes + taken, part.size - taken);
    }
    fuzz_command(survey, NULL);
    fuzz_command(train, NULL);
    return 0;
}
