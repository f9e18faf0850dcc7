/* libFuzzer target: records of CIFAR-10, or of CIFAR-100 where the first byte is odd; the second says how many. */
#include "data/cifar.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

struct input {
    const uint8_t *bytes;
    size_t size;
};

static void parse(void *context)
{
    const struct input *input = context;
    const bool fine = input->size && input->bytes[0] % 2;
    const int records = input->size > 1 ? input->bytes[1] % 4 : 0;
    const size_t before = input->size < 2 ? input->size : 2;
    struct cifar_file file = {"CIFAR", NULL, input->size - before, records, records, fine ? 100 : 10, fine ? 2 : 1};
    uint8_t *bytes = fuzz_copy(input->bytes + before, file.size), *pixels = malloc((size_t)records * 3072 + 1);
    uint16_t *labels = malloc((size_t)records * sizeof *labels + 1);
    struct failure failure = {.subject = ""};
    file.bytes = bytes;
    if (cifar_parse(pixels, labels, &file, "fuzzed.bin", &failure))
        for (int i = 0; i < records; i++)
            fuzz_require(labels[i] < file.classes);
    else
        fuzz_require(*failure.subject && *failure.reason);
    free(pixels);
    free(labels);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    fuzz_require(fuzz_command(parse, &input));
    return 0;
}
