#include "data/photos.h"

#include "data/content.h"
#include "data/resize.h"
#include "base/bounds.h"
#include "data/sandbox.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What decoding takes beside the file, for each pixel: the planes of a JPEG, the picture, and a copy of it that is
 * rotated upright. The coefficients of a progressive JPEG or a PNG of 16 bits may take half as much again. */
enum { DECODING_BYTES = 12 };

struct photo_reader {
    const struct photo_list *list;
    struct photo_facts *facts; /* shared */
    uint8_t *pixels;           /* shared */
    struct shape input;
    const struct preprocess *preprocess;
    _Atomic uint64_t *in_use; /* shared: bytes that all children together decode in */
    uint64_t budget;
};

/* Waits until the children together stay within the budget; one always may. */
static void admit(const struct photo_reader *reader, struct photo_facts *facts, uint64_t bytes)
{
    uint64_t in_use = atomic_load(reader->in_use);
    for (;;)
        if (in_use && in_use + bytes > reader->budget) {
            usleep(2000);
            in_use = atomic_load(reader->in_use);
        } else if (atomic_compare_exchange_weak(reader->in_use, &in_use, in_use + bytes)) {
            break;
        }
    facts->held = bytes;
}

static void release(const struct photo_reader *reader, struct photo_facts *facts)
{
    atomic_fetch_sub(reader->in_use, facts->held);
    facts->held = 0;
}

/* What is found out about a picture while its pixels are there at full size. Here belongs another check of `eyelet
 * doctor` (blur, exposure). survey.c counts and judges what stands in the facts, doctor.c prints it. */
static void examine_picture(struct photo_facts *facts, const struct picture *picture)
{
    const size_t count = (size_t)picture->width * (size_t)picture->height;
    facts->width = picture->width;
    facts->height = picture->height;
    facts->orientation = (uint8_t)picture->orientation;
    facts->format = (uint8_t)picture->format;
    for (size_t i = 0; i < count && !facts->alpha; i++)
        facts->alpha = picture->rgba[i * 4 + 3] != 255;
    facts->content = content_hash(picture->rgba, count * 4, (uint64_t)picture->width << 32);
}

static const char *read_photo(const struct photo_reader *reader, struct photo_facts *facts, const struct photo *photo,
                              uint8_t *pixels)
{
    size_t size;
    int width, height;
    const char *reason = photo->fault;
    uint8_t *bytes = reason ? NULL : read_file(&size, &reason, photo->path, LIMIT_IMAGE_BYTES);
    if (!bytes)
        return reason;
    if (!size)
        return "the file is empty";
    enum status status = decode_size(&width, &height, bytes, size);
    if (!status) {
        struct picture picture;
        admit(reader, facts, (uint64_t)width * (uint64_t)height * DECODING_BYTES + size);
        status = decode_picture(&picture, bytes, size);
        if (!status) {
            examine_picture(facts, &picture);
            resize_picture(pixels, picture.rgba, picture.width, picture.height, reader->input, reader->preprocess);
            free(picture.rgba);
        }
        release(reader, facts);
    }
    free(bytes);
    return status ? eyelet_status_text(status) : "";
}

static void read_one(void *context, int i)
{
    const struct photo_reader *reader = context;
    struct photo_facts *facts = &reader->facts[i];
    const size_t bytes = (size_t)reader->input.h * (size_t)reader->input.w * 3;
    const char *reason = read_photo(reader, facts, &reader->list->photos[i], reader->pixels + (size_t)i * bytes);
    snprintf(facts->reason, sizeof facts->reason, "%s", reason);
}

static void stopped(void *context, int i)
{
    const struct photo_reader *reader = context;
    snprintf(reader->facts[i].reason, sizeof reader->facts[i].reason, "%s", eyelet_status_text(STATUS_IMAGE_CORRUPT));
    release(reader, &reader->facts[i]);
}

struct photo_facts *photos_read(const struct photo_list *list, uint8_t *pixels, struct shape input,
                                const struct preprocess *preprocess, int threads, size_t memory)
{
    struct photo_reader reader = {list,       shared_memory((size_t)list->count, sizeof *reader.facts),
                                  pixels,     input,
                                  preprocess, shared_memory(1, sizeof *reader.in_use),
                                  memory};
    sandbox_run(list->count, threads, read_one, stopped, &reader);
    shared_memory_free(reader.in_use, 1, sizeof *reader.in_use);
    return reader.facts;
}

void photos_facts_free(struct photo_facts *facts, const struct photo_list *list)
{
    shared_memory_free(facts, (size_t)list->count, sizeof *facts);
}

int photos_refuse(const struct photo_list *list, const struct photo_facts *facts, const char *source, float allowed)
{
    enum { NAMED = 20 };
    int bad = 0;
    for (int i = 0; i < list->count; i++)
        if (facts[i].reason[0] && bad++ < NAMED)
            warn(list->photos[i].path, NULL, "left out: %s", facts[i].reason);
    if (bad > NAMED)
        warn(source, NULL, "and %d more, which `eyelet doctor` names", bad - NAMED);
    if (bad > (double)allowed * list->count * (1 + 1e-6)) /* 0.01f is a little less than 1 % */
        die(source, "Repair or remove them, or allow more with --allow-bad FRACTION.",
            "%s of %s images cannot be read, more than %g %%", format_thousands((uint64_t)bad),
            format_thousands((uint64_t)list->count), 100 * (double)allowed);
    return bad;
}
