#include "data/photos.h"

#include "base/bytes.h"
#include "data/content.h"
#include "data/photo_shares.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "image/resizer.h"
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

static void give_reason(struct photo_facts *facts, const char *reason)
{
    snprintf(facts->reason, sizeof facts->reason, "%s", reason);
}

/* A photo on its way into the pixels. */
struct taking {
    const struct photo_reading *reading;
    struct photo_facts *facts;
    struct picture stored;
    struct content content;
    struct picture whole; /* one that is not stored upright: its content is that of the upright one */
    struct picture_rows turn;
    uint8_t *pixels; /* (input.h, input.w, 3) */
    struct resizer resizer;
    void *workspace; /* of the resizer */
};

static struct stored_picture stored_of(const struct picture *picture)
{
    return (struct stored_picture){picture->width, picture->height, picture->orientation};
}

static bool is_upright(const struct picture *stored) { return stored->orientation == 1; }

static uint64_t bytes_of_pixels(const struct picture *picture)
{
    return (uint64_t)picture->width * (uint64_t)picture->height * 4;
}

static uint64_t bytes_to_resize(void *context, const struct picture *stored)
{
    const struct taking *taking = context;
    struct resizer resizer;
    struct arena arena = {0};
    resizer_plan_stored(&resizer, stored_of(stored), taking->reading->input, taking->reading->preprocess, &arena);
    return arena.used;
}

static uint64_t bytes_to_take(void *context, const struct picture *stored)
{
    return bytes_to_resize(context, stored) + (is_upright(stored) ? 0 : bytes_of_pixels(stored));
}

static enum status begin_photo(void *context, const struct picture *stored)
{
    struct taking *taking = context;
    struct photo_facts *facts = taking->facts;
    const uint64_t bytes = bytes_to_resize(taking, stored) + ARENA_ALIGNMENT;
    const bool exchanges = orientation_exchanges(stored->orientation);
    taking->stored = *stored;
    facts->width = exchanges ? stored->height : stored->width;
    facts->height = exchanges ? stored->width : stored->height;
    facts->orientation = (uint8_t)stored->orientation;
    facts->format = (uint8_t)stored->format;
    facts->alpha = false;
    content_start(&taking->content, (size_t)bytes_of_pixels(stored), (uint64_t)facts->width << 32);
    free(taking->workspace);
    taking->workspace = allocate_or_null((size_t)bytes, 1);
    if (!taking->workspace)
        return STATUS_MEMORY;
    resizer_plan_stored(&taking->resizer, stored_of(stored), taking->reading->input, taking->reading->preprocess,
                        &(struct arena){.base = taking->workspace, .size = bytes});
    resizer_start(&taking->resizer, taking->pixels);
    return is_upright(stored) ? STATUS_OK : taking->turn.begin(taking->turn.context, stored);
}

/* What is found out about a picture while its rows pass at full size. Here belongs another check of `eyelet doctor`
 * (blur, exposure). survey.c counts and judges what stands in the facts, doctor.c prints it. */
static void examine_row(struct taking *taking, int y, const uint8_t *rgba)
{
    const int width = taking->stored.width;
    uint8_t opaque = 255;
    for (int x = 0; x < width; x++)
        opaque &= rgba[x * 4 + 3];
    taking->facts->alpha |= opaque != 255;
    if (is_upright(&taking->stored))
        content_add(&taking->content, rgba, (size_t)width * 4);
    else
        taking->turn.row(taking->turn.context, y, rgba);
}

static void take_row(void *context, int y, const uint8_t *rgba)
{
    struct taking *taking = context;
    examine_row(taking, y, rgba);
    resizer_row(&taking->resizer, y, rgba);
}

/* Stores the pixels of a picture of which all rows are taken. */
static void store(const struct photo_reader *reader, int i, struct taking *taking)
{
    struct photo_facts *facts = taking->facts;
    const size_t size = reader->pixels->size;
    const char *reason;
    resizer_finish(&taking->resizer);
    if (!is_upright(&taking->stored))
        content_add(&taking->content, taking->whole.rgba, (size_t)bytes_of_pixels(&taking->whole));
    facts->content = content_end(&taking->content);
    facts->stored = content_hash(taking->pixels, size, 0);
    facts->checksum = bytes_crc32(taking->pixels, size);
    if (!pixels_put(reader->pixels, i, taking->pixels, &reason))
        give_reason(reader->unstored, reason);
}

static void read_photo(const struct photo_reader *reader, int i, struct sandbox_child *child)
{
    struct photo_facts *facts = &reader->facts[i];
    struct taking taking = {.reading = reader->reading, .facts = facts};
    const struct picture_taker taker = {{&taking, begin_photo, take_row}, bytes_to_take};
    struct picture_file file;
    taking.turn = decode_whole(&taking.whole);
    taking.pixels = allocate_or_null(reader->pixels->size, 1);
    if (!taking.pixels) {
        give_reason(facts, picture_file_status_text(STATUS_MEMORY));
    } else if (!picture_file_take(&file, child, reader->reading->list->photos[i].path, &taker)) {
        *facts = (struct photo_facts){.width = 0};
        give_reason(facts, file.reason);
    } else {
        facts->decoder = file.decoder;
        store(reader, i, &taking);
    }
    free(taking.whole.rgba);
    free(taking.workspace);
    free(taking.pixels);
}

static int image_of(const struct photo_reader *reader, int item) { return reader->own ? reader->own[item] : item; }

static void read_one(void *context, int item, struct sandbox_child *child)
{
    const struct photo_reader *reader = context;
    const int i = image_of(reader, item);
    const char *fault = reader->reading->list->photos[i].fault;
    if (reader->unstored->reason[0]) /* there is no use in it any more */
        return;
    if (fault)
        give_reason(&reader->facts[i], fault);
    else
        read_photo(reader, i, child);
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
