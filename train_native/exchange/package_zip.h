/* The files of a zip, unpacked in memory one by one: by libzip, within bounds that hold before anything is unpacked.
 *
 *     struct failure failure;
 *     struct package_zip *zip = package_zip_open(bytes, size, "my_model.zip", &failure); // the bytes outlive it
 *     for (int i = 0; zip && i < package_zip_names(zip)->count; i++)
 *         puts(package_zip_names(zip)->texts[i]);
 *     size_t json_size;
 *     uint8_t *json = zip ? package_zip_file(&json_size, zip, "model.json", &failure) : NULL;
 *     ...
 *     free(json);
 *     package_zip_close(zip);
 *
 * A zip may also stand behind other bytes, as the label files of a TFLite model do. Refused: entries whose names lead out
 * (`../x`, `/x`) or stand there twice, encrypted ones, more of them or larger ones than a model has, and what unpacks to
 * so many times its size that it is no model (a zip bomb). */
#ifndef PACKAGE_ZIP_H
#define PACKAGE_ZIP_H

#include "cli/errors.h"
#include "cli/list.h"

#include <stddef.h>
#include <stdint.h>

/* Of one file, and of all of a zip together. */
#define PACKAGE_MAX_BYTES ((size_t)512 << 20)

struct package_zip;

/* Whether these are the first bytes of a zip. */
bool package_zip_is(const uint8_t *bytes, size_t size);

/* Reads the directory. NULL with the failure, whose subject is `path`. */
struct package_zip *package_zip_open(const uint8_t *bytes, size_t size, const char *path, struct failure *failure);
void package_zip_close(struct package_zip *zip); /* NULL does nothing */

/* Of the files, in the order of their bytes, as package_name gives them. */
const struct text_list *package_zip_names(const struct package_zip *zip);

/* A file's bytes and a zero behind them; the caller frees them. NULL with the failure. */
uint8_t *package_zip_file(size_t *size, const struct package_zip *zip, const char *name, struct failure *failure);

/* Whether a name may lead elsewhere than below the package, by its letters; a backslash parts on some systems. */
bool package_leads_out(const char *name);

#endif
