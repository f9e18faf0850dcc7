/* What the fuzz targets share. A target is one function of libFuzzer's, which no bytes may make fail:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *     {
 *         uint8_t *bytes = fuzz_copy(data, size);
 *         struct model model;
 *         const enum status status = model_read(&model, bytes, size);
 *         fuzz_require(status || net_classes(&model.net) > 0);
 *         free(bytes);
 *         return 0;
 *     }
 *
 * The command line ends the program where a file is at fault. What may do so runs in fuzz_command, which goes on behind
 * that end and frees what was left. It reads files: fuzz_write makes them, in a folder of the process. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls these. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned seed);
/* And offers this one: some change of the bytes, whose new size it returns. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* A finding, if the condition is false. */
void fuzz_require(bool condition);

/* The bytes in a block of exactly their size, so that AddressSanitizer sees its end; the caller frees it. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);

/* ---- The command line ---- */

/* Calls run, and returns true if it returned, false if it ended the program. What it prints goes nowhere. */
bool fuzz_command(void run(void *context), void *context);

/* A folder for this process, made at the first call; its name without a slash behind it. */
const char *fuzz_folder(void);

/* Makes the file `name` of that folder, with the folders on the way there; false if there can be none of this name. */
bool fuzz_write(const char *name, const uint8_t *bytes, size_t size);

/* Removes everything in it. */
void fuzz_clear(void);

/* An input of several parts, with the line "--8<--" between one and the next. Takes the next one off the rest. */
struct fuzz_part {
    const uint8_t *bytes;
    size_t size;
};
bool fuzz_next(struct fuzz_part *part, struct fuzz_part *rest);

#endif
