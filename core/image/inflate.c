/* A code is looked up by its next 10 bits; longer ones, which are rare, are walked bit by bit through the numbers of
 * codes of each length. */
#include "image/inflate.h"

#include "base/bytes.h"

#include <string.h>

enum { MAX_LENGTH = 15, LITERALS = 288, DISTANCES = 32, END_OF_BLOCK = 256, FAST_SIZE = 1 << INFLATE_FAST_BITS };

void inflate_start(struct inflate *inflate, inflate_piece *next, void *context)
{
    inflate->state = INFLATE_HEADER;
    inflate->last = false;
    inflate->stored = 0;
    inflate->used = 0;
    inflate->input = (struct inflate_input){.next = next, .context = context};
}

/* Where a piece ends; nothing is added at the end of the last. */
static struct inflate_input refill_slowly(struct inflate_input in)
{
    while (in.count >= 0 && in.count < 56) {
        if (in.at == in.end) {
            size_t size;
            in.at = in.next(in.context, &size);
            if (!in.at) {
                in.end = NULL;
                break;
            }
            in.end = in.at + size;
            continue;
        }
        in.bits |= (uint64_t)*in.at++ << in.count;
        in.count += 8;
    }
    return in;
}

/* At least 56 bits if there are that many: more than a length, a distance and their extra bits are. */
static inline void refill(struct inflate_input *in)
{
    if (in->end - in->at < 8 || in->count < 0) {
        *in = refill_slowly(*in);
        return;
    }
    const uint64_t next = bytes_get4(in->at) | (uint64_t)bytes_get4(in->at + 4) << 32;
    in->bits |= next << in->count;
    in->at += (63 - in->count) >> 3;
    in->count |= 56;
}

/* The next bits, which must be at hand; zeros where the input has ended. */
static inline unsigned take(struct inflate_input *in, int count)
{
    const unsigned value = (unsigned)(in->bits & ((1u << count) - 1));
    in->bits >>= count;
    in->count -= count;
    return value;
}

bool inflate_bytes(struct inflate *inflate, uint8_t *out, int count)
{
    struct inflate_input *in = &inflate->input;
    take(in, in->count > 0 ? in->count % 8 : 0);
    for (int i = 0; i < count; i++) {
        refill(in);
        out[i] = (uint8_t)take(in, 8);
        if (in->count < 0)
            return false;
    }
    return true;
}

/* False unless the lengths make a complete code; of one code of one bit, or of none, the rest is never met. */
static bool make_code(struct inflate_code *code, const uint8_t *lengths, int symbols)
{
    unsigned next[MAX_LENGTH + 1], offsets[MAX_LENGTH + 2];
    memset(code, 0, sizeof *code);
    for (int i = 0; i < symbols; i++)
        code->count[lengths[i]]++;
    code->count[0] = 0;
    int left = 1, total = 0;
    unsigned first = 0;
    offsets[1] = 0;
    for (int length = 1; length <= MAX_LENGTH; length++) {
        first <<= 1;
        next[length] = first;
        first += code->count[length];
        offsets[length + 1] = offsets[length] + code->count[length];
        left = left * 2 - code->count[length];
        if (left < 0)
            return false;
        total += code->count[length];
    }
    if (left > 0 && total > code->count[1])
        return false;
    for (int i = 0; i < symbols; i++) {
        const int length = lengths[i];
        if (!length)
            continue;
        code->symbols[offsets[length]++] = (uint16_t)i;
        const unsigned bits = next[length]++;
        if (length > INFLATE_FAST_BITS)
            continue;
        unsigned reversed = 0; /* the first bit of a code is the lowest of the input */
        for (int bit = 0; bit < length; bit++)
            reversed |= (bits >> bit & 1) << (length - 1 - bit);
        for (unsigned at = reversed; at < FAST_SIZE; at += 1u << length)
            code->fast[at] = (uint16_t)(i << 4 | length);
    }
    return true;
}

/* A symbol, or -1 for a code that there is not; the bits must be at hand. */
static int decode_slowly(struct inflate_input *in, const struct inflate_code *code)
{
    int bits = 0, first = 0, index = 0;
    for (int length = 1; length <= MAX_LENGTH; length++) {
        bits |= (int)take(in, 1);
        const int count = code->count[length];
        if (bits - count < first)
            return code->symbols[index + bits - first];
        index += count;
        first = (first + count) << 1;
        bits <<= 1;
    }
    return -1;
}

static inline int decode(struct inflate_input *in, const struct inflate_code *code)
{
    const unsigned entry = code->fast[in->bits % FAST_SIZE];
    if (!entry)
        return decode_slowly(in, code);
    take(in, entry & 15);
    return (int)(entry >> 4);
}

/* The codes of a block's own: their lengths are packed with a code, too. */
static bool read_codes(struct inflate *inflate)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    struct inflate_input *in = &inflate->input;
    const int literals = (int)take(in, 5) + 257, distances = (int)take(in, 5) + 1, count = (int)take(in, 4) + 4;
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    for (int i = 0; i < count; i++) {
        refill(in);
        lengths[order[i]] = (uint8_t)take(in, 3);
    }
    struct inflate_code *of_lengths = &inflate->distances; /* for now */
    if (literals > 286 || distances > 30 || !make_code(of_lengths, lengths, 19))
        return false;
    memset(lengths, 0, sizeof lengths);
    for (int i = 0; i < literals + distances;) {
        refill(in);
        const int symbol = decode(in, of_lengths);
        if (symbol < 0 || in->count < 0 || (symbol == 16 && i == 0))
            return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        const int repeats = symbol == 16   ? (int)take(in, 2) + 3
                            : symbol == 17 ? (int)take(in, 3) + 3
                                           : (int)take(in, 7) + 11;
        if (repeats > literals + distances - i)
            return false;
        memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, (size_t)repeats);
        i += repeats;
    }
    return lengths[END_OF_BLOCK] && make_code(&inflate->literals, lengths, literals) &&
           make_code(&inflate->distances, lengths + literals, distances);
}

