/* Loeffler, Ligtenberg, Moschytz: Practical fast 1-D DCT algorithms with 11 multiplications (ICASSP 1989), along the
 * columns and then the rows, each for all eight at once: those loops are for the compiler to vectorise. */
#include "image/jpeg_idct.h"

#include <stdbool.h>
#include <string.h>

/* Numbers with 13 bits behind the point; between the passes 2 more are kept than the result has. */
enum { CONSTANT_BITS = 13, KEPT_BITS = 2 };
#define FIXED(x) ((uint32_t)((x) * (1 << CONSTANT_BITS) + 0.5))

/* An arithmetic shift to the right, rounded. */
static inline int32_t shifted(uint32_t x, int bits) { return (int32_t)(x + (1u << (bits - 1))) >> bits; }

/* out[i] is sample i of eight transforms, of the coefficients in[i]; those from in[rows] on are 0. Unsigned, because
 * that may wrap. */
static inline void transform(int32_t out[8][8], uint32_t in[8][8], int rows, int bits)
{
    for (int i = 0; i < 8; i++) {
        const uint32_t in4 = rows > 4 ? in[4][i] : 0, in5 = rows > 4 ? in[5][i] : 0, in6 = rows > 4 ? in[6][i] : 0,
                       in7 = rows > 4 ? in[7][i] : 0;
        /* The even half: a rotation of 2 and 6 by 3 pi / 8. */
        const uint32_t turned = (in[2][i] + in6) * FIXED(0.541196100);
        const uint32_t rotated2 = turned + in[2][i] * FIXED(0.765366865), rotated6 = turned - in6 * FIXED(1.847759065);
        const uint32_t sum = (in[0][i] + in4) << CONSTANT_BITS, difference = (in[0][i] - in4) << CONSTANT_BITS;
        const uint32_t even0 = sum + rotated2, even3 = sum - rotated2, even1 = difference + rotated6,
                       even2 = difference - rotated6;
        /* The odd half. */
        const uint32_t a = in7 + in[3][i], b = in5 + in[1][i], both = (a + b) * FIXED(1.175875602);
        const uint32_t c = both - a * FIXED(1.961570560), d = both - b * FIXED(0.390180644);
        const uint32_t e = (in7 + in[1][i]) * FIXED(0.899976223), f = (in5 + in[3][i]) * FIXED(2.562915447);
        const uint32_t odd3 = in7 * FIXED(0.298631336) - e + c, odd2 = in5 * FIXED(2.053119869) - f + d,
                       odd1 = in[3][i] * FIXED(3.072711026) - f + c, odd0 = in[1][i] * FIXED(1.501321110) - e + d;
        out[0][i] = shifted(even0 + odd0, bits);
        out[1][i] = shifted(even1 + odd1, bits);
        out[2][i] = shifted(even2 + odd2, bits);
        out[3][i] = shifted(even3 + odd3, bits);
        out[4][i] = shifted(even3 - odd3, bits);
        out[5][i] = shifted(even2 - odd2, bits);
        out[6][i] = shifted(even1 - odd1, bits);
        out[7][i] = shifted(even0 - odd0, bits);
    }
}

static inline int32_t clamped(int32_t sample)
{
    sample = sample < -128 ? -128 : sample > 127 ? 127 : sample;
    return sample + 128;
}

/* Both passes, of a block whose coefficients are all in the first `rows` rows and columns. */
static inline void transform_block(uint8_t *samples, ptrdiff_t stride, const int16_t *coefficients,
                                   const uint16_t *quantization, int rows)
{
    uint32_t in[8][8], turned[8][8];
    int32_t out[8][8];
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < 8; x++)
            in[y][x] = (uint32_t)coefficients[y * 8 + x] * quantization[y * 8 + x];
    transform(out, in, rows, CONSTANT_BITS - KEPT_BITS);
    for (int x = 0; x < rows; x++)
        for (int y = 0; y < 8; y++)
            turned[x][y] = (uint32_t)out[y][x];
    transform(out, turned, rows, CONSTANT_BITS + KEPT_BITS + 3);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            samples[y * stride + x] = (uint8_t)clamped(out[x][y]);
}

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
        const int32_t column = shifted(first << CONSTANT_BITS, CONSTANT_BITS - KEPT_BITS);
        const int32_t sample = shifted((uint32_t)column << CONSTANT_BITS, CONSTANT_BITS + KEPT_BITS + 3);
        for (int y = 0; y < 8; y++)
            memset(samples + y * stride, clamped(sample), 8);
    }
}
