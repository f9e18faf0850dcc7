#include "image/jpeg_scan.h"

#include "image/jpeg_idct.h"

const uint8_t jpeg_zigzag[JPEG_BLOCK] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                         12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                         35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                         58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

enum { RUN_OF_16 = 15, MARKER_RESTART = 0xd0, MARKER_END = 0xd9 };

static inline bool fits_16_bits(int x) { return x == (int16_t)x; }

/* The first coefficient: its difference from that of the component's last block. */
static inline bool next_dc(int16_t *value, struct jpeg_scan *scan, struct jpeg_bits *bits, int component)
{
    const uint32_t code = jpeg_next_code(bits, scan->dc[component]);
    scan->dc_value[component] += jpeg_value_of(bits, code);
    const int scaled = scan->dc_value[component] * (1 << scan->low_bit);
    *value = (int16_t)scaled;
    return code && fits_16_bits(scan->dc_value[component]) && fits_16_bits(scaled);
}

static inline bool next_ac(int16_t *block, struct jpeg_bits *bits, const struct jpeg_huffman *table)
{
    for (int k = 1; k < JPEG_BLOCK; k++) {
        const uint32_t code = jpeg_next_code(bits, table);
        const int value = jpeg_value_of(bits, code);
        k += jpeg_code_run(code);
        if (value) {
            if (k >= JPEG_BLOCK)
                return false;
            block[jpeg_zigzag[k]] = (int16_t)value;
        } else if (jpeg_code_run(code) != RUN_OF_16) {
            return code != 0;
        }
    }
    return true;
}

/* All of a block (T.81, F.2.2). */
static bool decode_sequential(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component)
{
    (void)nonzero;
    struct jpeg_bits bits = scan->bits; /* in registers */
    const bool valid = next_dc(block, scan, &bits, component) && next_ac(block, &bits, scan->ac[component]);
    scan->bits = bits;
    return valid;
}

static bool decode_dc_first(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component)
{
    (void)nonzero;
    return next_dc(block, scan, &scan->bits, component);
}

static bool decode_dc_refinement(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component)
{
    (void)nonzero;
    (void)component;
    jpeg_bits_fill(&scan->bits);
    *block = (int16_t)(*block | (int)jpeg_take_bits(&scan->bits, 1) << scan->low_bit);
    return true;
}

/* How many blocks, this one among them, have nothing more in the band: 2^run, and as many more as `run` bits say. */
static inline int end_of_band(struct jpeg_bits *bits, uint32_t code)
{
    const int run = jpeg_code_run(code);
    return (1 << run) + (int)jpeg_take_bits(bits, run);
}

static inline bool next_band(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, struct jpeg_bits *bits,
                             const struct jpeg_huffman *table)
{
    for (int k = scan->first; k <= scan->last; k++) {
        const uint32_t code = jpeg_next_code(bits, table);
        const int value = jpeg_value_of(bits, code) * (1 << scan->low_bit), run = jpeg_code_run(code);
        if (value == 0 && run != RUN_OF_16) {
            scan->blocks_without = end_of_band(bits, code) - 1;
            return code != 0;
        }
        k += run;
        if (value && (k > scan->last || !fits_16_bits(value)))
            return false;
        if (value) {
            block[jpeg_zigzag[k]] = (int16_t)value;
            *nonzero |= UINT64_C(1) << k;
        }
    }
    return true;
}

/* A band of coefficients down to a bit (T.81, G.1.2.2). */
static bool decode_ac_first(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component)
{
    if (scan->blocks_without > 0) {
        scan->blocks_without--;
        return true;
    }
    struct jpeg_bits bits = scan->bits;
    const bool valid = next_band(block, nonzero, scan, &bits, scan->ac[component]);
    scan->bits = bits;
    return valid;
}

static inline void refine_coefficient(int16_t *value, const struct jpeg_scan *scan, struct jpeg_bits *bits)
{
    jpeg_bits_fill(bits);
    const int bit = (int)jpeg_take_bits(bits, 1) << scan->low_bit;
    if (!(*value & 1 << scan->low_bit)) /* as libjpeg: a bit that is set stays */
        *value = (int16_t)(*value + (*value > 0 ? bit : -bit));
}

/* One more bit of the coefficients of the band from `k` on that are not 0, until `zeros` that are have been passed;
 * the index of the one behind those. */
static inline int refine(int16_t *block, uint64_t nonzero, const struct jpeg_scan *scan, struct jpeg_bits *bits, int k,
                         int zeros)
{
    nonzero &= (UINT64_C(2) << scan->last) - 1;
    while (k <= scan->last) {
        const uint64_t rest = nonzero >> k << k;
        const int next = rest ? __builtin_ctzll(rest) : scan->last + 1;
        if (next - k > zeros)
            return k + zeros;
        zeros -= next - k;
        if (rest)
            refine_coefficient(&block[jpeg_zigzag[next]], scan, bits);
        k = next + 1;
    }
    return k;
}

