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

/* What a file is read with. */
struct reading {
    struct picture_file *file;
    struct sandbox_child *child;
    const struct picture_taker *taker;
    const uint8_t *bytes;
    size_t size;
};

static uint64_t bytes_of_taker(const struct reading *reading, const struct picture *stored)
{
    return reading->taker->bytes(reading->taker->rows.context, stored);
}

/* STATUS_OK too where there was no memory to wait for. */
static enum status decode(const struct reading *reading)
{
    uint64_t needed;
    struct picture stored;
    const enum status status = decode_bytes(&needed, &stored, reading->bytes, reading->size);
    if (status || !admit(reading->file, reading->child, reading->size + needed + bytes_of_taker(reading, &stored)))
        return status;
    return decode_rows(&reading->taker->rows, reading->bytes, reading->size);
}

static enum status give_rows(const struct picture_rows *rows, const struct picture *stored)
{
    const enum status status = rows->begin ? rows->begin(rows->context, stored) : STATUS_OK;
    for (int y = 0; !status && y < stored->height; y++)
        rows->row(rows->context, y, stored->rgba + (size_t)y * (size_t)stored->width * 4);
    return status;
}

static enum status decode_again(const struct reading *reading, const struct second_decoder *second,
                                struct picture *stored)
{
    enum status status = image_check(stored->width, stored->height);
    const uint64_t pixels = (uint64_t)stored->width * (uint64_t)stored->height;
    if (status || !admit(reading->file, reading->child,
                         reading->size + pixels * (uint64_t)second->bytes_per_pixel + bytes_of_taker(reading, stored)))
        return status;
    reading->file->decoder = second->name;
    status = second->decode(stored, reading->bytes, reading->size);
    if (!status)
        status = give_rows(&reading->taker->rows, stored);
    free(stored->rgba);
    return status;
}

static void decode_by_either(const struct reading *reading)
{
    struct picture stored = {0};
    enum status status = decode(reading);
    const struct second_decoder *second = status ? second_decoder_for(status, reading->bytes, reading->size) : NULL;
    if (second && second->size(&stored, reading->bytes, reading->size) == STATUS_OK) /* else what core says stands */
        status = decode_again(reading, second, &stored);
    if (status)
        set_reason(reading->file, picture_file_status_text(status));
}

bool picture_file_take(struct picture_file *file, struct sandbox_child *child, const char *path,
                       const struct picture_taker *taker)
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
        decode_by_either(&(struct reading){file, child, taker, bytes, size});
    free(bytes);
    return !*file->reason;
}

static uint64_t bytes_of_whole(void *context, const struct picture *stored)
{
    (void)context;
    return (uint64_t)stored->width * (uint64_t)stored->height * 4;
}

bool picture_file_read(struct picture_file *file, struct sandbox_child *child, const char *path,
                       struct picture *picture)
{
    const struct picture_taker taker = {decode_whole(picture), bytes_of_whole};
    if (picture_file_take(file, child, path, &taker))
        return true;
    free(picture->rgba);
    picture->rgba = NULL;
    return false;
}
