/* A model as it lies on disk: a file with the files beside it, a folder, or a zip.
 *
 *     struct failure failure;
 *     struct package *package = package_open("my_model.zip", &failure);
 *     size_t size;
 *     const uint8_t *json = package ? package_file(&size, package, "model.json", &failure) : NULL;
 *     if (!json)
 *         die_of(&failure);
 *     ...
 *     package_close(package);
 *
 * Names in a model are whatever its author wrote there: what leads out of the package (absolute names, `..`, backslashes,
 * symbolic links to elsewhere) is refused and never opened. No file, and not all of a zip's together, is larger
 * than PACKAGE_MAX_BYTES; what a zip unpacks to is known before anything is unpacked. */
#ifndef PACKAGE_H
#define PACKAGE_H

#include "exchange/package_zip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct package;

/* Opens a file, which is read, a folder, which is listed, or a zip, of which the directory is read. NULL with the
 * failure, which names it. */
struct package *package_open(const char *path, struct failure *failure);
void package_close(struct package *package); /* NULL does nothing */

/* As the user gave it. */
const char *package_path(const struct package *package);

/* The bytes of the file that was named, if it is one and no zip; else NULL. */
const uint8_t *package_bytes(size_t *size, const struct package *package);

/* A file of the folder or zip, or beside the file that was named: "model.json", "shards/group1.bin". Read when it is
 * asked for first; the bytes, with a zero behind them, live as long as the package. NULL with the failure, which names
 * the file. */
const uint8_t *package_file(size_t *size, const struct package *package, const char *name, struct failure *failure);

/* Whether that file is there. */
bool package_has(const struct package *package, const char *name);

/* The i-th name of a folder's own files or of a zip, in the order of their bytes, or the one file that was named; NULL
 * behind the last. Names of what systems leave (`__MACOSX`, `.DS_Store`) are left out, and so is a folder in
 * which a zip has everything: "my_model/model.json" is called "model.json". */
const char *package_name(const struct package *package, int i);

/* The first of these names with such an ending, as ".tflite", whatever its case; NULL: none. */
const char *package_name_ending(const struct package *package, const char *ending);

#endif
