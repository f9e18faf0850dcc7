#include "image/placement.h"

static int rounded_quotient(int64_t a, int64_t b, int max)
{
    int64_t quotient = (2 * a + b) / (2 * b);
    return quotient < 1 ? 1 : quotient > max ? max : (int)quotient;
}

/* Half of what is left over, halves to the even number, as Python's round in torchvision's center_crop. */
static int centred(int left_over) { return left_over / 2 + (left_over % 4 == 3); }

struct placement placement_of(int width, int height, struct shape input, const struct preprocess *preprocess)
{
    struct placement placement = {.from = {0, 0, width, height}, .to = {0, 0, input.w, input.h}};
    struct rectangle *from = &placement.from, *to = &placement.to;
    const enum resize_mode mode = preprocess->resize_mode;
    const bool wide = (int64_t)width * input.h > (int64_t)height * input.w;
    if (mode == RESIZE_CROP && wide)
        from->width = rounded_quotient((int64_t)height * input.w, input.h, width);
    else if (mode == RESIZE_CROP)
        from->height = rounded_quotient((int64_t)width * input.h, input.w, height);
    else if (mode == RESIZE_PAD && wide)
        to->height = rounded_quotient((int64_t)height * input.w, width, input.h);
    else if (mode == RESIZE_PAD)
        to->width = rounded_quotient((int64_t)width * input.h, height, input.w);
    from->x = (width - from->width) / 2;
    from->y = (height - from->height) / 2;
    to->x = (input.w - to->width) / 2;
    to->y = (input.h - to->height) / 2;
    placement.scaled_width = to->width;
    placement.scaled_height = to->height;
    if (mode == RESIZE_SHORTER_SIDE) {
        const int64_t side = preprocess->shorter_side, shorter = width < height ? width : height;
        placement.scaled_width = (int)(side * width / shorter);
        placement.scaled_height = (int)(side * height / shorter);
        placement.skip_x = centred(placement.scaled_width - input.w);
        placement.skip_y = centred(placement.scaled_height - input.h);
    }
    return placement;
}
