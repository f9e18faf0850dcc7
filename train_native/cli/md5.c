#include "cli/md5.h"

#include "base/bytes.h"

/* floor(2^32 |sin(i + 1)|) (RFC 1321, 3.4). */
static const uint32_t constants[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

static uint32_t rotated(uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

/* One block (3.4), with the standard's names a to d. */
static void compress(uint32_t *hash, const uint8_t *block)
{
    static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    for (int i = 0; i < 64; i++) {
        const int round = i / 16;
        const uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                               : round == 1 ? (b & d) | (c & ~d)
                               : round == 2 ? b ^ c ^ d
                                            : c ^ (b | ~d);
        const int word = (round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i) % 16;
        const uint32_t sum = a + mixed + constants[i] + bytes_get4(block + 4 * word);
        a = d;
        d = c;
        c = b;
        b += rotated(sum, shifts[round][i % 4]);
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
}

struct md5 md5_begin(void)
{
    return (struct md5){{.hash = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}}}; /* 3.3 */
}

void md5_add(struct md5 *state, const void *bytes, size_t size)
{
    message_blocks_add(&state->message, bytes, size, compress);
}

void md5_end(uint8_t digest[MD5_BYTES], struct md5 *state)
{
    uint8_t bits[8];
    bytes_put4(bits, (uint32_t)(state->message.size * 8));
    bytes_put4(bits + 4, (uint32_t)(state->message.size * 8 >> 32));
    message_blocks_end(&state->message, bits, compress);
    for (int i = 0; i < MD5_BYTES / 4; i++)
        bytes_put4(digest + 4 * i, state->message.hash[i]);
}

void md5_text(char text[2 * MD5_BYTES + 1], const uint8_t digest[MD5_BYTES]) { digest_text(text, digest, MD5_BYTES); }