static void fixed_codes(struct inflate *inflate)
{
    uint8_t lengths[LITERALS];
    for (int i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(&inflate->literals, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    make_code(&inflate->distances, lengths, DISTANCES);
}

static enum inflate_state read_header(struct inflate *inflate)
{
    enum { STORED, FIXED, OWN };
    struct inflate_input *in = &inflate->input;
    if (inflate->last)
        return INFLATE_DONE;
    refill(in);
    inflate->last = take(in, 1);
    const unsigned kind = take(in, 2);
    bool good = kind <= OWN;
    if (kind == FIXED)
        fixed_codes(inflate);
    else if (kind == OWN)
        good = read_codes(inflate);
    if (kind == STORED) {
        uint8_t sizes[4];
        good = inflate_bytes(inflate, sizes, 4) && (bytes_get2(sizes) ^ bytes_get2(sizes + 2)) == 0xffff;
        inflate->stored = bytes_get2(sizes);
    }
    if (in->count < 0)
        return INFLATE_CUT;
    return !good ? INFLATE_DAMAGED : kind == STORED ? INFLATE_STORED : INFLATE_CODED;
}

static enum inflate_state copy_stored(struct inflate *inflate)
{
    struct inflate_input *in = &inflate->input;
    while (inflate->stored && inflate->used < INFLATE_WINDOW + INFLATE_STEP) {
        refill(in);
        if (in->count < 8)
            return INFLATE_CUT;
        inflate->buffer[inflate->used++] = (uint8_t)take(in, 8);
        inflate->stored--;
    }
    return inflate->stored ? INFLATE_STORED : INFLATE_HEADER;
}

/* Up to the end of the block or of the step. */
static enum inflate_state unpack(struct inflate *inflate)
{
    static const uint16_t lengths[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint16_t distances[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                         33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                         1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    enum { LENGTHS = sizeof lengths / sizeof *lengths, DISTANCE_COUNT = sizeof distances / sizeof *distances };
    struct inflate_input in = inflate->input; /* in registers */
    uint8_t *out = inflate->buffer + inflate->used, *const full = inflate->buffer + INFLATE_WINDOW + INFLATE_STEP;
    enum inflate_state state = INFLATE_CODED;
    while (out < full) {
        refill(&in);
        const int symbol = decode(&in, &inflate->literals);
        if (symbol >= 0 && symbol < END_OF_BLOCK && in.count >= 0) {
            *out++ = (uint8_t)symbol;
            continue;
        }
        state = in.count < 0 ? INFLATE_CUT : symbol == END_OF_BLOCK ? INFLATE_HEADER : INFLATE_DAMAGED;
        const int of_length = symbol - END_OF_BLOCK - 1;
        if (of_length < 0 || of_length >= LENGTHS)
            break;
        const int length_bits = of_length < 8 || of_length == 28 ? 0 : of_length / 4 - 1;
        const size_t length = lengths[of_length] + take(&in, length_bits);
        const int of_distance = decode(&in, &inflate->distances);
        if (of_distance < 0 || of_distance >= DISTANCE_COUNT) {
            state = in.count < 0 ? INFLATE_CUT : INFLATE_DAMAGED;
            break;
        }
        const size_t distance = distances[of_distance] + take(&in, of_distance < 4 ? 0 : of_distance / 2 - 1);
        state = in.count < 0 ? INFLATE_CUT : INFLATE_DAMAGED;
        if (in.count < 0 || distance > (size_t)(out - inflate->buffer))
            break;
        state = INFLATE_CODED;
        const uint8_t *from = out - distance;
        if (distance >= length)
            memcpy(out, from, length);
        else
            for (size_t i = 0; i < length; i++)
                out[i] = from[i];
        out += length;
    }
    inflate->input = in;
    inflate->used = (size_t)(out - inflate->buffer);
    return state;
}

const uint8_t *inflate_next(struct inflate *inflate, size_t *count)
{
    if (inflate->used > INFLATE_WINDOW) {
        memmove(inflate->buffer, inflate->buffer + inflate->used - INFLATE_WINDOW, INFLATE_WINDOW);
        inflate->used = INFLATE_WINDOW;
    }
    const size_t start = inflate->used;
    while (inflate->state < INFLATE_DONE && inflate->used < INFLATE_WINDOW + INFLATE_STEP)
        inflate->state = inflate->state == INFLATE_HEADER   ? read_header(inflate)
                         : inflate->state == INFLATE_STORED ? copy_stored(inflate)
                                                            : unpack(inflate);
    *count = inflate->used - start;
    return *count ? inflate->buffer + start : NULL;
}

struct one_piece {
    const uint8_t *bytes;
    size_t size;
};

static const uint8_t *the_piece(void *context, size_t *size)
{
    struct one_piece *piece = context;
    const uint8_t *bytes = piece->bytes;
    *size = piece->size;
    piece->bytes = NULL;
    return bytes;
}

bool inflate_all(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size, struct inflate *inflate)
{
    struct one_piece piece = {bytes, size};
    inflate_start(inflate, the_piece, &piece);
    size_t count, made = 0;
    for (const uint8_t *step; (step = inflate_next(inflate, &count)); made += count) {
        if (count > out_size - made)
            return false;
        memcpy(out + made, step, count);
    }
    return inflate->state == INFLATE_DONE && made == out_size;
}
