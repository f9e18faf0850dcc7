/* Weights into panels, once when a model is opened: compiled for size, unlike the kernels. */
#include "int8/int8_kernels.h"

#include "int8/int8_tile.h"

#include <assert.h>

size_t int8_conv_packed(const struct window *window)
{
    assert(window_valid(window));
    return (size_t)(window->kernel_h * int8_row_pairs(window)) * 2 * (size_t)int8_padded(window->out.c);
}

/* Panel after panel (kernel_h, pairs, INT8_PANEL, 2). */
void int8_conv_pack(void *packed, const int8_t *weights, const struct window *window)
{
    assert(window_valid(window) && packed && weights);
    int8_t *to = packed;
    const int row = window->kernel_w * window->in.c, c = window->out.c;
    for (int first = 0; first < c; first += INT8_PANEL)
        for (int y = 0; y < window->kernel_h; y++)
            for (int k = 0; k < 2 * int8_row_pairs(window); k += 2)
                for (int i = first; i < first + INT8_PANEL; i++) {
                    const int8_t *from = weights + ((ptrdiff_t)y * row + k) * c + int8_channel(i);
                    *to++ = int8_channel(i) < c ? from[0] : 0;
                    *to++ = int8_channel(i) < c && k + 1 < row ? from[c] : 0;
                }
}

size_t int8_depthwise_packed(const struct window *window)
{
    assert(int8_depthwise_valid(window));
    return (size_t)int8_tap_pairs(window) * 2 * sizeof(int16_t) * (size_t)int8_padded(window->in.c);
}

/* Panel after panel (pairs, INT8_PANEL, 2). */
void int8_depthwise_pack(void *packed, const int8_t *weights, const struct window *window)
{
    assert(int8_depthwise_valid(window) && packed && weights);
    int16_t *to = packed;
    const int c = window->in.c, taps = window->kernel_h * window->kernel_w;
    for (int first = 0; first < c; first += INT8_PANEL)
        for (int tap = 0; tap < taps; tap += 2)
            for (int i = first; i < first + INT8_PANEL; i++) {
                const int8_t *from = weights + (ptrdiff_t)tap * c + int8_channel(i);
                *to++ = int8_channel(i) < c ? from[0] : 0;
                *to++ = int8_channel(i) < c && tap + 1 < taps ? from[c] : 0;
            }
}
