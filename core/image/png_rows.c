/* Rows are unpacked, freed of their filters and widened to RGBA one at a time. */
#include "image/png_rows.h"

#include "base/bytes.h"
#include "image/inflate.h"

#include <string.h>

enum { MARGIN = 8 /* the widest pixel; zeros stand left of the first */ };

struct decoder {
    const struct png *png;
    size_t chunk; /* where the next piece of the data is looked for */
    const uint8_t *bytes;
    size_t count; /* unpacked and not yet taken, from bytes on */
    uint32_t adler_low, adler_high;
    uint8_t colours[256][4]; /* of the values of a pixel of one channel and 8 bits or fewer */
    uint8_t key[6];          /* the pixel that is transparent */
    bool keyed;
    uint8_t *row, *above; /* behind their margins */
    uint8_t *wide;        /* RGBA of a row of a pass */
    uint8_t *rgba;        /* all of an interlaced picture */
    struct inflate inflate;
};

static size_t row_size(const struct png *png) { return (MARGIN + png_row_bytes(png, png->width) + 15) / 16 * 16; }

size_t png_workspace(const struct png *png)
{
    const size_t rows = 1 + (png->interlaced ? (size_t)png->height : 0);
    return (sizeof(struct decoder) + 15) / 16 * 16 + 2 * row_size(png) + rows * (size_t)png->width * 4;
}

static const uint8_t *next_data(void *context, size_t *size)
{
    struct decoder *decoder = context;
    struct png_chunk chunk;
    if (!png_chunk_at(&chunk, decoder->png, decoder->chunk) || memcmp(chunk.type, "IDAT", 4) != 0)
        return NULL;
    decoder->chunk = chunk.next;
    *size = chunk.size;
    return chunk.data;
}

/* The checksum of zlib; it overflows no earlier than after 5,552 bytes. */
static void add_to_adler(struct decoder *decoder, const uint8_t *bytes, size_t size)
{
    enum { MODULUS = 65521, BYTES = 5552 };
    while (size) {
        const size_t count = size < BYTES ? size : BYTES;
        for (size_t i = 0; i < count; i++) {
            decoder->adler_low += bytes[i];
            decoder->adler_high += decoder->adler_low;
        }
        decoder->adler_low %= MODULUS;
        decoder->adler_high %= MODULUS;
        bytes += count;
        size -= count;
    }
}

static bool unpack_more(struct decoder *decoder)
{
    decoder->bytes = inflate_next(&decoder->inflate, &decoder->count);
    if (decoder->bytes)
        add_to_adler(decoder, decoder->bytes, decoder->count);
    return decoder->bytes;
}

static bool take_bytes(struct decoder *decoder, uint8_t *out, size_t size)
{
    while (size) {
        if (!decoder->count && !unpack_more(decoder))
            return false;
        const size_t count = decoder->count < size ? decoder->count : size;
        memcpy(out, decoder->bytes, count);
        decoder->bytes += count;
        decoder->count -= count;
        out += count;
        size -= count;
    }
    return true;
}

static enum status read_zlib_header(struct decoder *decoder)
{
    enum { DEFLATE = 8, MAX_WINDOW = 7, DICTIONARY = 0x20 };
    uint8_t header[2];
    if (!inflate_bytes(&decoder->inflate, header, 2))
        return STATUS_IMAGE_TRUNCATED;
    const bool good = (header[0] & 15) == DEFLATE && header[0] >> 4 <= MAX_WINDOW && !(header[1] & DICTIONARY) &&
                      bytes_get2_big(header) % 31 == 0;
    return good ? STATUS_OK : STATUS_IMAGE_CORRUPT;
}

/* What follows the rows: nothing, or the checksum; of more data than the rows need it cannot be the rows'. */
static enum status check_end(struct decoder *decoder)
{
    const enum status unchecked = decoder->png->checked ? STATUS_OK : STATUS_IMAGE_TRUNCATED;
    if (decoder->count || unpack_more(decoder))
        return unchecked;
    uint8_t adler[4];
    if (decoder->inflate.state == INFLATE_DAMAGED)
        return STATUS_IMAGE_CORRUPT;
    if (decoder->inflate.state != INFLATE_DONE || !inflate_bytes(&decoder->inflate, adler, 4))
        return unchecked;
    const uint32_t sum = decoder->adler_high << 16 | decoder->adler_low;
    return bytes_get4_big(adler) == sum ? STATUS_OK : STATUS_IMAGE_CORRUPT;
}