static inline bool next_refinement(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, struct jpeg_bits *bits,
                                   const struct jpeg_huffman *table)
{
    const uint64_t before = *nonzero;
    int k = scan->first;
    while (scan->blocks_without == 0 && k <= scan->last) {
        const uint32_t code = jpeg_next_code(bits, table);
        const int value = jpeg_value_of(bits, code), run = jpeg_code_run(code);
        if (!code || value > 1 || value < -1)
            return false;
        if (value == 0 && run != RUN_OF_16) {
            scan->blocks_without = end_of_band(bits, code);
            break;
        }
        k = refine(block, before, scan, bits, k, run);
        if (value && k > scan->last)
            return false;
        if (value) {
            block[jpeg_zigzag[k]] = (int16_t)(value * (1 << scan->low_bit));
            *nonzero |= UINT64_C(1) << k;
        }
        k++;
    }
    if (scan->blocks_without > 0) {
        (void)refine(block, before, scan, bits, k, JPEG_BLOCK);
        scan->blocks_without--;
    }
    return true;
}

/* A band's next bit, and the coefficients whose first one it is (T.81, G.1.2.3). */
static bool decode_ac_refinement(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component)
{
    struct jpeg_bits bits = scan->bits;
    const bool valid = next_refinement(block, nonzero, scan, &bits, scan->ac[component]);
    scan->bits = bits;
    return valid;
}

static void restart(struct jpeg_scan *scan, const uint8_t *data, const uint8_t *end)
{
    jpeg_bits_open(&scan->bits, data, end);
    scan->until_restart = scan->restart_interval;
    scan->blocks_without = 0;
    for (int i = 0; i < JPEG_COMPONENTS; i++)
        scan->dc_value[i] = 0;
}

void jpeg_scan_open(struct jpeg_scan *scan, const uint8_t *data, const uint8_t *end)
{
    const struct jpeg_frame *frame = scan->frame;
    const bool interleaved = scan->count > 1 || frame->count == 1;
    scan->mcu_columns = interleaved ? frame->mcu_columns : (scan->components[0]->width + 7) / 8;
    scan->mcu_rows = interleaved ? frame->mcu_rows : (scan->components[0]->height + 7) / 8;
    if (!frame->progressive)
        scan->decode_block = decode_sequential;
    else if (scan->first == 0)
        scan->decode_block = scan->high_bit ? decode_dc_refinement : decode_dc_first;
    else
        scan->decode_block = scan->high_bit ? decode_ac_refinement : decode_ac_first;
    scan->next_restart = 0;
    restart(scan, data, end);
}

/* Which damage it is if MCUs are missing where the data ends: of the file's end, or of its middle. */
static enum status missing(const struct jpeg_bits *bits)
{
    const uint8_t *at = bits->at;
    while (at < bits->end && *at == 0xff)
        at++;
    return at == bits->end || *at == MARKER_END ? STATUS_IMAGE_TRUNCATED : STATUS_IMAGE_CORRUPT;
}

/* On to the restart marker that is due. Scanners write zeros before it, which no MCU needs. */
static enum status find_restart(struct jpeg_scan *scan)
{
    const uint8_t *at = scan->bits.at, *end = scan->bits.end;
    if (jpeg_bits_missing(&scan->bits))
        return missing(&scan->bits);
    while (at < end && (at[0] != 0xff || at + 1 == end || at[1] == 0xff || at[1] == 0))
        at++;
    if (at == end || at[1] != MARKER_RESTART + scan->next_restart) {
        scan->bits.at = at;
        return missing(&scan->bits);
    }
    scan->next_restart = (scan->next_restart + 1) % 8;
    restart(scan, at + 2, end);
    return STATUS_OK;
}

/* A block goes among the coefficients, or through the transform at once. */
static inline bool next_block(struct jpeg_scan *scan, int i, int row, int column)
{
    const struct jpeg_component *component = scan->components[i];
    if (component->coefficients) {
        const size_t index = jpeg_block_index(component, row, column);
        return scan->decode_block(component->coefficients + index * JPEG_BLOCK, component->nonzero + index, scan, i);
    }
    int16_t block[JPEG_BLOCK] = {0};
    if (!scan->decode_block(block, NULL, scan, i))
        return false;
    jpeg_idct(jpeg_samples(component, row, column), component->stride, block, component->quantization);
    return true;
}

/* T.81, A.2: a component alone in its scan, of several, comes block by block, in rows of its own. */
static inline bool next_mcu(struct jpeg_scan *scan, int row, int column)
{
    if (scan->count == 1)
        return next_block(scan, 0, row, column);
    for (int i = 0; i < scan->count; i++) {
        const int h = scan->components[i]->h, v = scan->components[i]->v;
        for (int y = 0; y < v; y++)
            for (int x = 0; x < h; x++)
                if (!next_block(scan, i, row * v + y, column * h + x))
                    return false;
    }
    return true;
}

enum status jpeg_scan_row(struct jpeg_scan *scan, int row)
{
    for (int column = 0; column < scan->mcu_columns; column++) {
        if (scan->restart_interval && scan->until_restart-- == 0) {
            const enum status status = find_restart(scan);
            if (status)
                return status;
            scan->until_restart--;
        }
        if (!next_mcu(scan, row, column))
            return jpeg_bits_missing(&scan->bits) ? missing(&scan->bits) : STATUS_IMAGE_CORRUPT;
    }
    return jpeg_bits_missing(&scan->bits) ? missing(&scan->bits) : STATUS_OK;
}
