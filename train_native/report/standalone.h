/* A model as a page of its own: one HTML file with the page, the WebAssembly module, the model and its labels, which
 * opens from disk and is forbidden to connect to anything. standalone.html is its template. */
#ifndef STANDALONE_H
#define STANDALONE_H

#include "cli/errors.h"

#include <stddef.h>
#include <stdint.h>

/* wasm: the module's file; NULL: web/classifier.wasm of the folder that the program was built in. The caller frees the
 * bytes; NULL, with the failure filled in, if there is no such module. */
uint8_t *standalone_bytes(size_t *size, const uint8_t *model, size_t model_size, const char *wasm,
                          struct failure *failure);

#endif
