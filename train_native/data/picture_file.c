#include "data/picture_file.h"

#include "base/bounds.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/second_decoder.h"
#include "image/decode_bytes.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

const char *picture_file_status_text(enum status status)
{
    return status == STATUS_MEMORY ? "there is not enough memory for it: close other programs, or lower --threads"
                                   : eyelet_status_text(status);
}

bool picture_file_is_named(const char *path)
{
    return format_has_any_extension(path) || second_decoder_has_extension(path);
}

static void set_reason(struct picture_file *file, const char *reason)
{
    snprintf(file->reason, sizeof file->reason, "%s", reason);
}

/* Whether so much memory is to be had, after a wait. */
static bool admit(struct picture_file *file, struct sandbox_child *child, uint64_t bytes)
{
    enum { MIB = 1 << 20 };
    if (sandbox_admit(child, bytes))
        return true;
    snprintf(file->reason, sizeof file->reason,
             "needs %s MiB of memory and may take %s: see --memory, or scale it down",
             format_thousands((bytes + MIB - 1) / MIB), format_thousands(child->memory / MIB));
    return false;
}

/* STATUS_OK too where there was no memory to wait for. */
static enum status decode(struct picture_file *file, struct sandbox_child *child, const uint8_t *bytes, size_t size)
{
    int width, height;
    const enum status status = decode_size(&width, &height, bytes, size);
    if (status || !admit(file, child, size + decode_bytes(width, height, bytes, size)))
        return status;
    return decode_picture(&file->picture, bytes, size);
}

/* EXIF: 2 mirrored, 3 upside down, 4 both, 5 to 8 the same with rows and columns exchanged. */
static enum status turn_upright(struct picture *picture)
{
    const int w = picture->width, h = picture->height, orientation = picture->orientation;
    const bool exchange = orientation >= 5;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    uint8_t *stored = picture->rgba, *out = allocate_or_null((size_t)w * (size_t)h, 4);
    if (!out)
        return STATUS_MEMORY;
    *picture = (struct picture){exchange ? h : w, exchange ? w : h, out, orientation, picture->format};
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++, out += 4) {
            const int column = exchange ? y : x, row = exchange ? x : y;
            const size_t from =
                (size_t)(from_bottom ? h - 1 - row : row) * (size_t)w + (size_t)(from_right ? w - 1 - column : column);
            memcpy(out, stored + from * 4, 4);
        }
    free(stored);
    return STATUS_OK;
}

static enum status decode_again(struct picture_file *file, struct sandbox_child *child,
                                const struct second_decoder *second, const uint8_t *bytes, size_t size)
{
    struct picture *picture = &file->picture;
    enum status status = second->size(picture, bytes, size);
    if (!status)
        status = image_check(picture->width, picture->height);
    if (status ||
        !admit(file, child,
               size + (uint64_t)picture->width * (uint64_t)picture->height * (uint64_t)second->bytes_per_pixel))
        return status;
    file->decoder = second->name;
    status = second->decode(picture, bytes, size);
    if (!status && picture->orientation > 1)
        status = turn_upright(picture);
    if (status)
        free(picture->rgba);
    return status;
}

static void decode_by_either(struct picture_file *file, struct sandbox_child *child, const uint8_t *bytes, size_t size)
{
    enum status status = decode(file, child, bytes, size);
    const struct second_decoder *second = status ? second_decoder_for(status, bytes, size) : NULL;
    if (second)
        status = decode_again(file, child, second, bytes, size);
    if (status)
        set_reason(file, picture_file_status_text(status));
}

bool picture_file_read(struct picture_file *file, struct sandbox_child *child, const char *path)
{
    size_t size;
    const char *reason = NULL;
    *file = (struct picture_file){.reason = ""};
    uint8_t *bytes = read_file(&size, &reason, path, LIMIT_IMAGE_BYTES);
    if (!bytes)
        set_reason(file, reason);
    else if (!size)
        set_reason(file, "the file is empty");
    else
        decode_by_either(file, child, bytes, size);
    free(bytes);
    return !*file->reason;
}
