/* Pictures whose rows in the file are others than those that are seen. */
#include "image/resizer.h"

#include <assert.h>

/* At most so many outputs of a pass does an input belong to: their first inputs are a step apart, or less by one. */
static int max_overlap(int in, int scaled, int taps, int out)
{
    const int64_t overlap = ((int64_t)taps + 1) * scaled / in + 2;
    return overlap < out ? (int)overlap : out;
}

/* The sums of output x, of all rows of the picture, to their places in the rows. */
static void put_column(struct resizer *resizer, const int32_t *sums, int x)
{
    const int rows = resizer->placement.from.height, outputs = resizer->placement.to.width;
    const bool from_right = orientation_from_right(resizer->stored.orientation);
    for (int i = 0; i < rows; i++, sums += 4) {
        const size_t row = (size_t)(from_right ? rows - 1 - i : i);
        for (int c = 0; c < 3; c++)
            resizer->narrowed[(row * (size_t)outputs + (size_t)x) * 3 + (size_t)c] = resize_clip(sums[c]);
    }
}

/* The file's row is column `column` of the part that is resized: it goes to all outputs that it belongs to. Those come
 * and go in order, forwards or backwards, so that the sums of one that is complete are free for another. */
static void sum_column(struct resizer *resizer, int column, const uint8_t *rgba)
{
    const struct resize_pass *pass = &resizer->across;
    const int values = 4 * resizer->placement.from.height;
    const bool backwards = orientation_from_bottom(resizer->stored.orientation);
    for (int x = 0; x < resizer->placement.to.width; x++) {
        const int k = column - pass->first[x], last = pass->count[x] - 1;
        if (k < 0 || k > last)
            continue;
        int32_t *sums = resizer->columns + (size_t)(x % resizer->slots) * (size_t)values;
        for (int i = 0; k == (backwards ? last : 0) && i < values; i++)
            sums[i] = RESIZE_HALF;
        resize_add(sums, rgba, values, pass->weight[x * pass->taps + k]);
        if (k == (backwards ? 0 : last))
            put_column(resizer, sums, x);
    }
}

static void row(struct resizer *resizer, int y, const uint8_t *rgba)
{
    const struct placement *placement = &resizer->placement;
    const struct rectangle *from = &placement->from;
    const int orientation = resizer->stored.orientation;
    const bool exchanges = orientation_exchanges(orientation), from_right = orientation_from_right(orientation);
    const int line =
        (orientation_from_bottom(orientation) ? resizer->stored.height - 1 - y : y) - (exchanges ? from->x : from->y);
    if (line < 0 || line >= (exchanges ? from->width : from->height))
        return;
    const int first = exchanges ? from->y : from->x, count = exchanges ? from->height : from->width;
    const uint8_t *part =
        resizer_opaque(resizer, rgba + (size_t)(from_right ? resizer->stored.width - first - count : first) * 4, count);
    if (exchanges)
        sum_column(resizer, line, part);
    else
        resize_narrow(resizer->narrowed + (size_t)line * (size_t)placement->to.width * 3,
                      from_right ? part + (size_t)(count - 1) * 4 : part, from_right ? -1 : 1, &resizer->across,
                      placement->to.width);
}

void resizer_plan_stored(struct resizer *resizer, struct stored_picture stored, struct shape input,
                         const struct preprocess *preprocess, struct arena *arena)
{
    const bool exchanges = orientation_exchanges(stored.orientation);
    assert(stored.orientation >= 1 && stored.orientation <= 8);
    if (stored.orientation == 1) {
        resizer_plan(resizer, stored.width, stored.height, input, preprocess, arena);
        return;
    }
    resizer_plan_passes(resizer, exchanges ? stored.height : stored.width, exchanges ? stored.width : stored.height,
                        input, preprocess, arena);
    const struct placement *placement = &resizer->placement;
    const uint64_t part = (uint64_t)(exchanges ? placement->from.height : placement->from.width);
    resizer->opaque = arena_alloc(arena, part, 4);
    resizer->stored = stored;
    resizer->row = row;
    if (!exchanges)
        return;
    resizer->slots =
        max_overlap(placement->from.width, placement->scaled_width, resizer->across.taps, placement->to.width);
    resizer->columns = arena_alloc(arena, (uint64_t)resizer->slots * part * 4, sizeof *resizer->columns);
}
