#include "image/resizer.h"

#include <assert.h>
#include <string.h>

/* Of the filter whose support is `reach`: 1 for the triangle, 2 for Keys' cubic convolution with a = -1/2 (1981). */
static double filter_at(double x, double reach)
{
    x = x < 0 ? -x : x;
    if (x >= reach)
        return 0;
    if (reach < 2)
        return 1 - x;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

/* For outputs skip .. skip + out of `scaled`, made of `in`: Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
static struct resize_pass plan_pass(int in, int scaled, int skip, int out, enum resize_filter kind, struct arena *arena)
{
    const double step = (double)in / scaled, widen = step < 1 || kind == FILTER_BILINEAR_ALIASED ? 1 : step;
    const double reach = kind == FILTER_BICUBIC ? 2 : 1, support = reach * widen, narrow = 1.0 / widen;
    const int taps = ((int)support + (support > (int)support)) * 2 + 1;
    struct resize_pass pass = {taps, arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                               arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                               arena_alloc(arena, (uint64_t)out * (uint64_t)taps, sizeof(int32_t))};
    double *exact = arena_alloc(arena, (uint64_t)taps, sizeof(double));
    if (!arena->base)
        return pass;

    for (int i = 0; i < out; i++) {
        const double center = (skip + i + 0.5) * step;
        int first = (int)(center - support + 0.5), last = (int)(center + support + 0.5);
        first = first < 0 ? 0 : first;
        last = last > in ? in : last;
        double sum = 0;
        for (int k = 0; k < last - first; k++) {
            exact[k] = filter_at((k + first - center + 0.5) * narrow, reach);
            sum += exact[k];
        }
        for (int k = 0; k < last - first; k++) {
            const double weight = exact[k] / sum * (1 << RESIZE_BITS);
            pass.weight[i * taps + k] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
        pass.first[i] = first;
        pass.count[i] = last - first;
    }
    return pass;
}

static inline uint8_t over(int colour, int background, int alpha)
{
    return (uint8_t)((colour * alpha + background * (255 - alpha) + 127) / 255);
}

/* Pixels of rgba (count, 4) over the background, `channels` of each: 3, or 4. */
static void put_over(uint8_t *out, int channels, const uint8_t *rgba, int count, const uint8_t background[3])
{
    for (int i = 0; i < count; i++, out += channels, rgba += 4) {
        for (int c = 0; c < 3; c++)
            out[c] = rgba[3] == 255 ? rgba[c] : over(rgba[c], background[c], rgba[3]);
        if (channels == 4)
            out[3] = 255;
    }
}

const uint8_t *resizer_opaque(const struct resizer *resizer, const uint8_t *rgba, int count)
{
    if (resize_is_opaque(rgba, count))
        return rgba;
    put_over(resizer->opaque, 4, rgba, count, resizer->background);
    return resizer->opaque;
}

/* Where nothing is resized. */
static void copy_row(struct resizer *resizer, int y, const uint8_t *rgba)
{
    const struct placement *placement = &resizer->placement;
    const struct rectangle *to = &placement->to;
    const int row = y - placement->from.y - placement->skip_y;
    if (row >= 0 && row < to->height)
        put_over(resizer->pixels + ((to->y + row) * resizer->input.w + to->x) * 3, 3,
                 rgba + (size_t)(placement->from.x + placement->skip_x) * 4, to->width, resizer->background);
}

static void narrow_row(struct resizer *resizer, int y, const uint8_t *rgba)
{
    const struct rectangle *from = &resizer->placement.from;
    const int line = y - from->y, outputs = resizer->placement.to.width;
    if (line >= 0 && line < from->height)
        resize_narrow(resizer->narrowed + (size_t)line * (size_t)outputs * 3,
                      resizer_opaque(resizer, rgba + (size_t)from->x * 4, from->width), 1, &resizer->across, outputs);
}

void resizer_plan_passes(struct resizer *resizer, int width, int height, struct shape input,
                         const struct preprocess *preprocess, struct arena *arena)
{
    assert(width > 0 && height > 0 && input.h > 0 && input.w > 0);
    *resizer = (struct resizer){.input = input, .placement = placement_of(width, height, input, preprocess)};
    memcpy(resizer->background, preprocess->background, sizeof resizer->background);
    const struct placement *placement = &resizer->placement;
    const struct rectangle *from = &placement->from, *to = &placement->to;
    resizer->across =
        plan_pass(from->width, placement->scaled_width, placement->skip_x, to->width, preprocess->filter, arena);
    resizer->down =
        plan_pass(from->height, placement->scaled_height, placement->skip_y, to->height, preprocess->filter, arena);
    resizer->sums = arena_alloc(arena, (uint64_t)to->width * 3, sizeof *resizer->sums);
    resizer->narrowed = arena_alloc(arena, (uint64_t)from->height * (uint64_t)to->width, 3);
}

/* Of the right size, every weight would be 1 or 0. */
void resizer_plan(struct resizer *resizer, int width, int height, struct shape input,
                  const struct preprocess *preprocess, struct arena *arena)
{
    struct arena none = {0};
    resizer_plan_passes(resizer, width, height, input, preprocess, &none);
    const struct placement *placement = &resizer->placement;
    resizer->row = copy_row;
    if (placement->from.width == placement->scaled_width && placement->from.height == placement->scaled_height)
        return;
    resizer_plan_passes(resizer, width, height, input, preprocess, arena);
    resizer->opaque = arena_alloc(arena, (uint64_t)placement->from.width, 4);
    resizer->row = narrow_row;
}

void resizer_start(struct resizer *resizer, uint8_t *pixels)
{
    const struct shape input = resizer->input;
    const struct rectangle to = resizer->placement.to;
    resizer->pixels = pixels;
    if (to.width == input.w && to.height == input.h)
        return;
    for (int i = 0; i < input.h * input.w; i++)
        memcpy(pixels + i * 3, resizer->background, 3);
}

static void clear(int32_t *sums, int count)
{
    for (int i = 0; i < count; i++)
        sums[i] = RESIZE_HALF;
}

void resizer_finish(struct resizer *resizer)
{
    const struct rectangle to = resizer->placement.to;
    const struct resize_pass *pass = &resizer->down;
    const int values = to.width * 3;
    for (int y = 0; resizer->row != copy_row && y < to.height; y++) {
        clear(resizer->sums, values);
        for (int k = 0; k < pass->count[y]; k++)
            resize_add(resizer->sums, resizer->narrowed + (size_t)(pass->first[y] + k) * (size_t)values, values,
                       pass->weight[y * pass->taps + k]);
        uint8_t *out = resizer->pixels + ((to.y + y) * resizer->input.w + to.x) * 3;
        for (int x = 0; x < values; x++)
            out[x] = resize_clip(resizer->sums[x]);
    }
}
