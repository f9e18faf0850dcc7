/* libFuzzer target: a data set in the IDX format. The parts of an input are the labels and images of training, then
 * those of the test; each may be gzipped. */
#include "data/dataset_open.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

static void open(void *context)
{
    (void)context;
    struct data_options options = usual_data;
    options.path = fuzz_folder();
    struct dataset dataset = dataset_open(&options, DATASET_TRAIN);
    fuzz_require(dataset.classes >= 2 && dataset.count > 0 && dataset.shape.h > 0 && dataset.shape.w > 0);
    size_t sum = 0;
    for (int i = 0; i < dataset.count; i++)
        fuzz_require(dataset.labels[i] < dataset.classes);
    for (size_t k = 0; k < (size_t)dataset.count * shape_count(dataset.shape); k++)
        sum += dataset.pixels->bytes[k];
    fuzz_require(sum <= 255 * (size_t)dataset.count * shape_count(dataset.shape));
    dataset_free(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"train-labels-idx1-ubyte", "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte"};
    struct fuzz_part rest = {data, size}, part;
    for (int i = 0; i < 4; i++) {
        if (!fuzz_next(&part, &rest))
            part = (struct fuzz_part){data, 0};
        fuzz_require(fuzz_write(names[i], part.bytes, part.size));
    }
    fuzz_command(open, NULL);
    return 0;
}
