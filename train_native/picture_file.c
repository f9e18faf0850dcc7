#include "picture_file.h"

#include "limits.h"
#include "sandbox.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 64 }; /* before the pixels, which start aligned */

/* What the child tells its parent, in memory that both see, before the pixels. */
struct answer {
    int width, height;
    enum status status;
};

struct decoding {
    struct answer *answer;
    const uint8_t *bytes;
    size_t size;
    int stored_pixels;
};

static size_t shared_bytes(int width, int height)
{
    return HEAD_BYTES + (size_t)width * (size_t)height * 4;
}

static void decode(void *context, int i)
{
    (void)i;
    const struct decoding *decoding = context;
    struct answer *answer = decoding->answer;
    struct picture picture;
    enum status status = decode_picture(&picture, decoding->bytes, decoding->size);
    if (!status && picture.width * picture.height != decoding->stored_pixels)
        status = STATUS_IMAGE_CORRUPT;
    if (!status) {
        answer->width = picture.width;
        answer->height = picture.height;
        memcpy((uint8_t *)answer + HEAD_BYTES, picture.rgba, (size_t)decoding->stored_pixels * 4);
    }
    answer->status = status;
}

static void stopped(void *context, int i)
{
    (void)i;
    ((struct decoding *)context)->answer->status = STATUS_IMAGE_CORRUPT;
}

bool picture_open(struct picture *picture, const char **reason, const char *path)
{
    size_t size;
    int width, height;
    memset(picture, 0, sizeof *picture);
    uint8_t *bytes = read_file(&size, reason, path, LIMIT_IMAGE_BYTES);
    if (!bytes)
        return false;
    enum status status = size ? decode_size(&width, &height, bytes, size) : STATUS_IMAGE_FORMAT;
    if (!status) {
        const size_t shared = shared_bytes(width, height);
        struct decoding decoding = {shared_memory(shared, 1), bytes, size, width * height};
        sandbox_run(1, 1, decode, stopped, &decoding);
        const struct answer *answer = decoding.answer;
        status = answer->status;
        *picture = (struct picture){.width = answer->width, .height = answer->height, .rgba = (uint8_t *)answer + HEAD_BYTES};
        if (status) {
            shared_memory_free(decoding.answer, shared, 1);
            picture->rgba = NULL;
        }
    }
    free(bytes);
    *reason = size ? status_text(status) : "the file is empty";
    return status == STATUS_OK;
}

void picture_release(struct picture *picture)
{
    if (picture->rgba)
        shared_memory_free(picture->rgba - HEAD_BYTES, shared_bytes(picture->width, picture->height), 1);
    picture->rgba = NULL;
}