/* Colours of all values, for pixels that are an index or a grey of up to 8 bits. */
static void make_colours(struct decoder *decoder)
{
    const struct png *png = decoder->png;
    const bool indexed = png->colour_type == PNG_PALETTE;
    const unsigned max = (1u << png->depth) - 1;
    const unsigned key = decoder->keyed ? bytes_get2_big(png->transparency) & max : max + 1;
    for (unsigned i = 0; i <= max; i++) {
        uint8_t *colour = decoder->colours[i];
        colour[3] = 255;
        for (unsigned c = 0; c < 3; c++)
            colour[c] = (uint8_t)(!indexed                        ? i * (255 / max)
                                  : i * 3 + c < png->palette_size ? png->palette[i * 3 + c]
                                                                  : 0);
        if (indexed ? i < png->transparency_size && i * 3 < png->palette_size : i == key)
            colour[3] = indexed ? png->transparency[i] : 0;
    }
}

/* The one transparent pixel of a picture without palette; STATUS_IMAGE_CORRUPT if tRNS is too short for it. */
static enum status read_transparency(struct decoder *decoder)
{
    const struct png *png = decoder->png;
    const int channels = png_channels(png), bytes = png->depth == 16 ? 2 : 1;
    decoder->keyed = png->transparency && (png->colour_type == PNG_GREY || png->colour_type == PNG_RGB);
    if (!decoder->keyed)
        return STATUS_OK;
    if (png->transparency_size < (size_t)channels * 2)
        return STATUS_IMAGE_CORRUPT;
    for (int i = 0; i < channels; i++)
        memcpy(decoder->key + i * bytes, png->transparency + i * 2 + 2 - bytes, (size_t)bytes);
    return STATUS_OK;
}

static inline int distance_of(int a, int b) { return a < b ? b - a : a - b; }

/* Of the three the nearest to left + above - corner, and of equally near ones the first; without a branch. */
static inline uint8_t paeth(int left, int above, int corner)
{
    const int from_left = distance_of(above, corner), from_above = distance_of(left, corner),
              from_corner = distance_of(left + above, 2 * corner);
    const bool is_above = from_above < from_left;
    const int nearer = is_above ? above : left, distance = is_above ? from_above : from_left;
    return (uint8_t)(from_corner < distance ? corner : nearer);
}

/* What is left and above stays in registers where the size of a pixel is a constant. */
static inline void remove_paeth(uint8_t *row, const uint8_t *above, size_t size, size_t pixel)
{
    uint8_t left[MARGIN] = {0}, corner[MARGIN] = {0};
    for (size_t i = 0; i + pixel <= size; i += pixel)
        for (size_t c = 0; c < pixel; c++) {
            row[i + c] = left[c] = (uint8_t)(row[i + c] + paeth(left[c], above[i + c], corner[c]));
            corner[c] = above[i + c];
        }
}

/* False for a filter that there is not. pixel: its bytes, at least one. */
static bool remove_filter(uint8_t *row, const uint8_t *above, size_t size, size_t pixel, int filter)
{
    enum { NONE, LEFT, ABOVE, MEAN, PAETH };
    const uint8_t *left = row - pixel;
    switch (filter) {
    case NONE: return true;
    case LEFT:
        for (size_t i = 0; i < size; i++)
            row[i] = (uint8_t)(row[i] + left[i]);
        return true;
    case ABOVE:
        for (size_t i = 0; i < size; i++)
            row[i] = (uint8_t)(row[i] + above[i]);
        return true;
    case MEAN:
        for (size_t i = 0; i < size; i++)
            row[i] = (uint8_t)(row[i] + (left[i] + above[i]) / 2);
        return true;
    case PAETH:
        if (pixel == 3)
            remove_paeth(row, above, size, 3);
        else if (pixel == 4)
            remove_paeth(row, above, size, 4);
        else
            remove_paeth(row, above, size, pixel);
        return true;
    }
    return false;
}

