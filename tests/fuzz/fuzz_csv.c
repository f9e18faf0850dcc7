/* libFuzzer target: a table, and the list of images and labels that it may be. No image is read: fuzz_survey.c does. */
#include "data/dataset_open.h"
#include "data/table.h"
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parse(void *context)
{
    struct fuzz_part *file = context;
    struct table table;
    struct failure failure = {.subject = ""};
    uint8_t *bytes = fuzz_copy(file->bytes, file->size);
    if (table_parse(&table, bytes, file->size, "fuzzed.csv", &failure)) {
        for (int i = 0; i < table.count; i++)
            for (int k = 0; k <= table.columns; k++)
                fuzz_require(strlen(table_field(&table, &table.rows[i], k)) <= 2 * file->size);
        table_free(&table);
    } else {
        fuzz_require(*failure.subject && *failure.reason);
    }
    free(bytes);
}

static void open(void *context)
{
    char path[300];
    (void)context;
    snprintf(path, sizeof path, "%s/list.csv", fuzz_folder());
    struct data_options options = usual_data;
    options.path = path;
    struct dataset dataset = dataset_open(&options, DATASET_TRAIN);
    fuzz_require(dataset.classes >= 1 && dataset.count >= 0);
    for (int i = 0; i < dataset.classes; i++)
        fuzz_require(*dataset.class_names[i] && strlen(dataset.class_names[i]) <= 255);
    dataset_free(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part file = {data, size};
    fuzz_require(fuzz_command(parse, &file));
    fuzz_require(fuzz_write("list.csv", data, size));
    fuzz_command(open, NULL);
    return 0;
}
