/* libFuzzer target: the reader of TFLite models. In a FlatBuffer everything is found by distances, so bytes are changed
 * where they stand, and what says that it is one stays, most of the time. */
#include "base/bytes.h"
#include "base/random.h"
#include "fuzz/import_parts.h"

#include <string.h>

enum { HEAD = 8, ALIGNMENT = 4 }; /* the root's offset and the identifier; that of most numbers */

/* What stands in fields: numbers of tensors and operators, sizes, distances, float32 and the limits of each. */
static uint32_t odd_number(struct random *random, uint32_t old)
{
    static const uint32_t numbers[] = {0x7fffffff, 0x80000000, 0xffffffff, 0x7fc00000, 0x7f800000, 0x3f800000,
                                       0x00800000, 0x10000,    0x1000,     0x7f,       0xff,       0x80};
    switch (random_below(random, 6)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return old ^ 1u << random_below(random, 32);
    case 3: return numbers[random_below(random, sizeof numbers / sizeof *numbers)];
    case 4: return (uint32_t)random_next(random);
    default: return random_below(random, 160); /* an operator, a tensor, a size */
    }
}

static void change(struct random *random, uint8_t *data, size_t size)
{
    const size_t at = HEAD + random_below(random, (uint32_t)(size - HEAD - ALIGNMENT + 1)), whole = at & ~3u;
    const size_t other = HEAD + random_below(random, (uint32_t)(size - HEAD - ALIGNMENT + 1));
    switch (random_below(random, 5)) {
    case 0: data[at] = (uint8_t)odd_number(random, data[at]); break;
    case 1: bytes_put2(data + at, (int)(odd_number(random, bytes_get2(data + at)) & 0xffff)); break;
    case 2:
    case 3: bytes_put4(data + whole, odd_number(random, bytes_get4(data + whole))); break;
    default: { /* what stands elsewhere */
        const size_t most = size - (at > other ? at : other);
        memmove(data + at, data + other, 1 + random_below(random, (uint32_t)(most < 32 ? most : 32)));
    }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct random random = random_seed(seed, 0);
    if (size < HEAD + ALIGNMENT || random_below(&random, 20) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    do
        change(&random, data, size);
    while (random_below(&random, 3));
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_file(&tflite_importer, "fuzzed.tflite", data, size);
    return 0;
}
