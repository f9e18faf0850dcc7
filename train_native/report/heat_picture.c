#include "report/heat_picture.h"

#include "data/resize.h"

/* One colour, as web/page/explain.js has it, the more opaque the warmer. */
static const uint8_t colour[3] = {255, 40, 90};
static const float opacity = 0.8f;

/* Where the centre of pixel i of `size` lies among the `count` values of a side that begins at `first` and is `length`
 * long, in fractions of the whole; false: outside of it. */
struct position {
    int before, behind;
    float fraction;
};
static bool position_of(struct position *position, int i, int size, double first, double length, int count)
{
    const double along = ((i + 0.5) / size - first) / length, at = along * count - 0.5;
    if (along < 0 || along >= 1)
        return false;
    const int before = at <= 0 ? 0 : (int)at;
    *position = (struct position){before, before + 1 < count ? before + 1 : before, at <= 0 ? 0 : (float)(at - before)};
    return true;
}

static float between(float a, float b, float fraction) { return a + (b - a) * fraction; }

bool heat_picture_draw(struct heat_picture *drawn, const struct picture *picture, const float *heat, struct shape of,
                       const double part[4])
{
    const int64_t width = picture->width, height = picture->height, longest = width > height ? width : height;
    const int64_t side = longest < HEAT_PICTURE_SIDE ? longest : HEAT_PICTURE_SIDE;
    drawn->shape = (struct shape){(int)((height * side + longest - 1) / longest),
                                  (int)((width * side + longest - 1) / longest), 3};
    const struct preprocess preprocess = {.resize_mode = RESIZE_STRETCH, .background = {255, 255, 255}};
    if (!resize_picture(drawn->pixels, picture->rgba, picture->width, picture->height, drawn->shape, &preprocess))
        return false;
    uint8_t *pixel = drawn->pixels;
    for (int y = 0; y < drawn->shape.h; y++)
        for (int x = 0; x < drawn->shape.w; x++, pixel += 3) {
            struct position across, down;
            if (!position_of(&down, y, drawn->shape.h, part[1], part[3], of.h) ||
                !position_of(&across, x, drawn->shape.w, part[0], part[2], of.w))
                continue;
            const float *upper = heat + down.before * of.w, *lower = heat + down.behind * of.w;
            const float warmth =
                opacity * between(between(upper[across.before], upper[across.behind], across.fraction),
                                  between(lower[across.before], lower[across.behind], across.fraction), down.fraction);
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)(between(pixel[c], colour[c], warmth) + 0.5f);
        }
    return true;
}
