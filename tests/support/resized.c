#include "support/resized.h"

#include "support/test.h"

uint8_t *resized(const uint8_t *rgba, int width, int height, struct shape input, const struct preprocess *preprocess)
{
    struct arena measure = {0};
    uint8_t *pixels = test_bytes((size_t)(input.w * input.h * 3));
    image_resize(NULL, NULL, width, height, input, preprocess, &measure);
    struct arena arena = {.base = test_bytes((size_t)measure.used), .size = measure.used};
    image_resize(pixels, rgba, width, height, input, preprocess, &arena);
    CHECK_EQUAL(arena.used, measure.used);
    return pixels;
}
