#include "training/augment.h"

#include "kernels/math.h"

#include <assert.h>
#include <math.h> /* floor and sqrt, which are exact, or rounded correctly, everywhere */
#include <string.h>

/* What one choice draws for one image. */
static struct random drawn(const struct augmentation *how, enum random_stream stream, int index)
{
    return random_seed(random_at(how->seed, stream, (uint64_t)how->epoch), (uint64_t)index);
}

static double between(struct random *random, double min, double max)
{
    return min + (max - min) * (double)random_uniform(random);
}

/* ---- Geometry ---- */

/* A coordinate outside 0 .. count-1, reflected without repeating the edge: -1 is 1. */
static int reflected(int at, int count)
{
    if (count == 1)
        return 0;
    while (at < 0 || at >= count)
        at = at < 0 ? -at : 2 * (count - 1) - at;
    return at;
}

void augment_view(uint8_t *out, const uint8_t *in, struct shape shape, bool mirrored, int down, int right)
{
    for (int y = 0; y < shape.h; y++) {
        const uint8_t *row = in + (size_t)reflected(y + down, shape.h) * (size_t)shape.w * 3;
        for (int x = 0; x < shape.w; x++, out += 3) {
            const int column = reflected((mirrored ? shape.w - 1 - x : x) + right, shape.w);
            memcpy(out, row + column * 3, 3);
        }
    }
}

void augment_part(uint8_t *out, struct shape seen, const uint8_t *in, struct shape shape, const struct part *part)
{
    const double angle = part->degrees * (3.14159265358979323846 / 180), cosine = math_cos(angle),
                 sine = math_sin(angle);
    const double step_y = part->h / seen.h, step_x = (part->mirrored ? -part->w : part->w) / seen.w;
    for (int y = 0; y < seen.h; y++)
        for (int x = 0; x < seen.w; x++, out += 3) {
            /* From the result's centre to the centre of the part; pixels are squares, whose centres stand at halves. */
            const double v = y + 0.5 - 0.5 * seen.h, u = x + 0.5 - 0.5 * seen.w;
            const double row = part->top + 0.5 * part->h + (cosine * v - sine * u) * step_y - 0.5;
            const double column = part->left + 0.5 * part->w + (cosine * u + sine * v) * step_x - 0.5;
            const int above = (int)floor(row), before = (int)floor(column);
            const float lower = (float)(row - above), right = (float)(column - before);
            const uint8_t *upper_row = in + (size_t)reflected(above, shape.h) * (size_t)shape.w * 3;
            const uint8_t *lower_row = in + (size_t)reflected(above + 1, shape.h) * (size_t)shape.w * 3;
            const int a = reflected(before, shape.w) * 3, b = reflected(before + 1, shape.w) * 3;
            for (int c = 0; c < 3; c++) {
                const float top = (1 - right) * (float)upper_row[a + c] + right * (float)upper_row[b + c];
                const float bottom = (1 - right) * (float)lower_row[a + c] + right * (float)lower_row[b + c];
                out[c] = (uint8_t)((1 - lower) * top + lower * bottom + 0.5f);
            }
        }
}

/* A rectangle of at least this fraction of the area and an aspect whose logarithm is uniform, or, after ten that were
 * too long for the image, all of it. */
static void draw_rectangle(struct part *part, struct shape shape, double min_area, struct random *random)
{
    enum { TRIES = 10 };
    const double log_max_aspect = math_log(4.0 / 3);
    *part = (struct part){.h = shape.h, .w = shape.w};
    for (int i = 0; i < TRIES; i++) {
        const double area = between(random, min_area, 1) * shape.h * shape.w;
        const double aspect = math_exp(between(random, -log_max_aspect, log_max_aspect));
        const double h = sqrt(area / aspect), w = sqrt(area * aspect);
        if (h <= shape.h && w <= shape.w) {
            *part = (struct part){between(random, 0, shape.h - h), between(random, 0, shape.w - w), h, w, false, 0};
            return;
        }
    }
}

bool augment_mirrored(const struct augmentation *how, int index)
{
    const uint64_t first = random_at(how->seed, STREAM_FIRST_FLIP, (uint64_t)index) >> 63;
    switch (how->augment->flip) {
    case FLIP_NONE: break;
    case FLIP_RANDOM:
        return random_at(random_at(how->seed, STREAM_FLIP, (uint64_t)how->epoch), 0, (uint64_t)index) >> 63;
    case FLIP_ALTERNATE: return (first + (uint64_t)how->epoch) & 1;
    }
    return false;
}

