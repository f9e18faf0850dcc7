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
uint32_t bytes_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t table[4][256], crc = 0xffffffff;
    for (uint32_t b = 0; b < 256; b++) {
        table[0][b] = b;
        for (int bit = 0; bit < 8; bit++)
            table[0][b] = table[0][b] >> 1 ^ (table[0][b] & 1 ? 0xedb88320 : 0);
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