/* Of samples of 16 bits, the upper byte. */
static void widen(uint8_t *out, const struct decoder *decoder, int width)
{
    const struct png *png = decoder->png;
    const uint8_t *row = decoder->row;
    const int channels = png_channels(png), bytes = png->depth == 16 ? 2 : 1, pixel = channels * bytes;
    if (channels == 1 && bytes == 1) {
        const int in_byte = 8 / png->depth, max = (1 << png->depth) - 1;
        for (int x = 0; x < width; x++, out += 4) {
            const int shift = (in_byte - 1 - x % in_byte) * png->depth;
            memcpy(out, decoder->colours[row[x / in_byte] >> shift & max], 4);
        }
        return;
    }
    const bool grey = channels < 3;
    for (int x = 0; x < width; x++, out += 4, row += pixel) {
        for (int c = 0; c < 3; c++)
            out[c] = row[grey ? 0 : c * bytes];
        out[3] = channels % 2 == 0 ? row[(channels - 1) * bytes] : 255;
        if (decoder->keyed && memcmp(row, decoder->key, (size_t)pixel) == 0)
            out[3] = 0;
    }
}

/* Row y of a pass, to where its pixels belong. */
static void put_pixels(struct decoder *decoder, struct png_pass pass, int y)
{
    uint8_t *out = decoder->rgba + (size_t)(pass.top + y * pass.down) * (size_t)decoder->png->width * 4;
    for (int x = 0; x < pass.width; x++)
        memcpy(out + (pass.left + x * pass.right) * 4, decoder->wide + x * 4, 4);
}

static enum status decode_pass(const struct picture_rows *taker, struct decoder *decoder, struct png_pass pass)
{
    const struct png *png = decoder->png;
    const size_t size = png_row_bytes(png, pass.width), pixel = (size_t)(png_channels(png) * png->depth + 7) / 8;
    memset(decoder->above, 0, size);
    for (int y = 0; y < pass.height; y++) {
        uint8_t filter;
        if (!take_bytes(decoder, &filter, 1) || !take_bytes(decoder, decoder->row, size))
            return decoder->inflate.state == INFLATE_DAMAGED ? STATUS_IMAGE_CORRUPT : STATUS_IMAGE_TRUNCATED;
        if (!remove_filter(decoder->row, decoder->above, size, pixel, filter))
            return STATUS_IMAGE_CORRUPT;
        widen(decoder->wide, decoder, pass.width);
        if (png->interlaced)
            put_pixels(decoder, pass, y);
        else
            taker->row(taker->context, y, decoder->wide);
        uint8_t *row = decoder->row;
        decoder->row = decoder->above;
        decoder->above = row;
    }
    return STATUS_OK;
}

enum status png_decode(const struct picture_rows *taker, const struct png *png, void *workspace)
{
    struct decoder *decoder = workspace;
    uint8_t *rows = (uint8_t *)workspace + (sizeof *decoder + 15) / 16 * 16;
    decoder->png = png;
    decoder->chunk = png->data;
    decoder->count = 0;
    decoder->adler_low = 1;
    decoder->adler_high = 0;
    memset(rows, 0, 2 * row_size(png));
    decoder->row = rows + MARGIN;
    decoder->above = decoder->row + row_size(png);
    decoder->wide = rows + 2 * row_size(png);
    decoder->rgba = decoder->wide + (size_t)png->width * 4;
    inflate_start(&decoder->inflate, next_data, decoder);
    enum status status = read_zlib_header(decoder);
    if (!status)
        status = read_transparency(decoder);
    if (!status && png->depth <= 8 && png_channels(png) == 1)
        make_colours(decoder);
    for (int i = 0; !status && i < png_passes(png); i++) {
        const struct png_pass pass = png_pass_of(png, i);
        if (pass.width > 0)
            status = decode_pass(taker, decoder, pass);
    }
    for (int y = 0; !status && png->interlaced && y < png->height; y++)
        taker->row(taker->context, y, decoder->rgba + (size_t)y * (size_t)png->width * 4);
    return status ? status : check_end(decoder);
}