static void move(uint8_t *out, const uint8_t *in, const struct augmentation *how, int index)
{
    const struct shape shape = how->shape, seen = augment_seen(how);
    const struct augment *augment = how->augment;
    const bool resized = seen.h != shape.h || seen.w != shape.w;
    struct random moves = drawn(how, STREAM_MOVE, index);
    const bool mirrored = augment_mirrored(how, index);
    const int max = shape.h < shape.w ? shape.h - 1 : shape.w - 1, crop = augment->crop < max ? augment->crop : max;
    const int down = (int)random_below(&moves, (uint32_t)(2 * crop + 1)) - crop;
    const int right = (int)random_below(&moves, (uint32_t)(2 * crop + 1)) - crop;
    if (!(augment->resized_crop > 0) && !(augment->rotate > 0) && !resized) {
        augment_view(out, in, shape, mirrored, down, right);
        return;
    }
    struct random random = drawn(how, STREAM_RECTANGLE, index);
    struct part part;
    draw_rectangle(&part, shape, augment->resized_crop > 0 ? (double)augment->resized_crop : 1, &random);
    part.top += down;
    part.left += right;
    part.mirrored = mirrored;
    part.degrees = between(&random, -(double)augment->rotate, (double)augment->rotate);
    augment_part(out, seen, in, shape, &part);
}

/* ---- Colours ---- */

static float grey_of(const uint8_t *pixel)
{
    return 0.2989f * (float)pixel[0] + 0.587f * (float)pixel[1] + 0.114f * (float)pixel[2];
}

/* The nearest, of 0 to 255. */
static uint8_t byte_of(float value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)(value + 0.5f); }

static uint8_t blend(float factor, uint8_t colour, float with)
{
    return byte_of(factor * (float)colour + (1 - factor) * with);
}

void augment_colour(uint8_t *pixels, struct shape shape, enum colour colour, float factor)
{
    const size_t count = (size_t)shape.h * (size_t)shape.w;
    double sum = 0;
    for (size_t i = 0; colour == COLOUR_CONTRAST && i < count; i++)
        sum += (double)grey_of(pixels + 3 * i);
    const float mean = (float)(sum / (double)count);
    for (size_t i = 0; i < count; i++, pixels += 3) {
        const float with = colour == COLOUR_BRIGHTNESS ? 0 : colour == COLOUR_CONTRAST ? mean : grey_of(pixels);
        for (int c = 0; c < 3; c++)
            pixels[c] = blend(factor, pixels[c], with);
    }
}

