/* Decoded images kept in a file, at the size and with the preprocessing that a run trains with: read once, and mapped by
 * this run and the next ones on the same images.
 *
 *     struct pixels *pixels;
 *     struct failure failure;
 *     struct photo_facts *facts = pixel_file_read(&pixels, &reading, "mine.pixels", &failure);
 *     if (!facts)
 *         die_of(&failure);
 *     ...
 *     photos_facts_free(facts, reading.list);
 *     pixels_free(pixels);
 *     pixel_file_remove("mine.pixels");
 *
 * The file is used again where all of this is as it was: of every image its path, size, number (inode) and the times at
 * which its content and its status last changed; the size, resize mode and background; the decoders of this program. It
 * is checked whole before that: a damaged file, or one of other images, is replaced, and the reason printed. Images that
 * could not be read are tried again. A file that this module has not made is never replaced.
 *
 * Little-endian:
 *
 *     offset  bytes
 *          0      8  "\x89" "EYPX" "\r\n" "\x1a"
 *          8      4  version, 1
 *         12     12  number of images; height; width
 *         24     32  SHA-256 of what the images are made from (pixel_file.c, key_of)
 *         56      4  CRC-32 of the table
 *         60      4  CRC-32 of the bytes before this
 *         64         table: for each image
 *                      8  content_hash of the image at full size
 *                      8  content_hash of its pixels here
 *                      4  CRC-32 of them
 *                      4  1: read by another decoder than core's
 *                    112  why it could not be read, padded with zeros; empty: it could
 *                    then zeros up to a multiple of 4096
 *                    then the pixels, (number of images, height, width, 3) */
#ifndef PIXEL_FILE_H
#define PIXEL_FILE_H

#include "data/photos.h"

/* What a later part of the program may ask of the images: all but size, orientation, format and alpha is in the facts.
 * NULL, with the failure set: the file can be neither used nor made. Prints where it lies and how large it is before it
 * writes it. */
struct photo_facts *pixel_file_read(struct pixels **pixels, const struct photo_reading *reading, const char *path,
                                    struct failure *failure);

/* Removes such a file, and what a killed program has left of one; nothing else. */
void pixel_file_remove(const char *path);

#endif
