/* The entropy-coded bytes of a JPEG as bits, and Huffman codes in them (ITU-T T.81, annexes C and F).
 *
 *     struct jpeg_huffman table;
 *     jpeg_huffman_define(&table, counts, symbols);
 *     struct jpeg_bits bits;
 *     jpeg_bits_open(&bits, data, data + size);
 *     uint32_t code = jpeg_next_code(&bits, &table);
 *     bool made_up = jpeg_bits_missing(&bits); // the data ended before the code did
 *
 * Where a marker or the file's end ends the data, zeros follow without end. */
#ifndef JPEG_HUFFMAN_H
#define JPEG_HUFFMAN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JPEG_LOOKUP_BITS = 10, JPEG_CODE_BITS = 16 };

/* What a code says: how many bits it takes, its symbol's run of zeros and size, and, where the bits that follow the
 * symbol are among the 10 looked up, the value that they give: then `size` is 0 and they are among `bits`. 0 as a whole
 * is no code. */
#define JPEG_CODE(bits, run, size, value) \
    ((uint32_t)(bits) | (uint32_t)(size) << 8 | (uint32_t)(run) << 12 | (uint32_t)(value) << 16)
static inline int jpeg_code_bits(uint32_t code) { return (int)(code & 255); }
static inline int jpeg_code_size(uint32_t code) { return (int)(code >> 8 & 15); }
static inline int jpeg_code_run(uint32_t code) { return (int)(code >> 12 & 15); }
static inline int jpeg_code_value(uint32_t code) { return (int32_t)code >> 16; }

struct jpeg_huffman {
    bool defined;
    uint8_t max_symbol;
    uint32_t lookup[1 << JPEG_LOOKUP_BITS]; /* by the next 10 bits; 0: the code is longer, or none */
    uint32_t end[JPEG_CODE_BITS + 1];       /* of each length: one past its last code, with zeros behind to 16 bits */
    int32_t offset[JPEG_CODE_BITS + 1];     /* of each length: its codes plus this are indices of symbols */
    uint8_t symbols[256];
};

/* Takes 16 counts, of the codes of 1 to 16 bits, and as many symbols as they sum to. False, and a table that is not
 * defined, if there are more codes of a length than that length can tell apart. */
bool jpeg_huffman_define(struct jpeg_huffman *table, const uint8_t counts[JPEG_CODE_BITS], const uint8_t *symbols);

/* Tables that are not defined yet, as the typical ones of T.81, K.3 to K.6: 0 for luminance, 1 for chrominance. Frames of
 * Motion JPEG have no others. */
void jpeg_huffman_define_typical(struct jpeg_huffman dc[2], struct jpeg_huffman ac[2]);

struct jpeg_bits {
    uint64_t buffer; /* the next `count` bits, from the highest on */
    int count;       /* `padding` among them, the last ones, are not of the data */
    int padding;
    const uint8_t *at, *end; /* `at` does not pass a marker */
};

static inline void jpeg_bits_open(struct jpeg_bits *bits, const uint8_t *at, const uint8_t *end)
{
    *bits = (struct jpeg_bits){.at = at, .end = end};
}

/* Whether bits were taken that the data does not have. */
static inline bool jpeg_bits_missing(const struct jpeg_bits *bits) { return bits->count < bits->padding; }

/* One byte at a time: a zero follows each 0xff of the data. */
void jpeg_bits_fill_slowly(struct jpeg_bits *bits);

/* At least 32 bits: a code and what follows it. */
static inline void jpeg_bits_fill(struct jpeg_bits *bits)
{
    if (bits->count >= 32)
        return;
    if (bits->end - bits->at >= 8) {
        const uint64_t next = (uint64_t)bytes_get4_big(bits->at) << 32 | bytes_get4_big(bits->at + 4);
        if (!((~next - 0x0101010101010101) & next & 0x8080808080808080)) { /* no byte is 0xff */
            const int taken = (63 - bits->count) / 8;
            bits->buffer |= next >> bits->count; /* a part of the byte behind, too: it comes again */
            bits->at += taken;
            bits->count += taken * 8;
            return;
        }
    }
    jpeg_bits_fill_slowly(bits);
}

/* The next n bits, 0 to 16, of at least n in the buffer. */
static inline unsigned jpeg_take_bits(struct jpeg_bits *bits, int n)
{
    const unsigned value = (unsigned)(bits->buffer >> 1 >> (63 - n));
    bits->buffer <<= n;
    bits->count -= n;
    return value;
}

/* The value of `size` bits (T.81, F.2.2.1): those that begin with 0 are the negative ones. */
static inline int jpeg_extend(unsigned bits, int size)
{
    return (int)bits - (bits < 1u << size >> 1 ? (1 << size) - 1 : 0);
}

uint32_t jpeg_long_code(const struct jpeg_bits *bits, const struct jpeg_huffman *table);

/* 0 if no code begins with these bits. Leaves 16 bits in the buffer. */
static inline uint32_t jpeg_next_code(struct jpeg_bits *bits, const struct jpeg_huffman *table)
{
    jpeg_bits_fill(bits);
    uint32_t code = table->lookup[bits->buffer >> (64 - JPEG_LOOKUP_BITS)];
    if (!code)
        code = jpeg_long_code(bits, table);
    bits->buffer <<= jpeg_code_bits(code);
    bits->count -= jpeg_code_bits(code);
    return code;
}

/* What follows a code that jpeg_next_code gave. */
static inline int jpeg_value_of(struct jpeg_bits *bits, uint32_t code)
{
    const int value = jpeg_code_value(code), size = jpeg_code_size(code);
    return size ? jpeg_extend(jpeg_take_bits(bits, size), size) : value;
}

#endif
