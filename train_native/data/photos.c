#include "data/photos.h"

#include "base/bytes.h"
#include "data/content.h"
#include "data/photo_shares.h"
#include "data/resize.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "ranks/ranks.h"

#include <math.h>
#include <stdlib.h>

struct photo_reader {
    const struct photo_reading *reading;
    const struct pixels *pixels;
    const int *own; /* which images are read; NULL: all in their order */
    /* shared: */
    struct photo_facts *facts;
    struct photo_facts *unstored; /* in its reason why pixels could not be stored; empty: they could */
};

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

static void give_reason(struct photo_facts *facts, const char *reason)
{
    snprintf(facts->reason, sizeof facts->reason, "%s", reason);
}

/* Resizes a picture and stores its pixels. */
static void store(const struct photo_reader *reader, int i, const struct picture *picture)
{
    const struct photo_reading *reading = reader->reading;
    struct photo_facts *facts = &reader->facts[i];
    const char *reason;
    uint8_t *pixels = allocate_or_null(reader->pixels->size, 1);
    if (!pixels ||
        !resize_picture(pixels, picture->rgba, picture->width, picture->height, reading->input, reading->preprocess)) {
        give_reason(facts, picture_file_status_text(STATUS_MEMORY));
    } else {
        facts->stored = content_hash(pixels, reader->pixels->size, 0);
        facts->checksum = bytes_crc32(pixels, reader->pixels->size);
        if (!pixels_put(reader->pixels, i, pixels, &reason))
            give_reason(reader->unstored, reason);
    }
    free(pixels);
}

static int image_of(const struct photo_reader *reader, int item) { return reader->own ? reader->own[item] : item; }

static void read_one(void *context, int item, struct sandbox_child *child)
{
    const struct photo_reader *reader = context;
    const int i = image_of(reader, item);
    struct photo_facts *facts = &reader->facts[i];
    const struct photo *photo = &reader->reading->list->photos[i];
    struct picture_file file;
    if (reader->unstored->reason[0]) /* there is no use in it any more */
        return;
    if (photo->fault) {
        give_reason(facts, photo->fault);
    } else if (!picture_file_read(&file, child, photo->path)) {
        give_reason(facts, file.reason);
    } else {
        examine_picture(facts, &file.picture);
        facts->decoder = file.decoder;
        store(reader, i, &file.picture);
        free(file.picture.rgba);
    }
}

static void stopped(void *context, int item, const char *reason)
{
    const struct photo_reader *reader = context;
    give_reason(&reader->facts[image_of(reader, item)], reason);
}

/* Into the reader's facts, why nothing could be stored into `unstored`. */
static void read_all(struct photo_reader *reader, uint64_t memory)
{
    const struct photo_reading *reading = reader->reading;
    const struct photo_shares shares = photo_shares_of(reading->list->count, reader->pixels->size);
    const char *reason;
    int count = reading->list->count;
    int *own = reading->shared ? photo_shares_own(&shares, &count) : NULL;
    reader->own = own;
    sandbox_run(&(struct sandbox){.count = count,
                                  .children = reading->threads,
                                  .memory = memory,
                                  .context = reader,
                                  .work = read_one,
                                  .stopped = stopped});
    free(own);
    if (reading->shared && !reader->unstored->reason[0] && ranks_all(true) &&
        !photo_shares_exchange(&shares, reader->facts, reader->pixels, &reason))
        give_reason(reader->unstored, reason);
}

struct photo_facts *photos_read(const struct photo_reading *reading, const struct pixels *pixels,
                                struct failure *failure)
{
    const int count = reading->list->count;
    const uint64_t taken = pixels->in_file ? 0 : (uint64_t)count * pixels->size;
    struct photo_reader reader = {.reading = reading,
                                  .pixels = pixels,
                                  .facts = shared_memory((size_t)count, sizeof *reader.facts),
                                  .unstored = shared_memory(1, sizeof *reader.unstored)};
    read_all(&reader, reading->memory > taken ? reading->memory - taken : 0);
    const bool stored = !reader.unstored->reason[0];
    if (!stored) {
        failure_set(failure, pixels->file.path, "Make room there, or let more memory be used with --memory.",
                    "the images cannot be stored: %s", reader.unstored->reason);
        photos_facts_free(reader.facts, reading->list);
    }
    shared_memory_free(reader.unstored, 1, sizeof *reader.unstored);
    return stored ? reader.facts : NULL;
}

void photos_facts_free(struct photo_facts *facts, const struct photo_list *list)
{
    shared_memory_free(facts, (size_t)list->count, sizeof *facts);
}

int photos_refuse(const struct photo_list *list, const struct photo_facts *facts, const char *source, float allowed)
{
    enum { NAMED = 20 };
    int bad = 0, others = 0;
    for (int i = 0; i < list->count; i++)
        if (facts[i].reason[0] && bad++ < NAMED)
            warn(list->photos[i].path, NULL, "left out: %s", facts[i].reason);
        else
            others += facts[i].decoder != NULL;
    if (others)
        warn(source, NULL, "images read by another decoder, whose pixels may differ between machines: %s",
             format_thousands((uint64_t)others));
    if (bad > NAMED)
        warn(source, NULL, "and %d more, which `eyelet doctor --json` names", bad - NAMED);
    if (bad > (double)allowed * list->count * (1 + 1e-6)) /* 0.01f is a little less than 1 % */
        die(source,
            text_format("Repair or remove them; --allow-bad %.2f goes on without them.",
                        ceil(100.0 * bad / list->count) / 100),
            "%s of %s images cannot be read, more than %g %%", format_thousands((uint64_t)bad),
            format_thousands((uint64_t)list->count), 100 * (double)allowed);
    return bad;
}
