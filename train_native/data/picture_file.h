/* One image in a file, read in a child process of the sandbox: the one path of every command.
 *
 *     static void work(void *context, int i, struct sandbox_child *child)
 *     {
 *         struct picture_file file;
 *         const char *const *paths = context;
 *         if (picture_file_read(&file, child, paths[i])) {
 *             printf("%d x %d\n", file.picture.width, file.picture.height);
 *             free(file.picture.rgba);
 *         } else {
 *             warn(paths[i], NULL, "%s", file.reason);
 *         }
 *     }
 */
#ifndef PICTURE_FILE_H
#define PICTURE_FILE_H

#include "data/sandbox_child.h"
#include "image/decode.h"

enum { PICTURE_REASON = 112 };

struct picture_file {
    struct picture picture;      /* the caller frees its pixels */
    const char *decoder;         /* the name of the one that read it; NULL: core's */
    char reason[PICTURE_REASON]; /* why there is none */
};

/* What core's decoder refuses is left to a second one, if there is one for it (second_decoder.h). Waits for memory where
 * that is short. False, with the reason set and nothing to free, when there is no picture. */
bool picture_file_read(struct picture_file *file, struct sandbox_child *child, const char *path);

/* The same in words that tell what to do, for what failed with the picture afterwards. */
const char *picture_file_status_text(enum status status);

/* Whether a file has the name of an image that can be read. */
bool picture_file_is_named(const char *path);

#endif
