/* The image formats that decode.h reads: the one table of their names, file extensions and first bytes. And what else a
 * file that should be an image may be: known by name, so that it can be said what to do.
 *
 *     enum picture_format format;
 *     if (format_of(&format, bytes, size)) puts(format_name(format));
 *     else puts(eyelet_status_text(format_refusal(bytes, size)));
 *
 * Another format is a row here, its decoder behind decode_rows (decode.c), and what web/contract.js and
 * core/base/status.c list, which tests compare with this table. */
#ifndef FORMATS_H
#define FORMATS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*             name  extensions          first bytes */
#define PICTURE_FORMATS(ROW) \
    ROW(JPEG, "jpg jpeg jpe jfif", "\xff\xd8\xff") \
    ROW(PNG, "png", "\x89PNG\r\n\x1a\n") \
    ROW(BMP, "bmp dib", "BM")

#define PICTURE_FORMAT(name, extensions, magic) PICTURE_##name,
enum picture_format { PICTURE_FORMATS(PICTURE_FORMAT) PICTURE_FORMAT_COUNT };
#undef PICTURE_FORMAT

/* By the first bytes of a file; false if it is of none of them. */
bool format_of(enum picture_format *format, const uint8_t *bytes, size_t size);

/* The status of a file that is of none of them: of its format, if that is known by name, else STATUS_IMAGE_FORMAT. */
enum status format_refusal(const uint8_t *bytes, size_t size);

const char *format_name(enum picture_format format);

/* Whether a file's name has one of the format's extensions, in capitals or not. */
bool format_has_extension(enum picture_format format, const char *path);

/* The same of any format. */
bool format_has_any_extension(const char *path);

#endif
