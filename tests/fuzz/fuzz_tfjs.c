/* libFuzzer target: the reader of TensorFlow.js models, of layers and of graphs, in a folder: each part of an input is a
 * file, a line with its name, then its bytes. */
#include "fuzz/import_parts.h"
#include "fuzz/json_parts.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return json_mutate(data, size, max_size, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import_folder(&tfjs_importer, data, size);
    return 0;
}
