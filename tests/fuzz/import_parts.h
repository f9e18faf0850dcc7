/* What the targets share that read models of other programs (exchange/importer.h): a file or a folder is read, and what
 * comes of it must hold together, up to a model file that can be read back.
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *         import_file(&onnx_importer, "fuzzed.onnx", data, size);
 *         return 0;
 *     }
 */
#ifndef IMPORT_PARTS_H
#define IMPORT_PARTS_H

#include "exchange/importer.h"
#include "fuzz/fuzz.h"

void import_file(const struct importer *importer, const char *name, const uint8_t *data, size_t size);

/* A file of weights alone, and the text that describes their network. */
void import_described(const struct importer *importer, const char *name, const struct fuzz_part *file,
                      const struct fuzz_part *text);

/* A folder of the parts of the input (fuzz_next), each a file: a line with its name, then its bytes. */
void import_folder(const struct importer *importer, const uint8_t *data, size_t size);

#endif
