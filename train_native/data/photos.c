#include "data/photos.h"

#include "data/content.h"
#include "data/resize.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "cli/errors.h"
#include "cli/text.h"

#include <math.h>
#include <stdlib.h>

struct photo_reader {
    const struct photo_list *list;
    struct photo_facts *facts; /* shared */
    uint8_t *pixels;           /* shared */
    struct shape input;
    const struct preprocess *preprocess;
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

static void read_one(void *context, int i, struct sandbox_child *child)
{
    const struct photo_reader *reader = context;
    struct photo_facts *facts = &reader->facts[i];
    const struct photo *photo = &reader->list->photos[i];
    uint8_t *pixels = reader->pixels + (size_t)i * (size_t)reader->input.h * (size_t)reader->input.w * 3;
    struct picture_file file;
    if (photo->fault) {
        give_reason(facts, photo->fault);
    } else if (!picture_file_read(&file, child, photo->path)) {
        give_reason(facts, file.reason);
    } else {
        const struct picture *picture = &file.picture;
        examine_picture(facts, picture);
        facts->decoder = file.decoder;
        if (!resize_picture(pixels, picture->rgba, picture->width, picture->height, reader->input, reader->preprocess))
            give_reason(facts, picture_file_status_text(STATUS_MEMORY));
        free(picture->rgba);
    }
}

static void stopped(void *context, int i, const char *reason)
{
    give_reason(&((const struct photo_reader *)context)->facts[i], reason);
}

struct photo_facts *photos_read(const struct photo_list *list, uint8_t *pixels, struct shape input,
                                const struct preprocess *preprocess, int threads, size_t memory)
{
    struct photo_reader reader = {list, shared_memory((size_t)list->count, sizeof *reader.facts), pixels, input,
                                  preprocess};
    sandbox_run(&(struct sandbox){.count = list->count,
                                  .children = threads,
                                  .memory = memory,
                                  .context = &reader,
                                  .work = read_one,
                                  .stopped = stopped});
    return reader.facts;
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
