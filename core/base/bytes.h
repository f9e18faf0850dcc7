/* Numbers as little-endian bytes, float16 and CRC-32: what files are made of.
 *
 *     bytes_put4(p, 0x01020304);            // 04 03 02 01
 *     uint32_t x = bytes_get4(p); */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t bytes_get2(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

static inline uint32_t bytes_get4(const uint8_t *p) { return bytes_get2(p) | bytes_get2(p + 2) << 16; }

/* The highest byte first, as JPEG, PNG, IDX and SHA-256 have it. */
static inline uint32_t bytes_get2_big(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

static inline uint32_t bytes_get4_big(const uint8_t *p) { return bytes_get2_big(p) << 16 | bytes_get2_big(p + 2); }

static inline float bytes_get_float(const uint8_t *p)
{
    const uint32_t bits = bytes_get4(p);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline void bytes_put2(uint8_t *p, int x)
{
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
}

static inline void bytes_put4(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

static inline void bytes_put4_big(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(x >> (24 - 8 * i));
}

static inline void bytes_put_float(uint8_t *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bytes_put4(p, bits);
}

/* The float16 nearest to x, ties to even, and back; x beyond +-65504 becomes infinite, which no model may hold. */
uint16_t bytes_float16_from(float x);
float bytes_float16_to(uint16_t bits);

/* CRC-32 as in PNG and zip. */
uint32_t bytes_crc32(const uint8_t *bytes, size_t size);

/* That of `count` blocks of `size` bytes, one behind the other, from the CRC-32 of each. */
uint32_t bytes_crc32_joined(const uint32_t *sums, int count, size_t size);

#endif