static void jitter(uint8_t *out, struct shape shape, float strength, struct random random)
{
    enum colour order[COLOURS] = {COLOUR_BRIGHTNESS, COLOUR_CONTRAST, COLOUR_SATURATION};
    for (int i = COLOURS - 1; i > 0; i--) {
        const int other = (int)random_below(&random, (uint32_t)i + 1);
        const enum colour kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (int i = 0; i < COLOURS; i++) {
        const double min = strength < 1 ? 1 - (double)strength : 0;
        augment_colour(out, shape, order[i], (float)between(&random, min, 1 + (double)strength));
    }
}

/* Each pixel its own grey, for a fraction of the images. */
static void lose_colour(uint8_t *out, struct shape shape, float probability, struct random random)
{
    if (random_uniform(&random) < probability)
        augment_colour(out, shape, COLOUR_SATURATION, 0);
}

/* ---- Blotting out ---- */

/* A square of the mean colour, which is near 0 once it is normalised; it lies within the image. */
static void cut_out(uint8_t *out, struct shape shape, int side, const float mean[3], struct random random)
{
    const uint8_t colour[3] = {byte_of(mean[0] * 255), byte_of(mean[1] * 255), byte_of(mean[2] * 255)};
    const int h = side < shape.h ? side : shape.h, w = side < shape.w ? side : shape.w;
    const int top = (int)random_below(&random, (uint32_t)(shape.h - h + 1));
    const int left = (int)random_below(&random, (uint32_t)(shape.w - w + 1));
    for (int y = top; y < top + h; y++)
        for (int x = left; x < left + w; x++)
            memcpy(out + ((size_t)y * (size_t)shape.w + (size_t)x) * 3, colour, 3);
}

/* A rectangle of noise, its aspect from 0.3 to its inverse; none if ten were too long for the image. */
static void erase(uint8_t *out, struct shape shape, float probability, struct random random)
{
    enum { TRIES = 10 };
    const double log_max_aspect = -math_log(0.3);
    bool wanted = random_uniform(&random) < probability;
    for (int i = 0; wanted && i < TRIES; i++) {
        const double area = between(&random, 0.02, 0.4) * shape.h * shape.w;
        const double aspect = math_exp(between(&random, -log_max_aspect, log_max_aspect));
        const int h = (int)(sqrt(area / aspect) + 0.5), w = (int)(sqrt(area * aspect) + 0.5);
        if (h < 1 || w < 1 || h >= shape.h || w >= shape.w)
            continue;
        const int top = (int)random_below(&random, (uint32_t)(shape.h - h + 1));
        const int left = (int)random_below(&random, (uint32_t)(shape.w - w + 1));
        for (int y = top; y < top + h; y++)
            for (int x = left * 3; x < (left + w) * 3; x++)
                out[(size_t)y * (size_t)shape.w * 3 + (size_t)x] = (uint8_t)random_below(&random, 256);
        wanted = false;
    }
}

void augment_image(uint8_t *out, const uint8_t *in, const struct augmentation *how, int index)
{
    assert(how->shape.c == 3 && how->epoch >= 0);
    const struct augment *augment = how->augment;
    const struct shape seen = augment_seen(how);
    move(out, in, how, index);
    if (augment->jitter > 0)
        jitter(out, seen, augment->jitter, drawn(how, STREAM_JITTER, index));
    if (augment->grey > 0)
        lose_colour(out, seen, augment->grey, drawn(how, STREAM_GREY, index));
    if (augment->cutout)
        cut_out(out, seen, augment->cutout, how->mean, drawn(how, STREAM_CUTOUT, index));
    if (augment->erase > 0)
        erase(out, seen, augment->erase, drawn(how, STREAM_ERASE, index));
}

/* ---- Mixing ---- */

/* Joehnk 1964: of pairs of powers of uniform numbers, those whose sum is at most 1. */
double augment_beta(struct random *random, double alpha)
{
    for (;;) {
        const double a = math_pow((double)random_uniform(random), 1 / alpha);
        const double b = math_pow((double)random_uniform(random), 1 / alpha);
        if (a + b > 0 && a + b <= 1)
            return a / (a + b);
    }
}

static void average(uint8_t *out, const uint8_t *other, size_t count, float fraction)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((1 - fraction) * (float)out[i] + fraction * (float)other[i] + 0.5f);
}

/* A rectangle of the image's aspect and this fraction of its area around a pixel anywhere, as far as it lies in the
 * image; returns the fraction that it has there. */
static float paste(uint8_t *out, const uint8_t *other, struct shape shape, double fraction, struct random *random)
{
    const int h = (int)(shape.h * sqrt(fraction)), w = (int)(shape.w * sqrt(fraction));
    const int top = (int)random_below(random, (uint32_t)shape.h) - h / 2;
    const int left = (int)random_below(random, (uint32_t)shape.w) - w / 2;
    const int y0 = top > 0 ? top : 0, x0 = left > 0 ? left : 0;
    const int y1 = top + h < shape.h ? top + h : shape.h, x1 = left + w < shape.w ? left + w : shape.w;
    for (int y = y0; y < y1; y++) {
        const size_t offset = ((size_t)y * (size_t)shape.w + (size_t)x0) * 3;
        memcpy(out + offset, other + offset, (size_t)(x1 - x0) * 3);
    }
    return (float)((y1 - y0) * (x1 - x0)) / (float)(shape.h * shape.w);
}

struct mix augment_mixed(uint8_t *out, uint8_t *scratch, const struct augmentation *how, const struct subset *batch,
                         int i)
{
    const struct augment *augment = how->augment;
    const int index = batch->indices[i];
    augment_image(out, subset_pixels(batch, i), how, index);
    if (!(augment->mixup > 0) && !(augment->cutmix > 0))
        return (struct mix){index, 0};
    struct random random = drawn(how, STREAM_MIX, index);
    const int other = batch->indices[random_below(&random, (uint32_t)batch->count)];
    const bool averages = augment->mixup > 0 && (!(augment->cutmix > 0) || random_uniform(&random) < 0.5f);
    const double fraction = augment_beta(&random, (double)(averages ? augment->mixup : augment->cutmix));
    augment_image(scratch, images_pixels(batch->images, other), how, other);
    if (!averages)
        return (struct mix){other, paste(out, scratch, augment_seen(how), fraction, &random)};
    average(out, scratch, shape_count(augment_seen(how)), (float)fraction);
    return (struct mix){other, (float)fraction};
}
