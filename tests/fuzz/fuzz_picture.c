/* libFuzzer target: whole pictures, decoded twice to the same pixels, then brought to a network's size. */
#include "fuzz/picture_parts.h"
#include "image/decode.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

FUZZ_PICTURES

/* A picture of millions of pixels is only slow. */
enum { MAX_PIXELS = 1 << 16 };

static void fit(const struct picture *picture)
{
    const struct shape input = {6, 5, 3};
    uint8_t pixels[6 * 5 * 3];
    for (enum resize_mode mode = RESIZE_STRETCH; mode <= RESIZE_SHORTER_SIDE; mode++) {
        const struct preprocess preprocess = {.resize_mode = mode,
                                              .filter = (enum resize_filter)(picture->width % 3),
                                              .shorter_side = mode == RESIZE_SHORTER_SIDE ? 7 : 0};
        struct arena arena = {0};
        image_resize(NULL, NULL, picture->width, picture->height, input, &preprocess, &arena);
        arena = (struct arena){.base = aligned_alloc(ARENA_ALIGNMENT, (size_t)arena.used + ARENA_ALIGNMENT),
                               .size = arena.used};
        image_resize(pixels, picture->rgba, picture->width, picture->height, input, &preprocess, &arena);
        free(arena.base);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = fuzz_copy(data, size);
    int width = 0, height = 0;
    const enum status header = decode_size(&width, &height, bytes, size);
    if (!header && (int64_t)width * height <= MAX_PIXELS) {
        struct picture picture, again;
        const enum status status = decode_picture(&picture, bytes, size);
        fuzz_require(!status || status_is_of_image(status));
        fuzz_require(decode_picture(&again, bytes, size) == status);
        if (!status) {
            const size_t pixels = (size_t)picture.width * (size_t)picture.height;
            fuzz_require(pixels == (size_t)width * (size_t)height);
            fuzz_require(memcmp(picture.rgba, again.rgba, 4 * pixels) == 0);
            fit(&picture);
            free(picture.rgba);
            free(again.rgba);
        }
    }
    free(bytes);
    return 0;
}
