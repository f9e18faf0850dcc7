/* Pictures on disk, decoded where a hostile file can do no harm: in a child process (sandbox.h). */
#ifndef PICTURE_FILE_H
#define PICTURE_FILE_H

#include "decode.h"

#include <stdbool.h>

/* Reads and decodes a JPEG, PNG or BMP file. False, with *reason, when there is no picture. The pixels are released with
 * picture_release. */
bool picture_open(struct picture *picture, const char **reason, const char *path);
void picture_release(struct picture *picture);

#endif
