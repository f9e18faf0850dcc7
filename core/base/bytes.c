#include "base/bytes.h"

/* Below 2^-14 the steps are 2^-24: adding 2^-1 in float, whose last bit is 2^-24 there, rounds to them. Above, the
 * 13 bits that float16 lacks are rounded off the pattern itself; a carry runs into the exponent, as it should. */
uint16_t bytes_float16_from(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits >= 0x47800000) /* 2^16 and more, infinite, NaN */
        return (uint16_t)(sign | (bits > 0x7f800000 ? 0x7e00 : 0x7c00));
    if (bits < 0x38800000) {
        float small;
        memcpy(&small, &bits, sizeof small);
        small += 0.5f;
        memcpy(&bits, &small, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}

float bytes_float16_to(uint16_t half)
{
    const uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
    uint32_t bits = (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | fraction << 13;
    float x;
    if (exponent == 0) {
        x = (float)fraction * 0x1p-24f;
        memcpy(&bits, &x, sizeof bits);
    }
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Four bytes at a time (Kounavis and Berry 2005), by tables that are made anew: smaller than to store, and quick.
 * table[k][b] is what byte b leaves after k bytes of zeros. */
static const uint32_t polynomial = 0xedb88320; /* the coefficient of x^31 is the lowest bit, as in all of these */

uint32_t bytes_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t table[4][256], crc = 0xffffffff;
    for (uint32_t b = 0; b < 256; b++) {
        table[0][b] = b;
        for (int bit = 0; bit < 8; bit++)
            table[0][b] = table[0][b] >> 1 ^ (table[0][b] & 1 ? polynomial : 0);
    }
    for (int k = 1; k < 4; k++)
        for (int b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
    for (; size >= 4; bytes += 4, size -= 4) {
        crc ^= bytes_get4(bytes);
        crc = table[3][crc & 255] ^ table[2][crc >> 8 & 255] ^ table[1][crc >> 16 & 255] ^ table[0][crc >> 24];
    }
    for (; size; bytes++, size--)
        crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 255];
    return ~crc;
}

/* The product of two polynomials over GF(2), modulo that of the CRC. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = (uint32_t)1 << 31; bit; bit >>= 1) {
        product ^= a & bit ? b : 0;
        b = b >> 1 ^ (b & 1 ? polynomial : 0);
    }
    return product;
}

/* A block behind another multiplies the sum of that by x^(8 size); what a sum begins and ends with cancels out. */
uint32_t bytes_crc32_joined(const uint32_t *sums, int count, size_t size)
{
    uint32_t shift = (uint32_t)1 << 31, power = (uint32_t)1 << 23, all = 0; /* x^0 and x^8 */
    for (; size; size >>= 1, power = multiply(power, power))
        shift = size & 1 ? multiply(shift, power) : shift;
    for (int i = 0; i < count; i++)
        all = multiply(shift, all) ^ sums[i];
    return all;
}
