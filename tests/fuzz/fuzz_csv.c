/* libFuzzer target: a table as a list of images and labels (fuzz_table.c has its fields). No image is read:
 * fuzz_survey.c does. */
#include "data/dataset_open.h"
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

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
    fuzz_require(fuzz_write("list.csv", data, size));
    fuzz_command(open, NULL);
    return 0;
}
