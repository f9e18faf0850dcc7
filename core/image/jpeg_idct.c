/* Loeffler, Ligtenberg, Moschytz: Practical fast 1-D DCT algorithms with 11 multiplications (ICASSP 1989), along the
 * columns and then the rows, each for four at once. */
#include "image/jpeg_idct.h"

#include "base/vec/vec.h"

#include <stdbool.h>

/* Numbers with 13 bits behind the point; between the passes 2 more are kept than the result has. */
enum { CONSTANT_BITS = 13, KEPT_BITS = 2 };
enum { COLUMN_BITS = CONSTANT_BITS - KEPT_BITS, ROW_BITS = CONSTANT_BITS + KEPT_BITS + 3, MIDDLE = 128 };
#define FIXED(x) ((int32_t)((x) * (1 << CONSTANT_BITS) + 0.5))

static inline quad scaled(quad a, int32_t factor) { return quad_mul(a, quad_set1(factor)); }

/* a + b and a - b without the `bits` behind the point, rounded. */
static inline void put_both(quad *sum, quad *difference, quad a, quad b, int bits)
{
    const quad rounded = quad_add(a, quad_set1(1 << (bits - 1)));
    *sum = quad_right(quad_add(rounded, b), bits);
    *difference = quad_right(quad_sub(rounded, b), bits);
}

/* out[i] is sample i of four transforms, of the coefficients in[i]; those from in[count] on, 4 or 8, are 0. */
static inline void transform(quad out[8], const quad in[8], int count, int bits)
{
    const quad zero = quad_set1(0);
    const quad in4 = count > 4 ? in[4] : zero, in5 = count > 4 ? in[5] : zero, in6 = count > 4 ? in[6] : zero,
               in7 = count > 4 ? in[7] : zero;
    /* The even half: a rotation of 2 and 6 by 3 pi / 8. */
    const quad turned = scaled(quad_add(in[2], in6), FIXED(0.541196100));
    const quad rotated2 = quad_add(turned, scaled(in[2], FIXED(0.765366865))),
               rotated6 = quad_sub(turned, scaled(in6, FIXED(1.847759065)));
    const quad sum = quad_left(quad_add(in[0], in4), CONSTANT_BITS),
               difference = quad_left(quad_sub(in[0], in4), CONSTANT_BITS);
    /* The odd half. */
    const quad a = quad_add(in7, in[3]), b = quad_add(in5, in[1]);
    const quad both = scaled(quad_add(a, b), FIXED(1.175875602));
    const quad c = quad_sub(both, scaled(a, FIXED(1.961570560))), d = quad_sub(both, scaled(b, FIXED(0.390180644)));
    const quad e = scaled(quad_add(in7, in[1]), FIXED(0.899976223)),
               f = scaled(quad_add(in5, in[3]), FIXED(2.562915447));
    const quad odd3 = quad_add(quad_sub(scaled(in7, FIXED(0.298631336)), e), c),
               odd2 = quad_add(quad_sub(scaled(in5, FIXED(2.053119869)), f), d),
               odd1 = quad_add(quad_sub(scaled(in[3], FIXED(3.072711026)), f), c),
               odd0 = quad_add(quad_sub(scaled(in[1], FIXED(1.501321110)), e), d);
    put_both(&out[0], &out[7], quad_add(sum, rotated2), odd0, bits);
    put_both(&out[1], &out[6], quad_add(difference, rotated6), odd1, bits);
    put_both(&out[2], &out[5], quad_sub(difference, rotated6), odd2, bits);
    put_both(&out[3], &out[4], quad_sub(sum, rotated2), odd3, bits);
}

/* Both passes, of a block whose coefficients are all in the first `count` rows and columns. */
static inline void transform_block(uint8_t *samples, ptrdiff_t stride, const int16_t *coefficients,
                                   const uint16_t *quantization, int count)
{
    quad in[8], out[8], turned[2][8]; /* of the rows 0 to 3, and 4 to 7 */
    for (int x = 0; x < count; x += 4) {
        for (int y = 0; y < count; y++)
            in[y] = quad_mul(quad_widen(coefficients + y * 8 + x), quad_widen_unsigned(quantization + y * 8 + x));
        transform(out, in, count, COLUMN_BITS);
        for (int half = 0; half < 2; half++) {
            memcpy(&turned[half][x], &out[half * 4], 4 * sizeof(quad));
            quad_transpose(&turned[half][x]);
        }
    }
    for (int half = 0; half < 2; half++, samples += 4 * stride) {
        transform(out, turned[half], count, ROW_BITS);
        quad_transpose(out);
        quad_transpose(out + 4);
        for (int y = 0; y < 4; y++)
            quad_store_bytes(samples + y * stride, quad_add(out[y], quad_set1(MIDDLE)),
                             quad_add(out[y + 4], quad_set1(MIDDLE)));
    }
}

/* An arithmetic shift to the right, rounded. */
static inline int32_t shifted(uint32_t x, int bits) { return (int32_t)(x + (1u << (bits - 1))) >> bits; }

/* Of rows and columns 4 to 7, and of all but the first coefficient, the bits that are set in any. */
static void occupied(uint64_t *far, uint64_t *any, const int16_t *coefficients)
{
    uint64_t near = 0;
    *far = 0;
    for (int y = 0; y < 8; y++) {
        uint64_t left, right;
        memcpy(&left, coefficients + y * 8, sizeof left);
        memcpy(&right, coefficients + y * 8 + 4, sizeof right);
        if (y == 0) {
            int16_t others[4] = {0, coefficients[1], coefficients[2], coefficients[3]};
            memcpy(&left, others, sizeof left);
        }
        near |= left;
        *far |= right | (y < 4 ? 0 : left);
    }
    *any = near | *far;
}

void jpeg_idct(uint8_t *samples, ptrdiff_t stride, const int16_t coefficients[64], const uint16_t quantization[64])
{
    uint64_t far, any;
    occupied(&far, &any, coefficients);
    if (far) {
        transform_block(samples, stride, coefficients, quantization, 8);
    } else if (any) {
        transform_block(samples, stride, coefficients, quantization, 4);
    } else { /* the same arithmetic, of the first coefficient alone */
        const uint32_t first = (uint32_t)coefficients[0] * quantization[0];
        const int32_t column = shifted(first << CONSTANT_BITS, COLUMN_BITS);
        const int32_t sample = shifted((uint32_t)column << CONSTANT_BITS, ROW_BITS) + MIDDLE;
        for (int y = 0; y < 8; y++)
            memset(samples + y * stride, sample < 0 ? 0 : sample > 255 ? 255 : sample, 8);
    }
}
