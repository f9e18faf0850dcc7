/* One image in a file, read in a child process of the sandbox: the one path of every command.
 *
 *     static void work(void *context, int i, struct sandbox_child *child)
 *     {
 *         struct picture picture;
 *         struct picture_file file;
 *         const char *const *paths = context;
 *         if (picture_file_read(&file, child, paths[i], &picture)) {
 *             printf("%d x %d\n", picture.width, picture.height);
 *             free(picture.rgba);
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
    const char *decoder;         /* the name of the one that read it; NULL: core's */
    char reason[PICTURE_REASON]; /* why there is none */
};

/* Who takes a picture's rows, which may begin again, by the other decoder; and how many bytes that takes for one that is
 * stored so. Both get rows.context. */
struct picture_taker {
    struct picture_rows rows;
    uint64_t (*bytes)(void *context, const struct picture *stored);
};

/* What core's decoder refuses is left to a second one, if there is one for it (second_decoder.h). Waits for memory where
 * that is short. False, with the reason set, when there is no picture, whatever rows of it were given. */
bool picture_file_take(struct picture_file *file, struct sandbox_child *child, const char *path,
                       const struct picture_taker *taker);

/* The same for a whole picture, whose pixels the caller frees; false: there is nothing to free. */
bool picture_file_read(struct picture_file *file, struct sandbox_child *child, const char *path,
                       struct picture *picture);

/* The same in words that tell what to do, for what failed with the picture afterwards. */
const char *picture_file_status_text(enum status status);

/* Whether a file has the name of an image that can be read. */
bool picture_file_is_named(const char *path);

#endif
