/* Deflate data (RFC 1951) unpacked step by step, in the memory of this struct alone: what PNG and gzip are packed with.
 *
 *     inflate_start(&inflate, next_piece, &pieces);     // the data comes in pieces
 *     inflate_bytes(&inflate, header, 2);               // what stands before it, as zlib's header, if anything does
 *     size_t count;
 *     for (const uint8_t *bytes; (bytes = inflate_next(&inflate, &count));)
 *         take(bytes, count);
 *     if (inflate.state == INFLATE_DONE && inflate_bytes(&inflate, trailer, 4))
 *         check(trailer);
 *
 * or at once, of one piece: inflate_all. As strict as zlib about the codes; a distance may reach back 32 KB, whatever a
 * header says. Time is linear in input and output, the result depends on the data alone. */
#ifndef INFLATE_H
#define INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next piece of the data, of `size` bytes; NULL at its end. */
typedef const uint8_t *inflate_piece(void *context, size_t *size);

enum inflate_state {
    INFLATE_HEADER, /* of a block follows */
    INFLATE_STORED, /* in a block of bytes as they are */
    INFLATE_CODED,  /* in a block of codes */
    INFLATE_DONE,   /* the last block has ended */
    INFLATE_CUT,    /* the input ended before it */
    INFLATE_DAMAGED
};

enum { INFLATE_WINDOW = 1 << 15, INFLATE_STEP = 1 << 15, INFLATE_MAX_MATCH = 258, INFLATE_FAST_BITS = 10 };

/* private: the input and its bits at hand, the next one lowest; `count` falls below 0 where they have run out. */
struct inflate_input {
    const uint8_t *at, *end;
    uint64_t bits;
    int count;
    inflate_piece *next;
    void *context;
};

/* private: a Huffman code. count[n]: codes of n bits. symbols: ordered by code. fast: by the next bits, symbol << 4 |
 * length; 0: a longer code, or none. */
struct inflate_code {
    uint16_t fast[1 << INFLATE_FAST_BITS], count[16], symbols[288];
};

struct inflate {
    enum inflate_state state;
    /* private: */
    bool last;       /* block */
    uint32_t stored; /* bytes left in a block */
    struct inflate_input input;
    struct inflate_code literals, distances;
    size_t used; /* of the buffer: what was unpacked last, up to a window and a step of it */
    uint8_t buffer[INFLATE_WINDOW + INFLATE_STEP + INFLATE_MAX_MATCH];
};

void inflate_start(struct inflate *inflate, inflate_piece *next, void *context);

/* The next bytes, one or more, which stay until the next call; NULL when nothing more can be had: inflate->state says
 * why. Of cut or damaged data everything before the fault is returned. */
const uint8_t *inflate_next(struct inflate *inflate, size_t *count);

/* Bytes that are not packed, from the next whole one on; false if there are fewer. */
bool inflate_bytes(struct inflate *inflate, uint8_t *out, int count);

/* Whether the data makes exactly out_size bytes. `inflate` is memory to work in. */
bool inflate_all(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size, struct inflate *inflate);

#endif
