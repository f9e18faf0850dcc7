#include "cli/sha256.h"

#include "base/bytes.h"

#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t x, int bits) { return x >> bits | x << (32 - bits); }

/* One block (6.2.2), with the standard's names a to h as letters[0] to letters[7]. */
static void compress(uint32_t *hash, const uint8_t *block)
{
    uint32_t words[64], letters[8];
    for (int i = 0; i < 16; i++, block += 4)
        words[i] = bytes_get4_big(block);
    for (int i = 16; i < 64; i++) {
        const uint32_t near = words[i - 2], far = words[i - 15];
        words[i] = words[i - 16] + (rotated(far, 7) ^ rotated(far, 18) ^ far >> 3) + words[i - 7] +
                   (rotated(near, 17) ^ rotated(near, 19) ^ near >> 10);
    }
    memcpy(letters, hash, sizeof letters);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = letters[0], b = letters[1], c = letters[2], e = letters[4], f = letters[5], g = letters[6];
        const uint32_t first = letters[7] + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) +
                               constants[i] + words[i];
        const uint32_t second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        memmove(letters + 1, letters, 7 * sizeof *letters);
        letters[4] += first;
        letters[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        hash[i] += letters[i];
}

struct sha256 sha256_begin(void)
{
    /* Of the square roots of the first 8 primes (5.3.3). */
    return (struct sha256){
        {.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}}};
}

void sha256_add(struct sha256 *state, const void *bytes, size_t size)
{
    message_blocks_add(&state->message, bytes, size, compress);
}

void sha256_end(uint8_t digest[SHA256_BYTES], struct sha256 *state)
{
    uint8_t bits[8];
    bytes_put4_big(bits, (uint32_t)(state->message.size * 8 >> 32));
    bytes_put4_big(bits + 4, (uint32_t)(state->message.size * 8));
    message_blocks_end(&state->message, bits, compress);
    for (int i = 0; i < SHA256_BYTES / 4; i++)
        bytes_put4_big(digest + 4 * i, state->message.hash[i]);
}

void sha256_text(char text[2 * SHA256_BYTES + 1], const uint8_t digest[SHA256_BYTES])
{
    digest_text(text, digest, SHA256_BYTES);
}
