#include "data/picture_file.h"

#include "base/bounds.h"
#include "cli/files.h"
#include "cli/text.h"
#include "data/second_decoder.h"
#include "image/image.h"

#include <stdlib.h>

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
    uint64_t needed;
    const enum status status = decode_bytes(&needed, bytes, size);
    if (status || !admit(file, child, size + needed))
        return status;
    return decode_picture(&file->picture, bytes, size);
}

static enum status decode_again(struct picture_file *file, struct sandbox_child *child,
                                const struct second_decoder *second, const uint8_t *bytes, size_t size)
{
    struct picture *picture = &file->picture;
    enum status status = image_check(picture->width, picture->height);
    if (status ||
        !admit(file, child,
               size + (uint64_t)picture->width * (uint64_t)picture->height * (uint64_t)second->bytes_per_pixel))
        return status;
    file->decoder = second->name;
    status = second->decode(picture, bytes, size);
    if (!status)
        status = decode_upright(picture);
    if (status)
        free(picture->rgba);
    return status;
}

static void decode_by_either(struct picture_file *file, struct sandbox_child *child, const uint8_t *bytes, size_t size)
{
    enum status status = decode(file, child, bytes, size);
    const struct second_decoder *second = status ? second_decoder_for(status, bytes, size) : NULL;
    if (second && second->size(&file->picture, bytes, size) == STATUS_OK) /* else what core says of it stands */
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
