#include "fuzz/picture_parts.h"

#include "base/bytes.h"
#include "base/random.h"

#include <string.h>

enum { MAX_PARTS = 40, PART_ROOM = 1 << 13 };

/* A chunk of a PNG, with its four letters, or a segment of a JPEG, with its marker: what stands behind the length. In a
 * JPEG, a part without a marker is the data of a scan. */
struct part {
    uint8_t kind[4], bytes[PART_ROOM];
    size_t size;
};

static struct parts {
    struct part part[MAX_PARTS];
    int count;
} parts;

static bool chance(struct random *random, uint32_t one_in) { return random_below(random, one_in) == 0; }

/* What libFuzzer wrote, which MemorySanitizer has not seen. */
static void mark_as_set(uint8_t *data, size_t size)
{
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    void __msan_unpoison(const volatile void *address, size_t size);
    __msan_unpoison(data, size);
#endif
#endif
    (void)data;
    (void)size;
}

static size_t mutate(uint8_t *data, size_t size, size_t max_size)
{
    const size_t changed = LLVMFuzzerMutate(data, size, max_size);
    mark_as_set(data, changed);
    return changed;
}

static struct part *add_part(const uint8_t *kind, int kind_bytes, const uint8_t *bytes, size_t size)
{
    struct part *part = &parts.part[parts.count];
    if (parts.count == MAX_PARTS)
        return NULL;
    parts.count++;
    memset(part->kind, 0, sizeof part->kind);
    memcpy(part->kind, kind, (size_t)kind_bytes);
    part->size = size < PART_ROOM ? size : PART_ROOM;
    memcpy(part->bytes, bytes, part->size);
    return part;
}

static bool put(struct fuzz_part *file, uint8_t *out, size_t max_size, const uint8_t *bytes, size_t size)
{
    if (size > max_size - file->size)
        return false;
    memcpy(out + file->size, bytes, size);
    file->size += size;
    return true;
}

/* What both have in common: parts come and go, and their bytes change. */
static void damage_parts(struct random *random, const char *const kinds[], int kind_count)
{
    if (!parts.count)
        return;
    const int at = (int)random_below(random, (uint32_t)parts.count),
              other = (int)random_below(random, (uint32_t)parts.count);
    struct part *part = &parts.part[at], kept;
    switch (random_below(random, 8)) {
    case 0:
        if (parts.count > 1)
            memmove(part, part + 1, (size_t)(--parts.count - at) * sizeof *part);
        break;
    case 1:
        if (parts.count < MAX_PARTS) {
            kept = *part;
            memmove(&parts.part[other + 1], &parts.part[other], (size_t)(parts.count++ - other) * sizeof *part);
            parts.part[other] = kept;
        }
        break;
    case 2:
        kept = *part;
        *part = parts.part[other];
        parts.part[other] = kept;
        break;
    case 3: {
        const char *kind = kinds[random_below(random, (uint32_t)kind_count)];
        memset(part->kind, 0, sizeof part->kind);
        memcpy(part->kind, kind, strlen(kind));
        break;
    }
    case 4:
        if (part->size)
            part->bytes[random_below(random, (uint32_t)part->size)] = (uint8_t)random_next(random);
        break;
    default: part->size = mutate(part->bytes, part->size, PART_ROOM); break;
    }
}

/* ---- PNG ---- */

static const uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
static const char *const png_kinds[] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND", "eXIf", "CgBI", "gAMA", "zzZz"};

static void take_png(const uint8_t *data, size_t size)
{
    size_t at = sizeof png_magic;
    parts.count = 0;
    while (at + 12 <= size) {
        const size_t length = bytes_get4_big(data + at), there = size - at - 12;
        add_part(data + at + 4, 4, data + at + 8, length < there ? length : there);
        if (length > there)
            return;
        at += length + 12;
    }
}

static uint32_t adler(const uint8_t *bytes, size_t size)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* Bytes of the rows of a picture, a filter before each; 0 if that is too many. */
static size_t png_rows(const struct part *header)
{
    static const uint8_t samples[] = {1, 0, 3, 1, 2, 0, 4};
    static const uint8_t passes[][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                        {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}; /* left, top, right, down */
    static const uint8_t plain[4] = {0, 0, 1, 1};
    if (header->size < 13 || header->bytes[9] > 6)
        return 0;
    const uint64_t w = bytes_get4_big(header->bytes), h = bytes_get4_big(header->bytes + 4),
                   bits = (uint64_t)header->bytes[8] * samples[header->bytes[9]];
    uint64_t bytes = 0;
    if (w > 1 << 12 || h > 1 << 12)
        return 0;
    for (int i = 0; i < (header->bytes[12] ? 7 : 1); i++) {
        const uint8_t *pass = header->bytes[12] ? passes[i] : plain;
        const uint64_t columns = w > pass[0] ? (w - pass[0] + pass[2] - 1u) / pass[2] : 0,
                       rows = h > pass[1] ? (h - pass[1] + pass[3] - 1u) / pass[3] : 0;
        bytes += columns ? rows * (1 + (columns * bits + 7) / 8) : 0;
    }
    return bytes < PART_ROOM / 2 ? (size_t)bytes : 0;
}

/* An IDAT with rows of these sizes, stored without compression, of any bytes. */
static void store_rows(struct random *random)
{
    struct part *rows = NULL, *header = NULL;
    for (int i = 0; i < parts.count; i++)
        if (memcmp(parts.part[i].kind, "IDAT", 4) == 0)
            rows = rows ? rows : &parts.part[i];
        else if (memcmp(parts.part[i].kind, "IHDR", 4) == 0)
            header = header ? header : &parts.part[i];
    const size_t size = header ? png_rows(header) : 0;
    if (!rows || !size)
        return;
    rows->size = 0;
    uint8_t *p = rows->bytes + 7;
    for (size_t k = 0; k < size; k++)
        p[k] = (uint8_t)(chance(random, 3) ? random_below(random, 5) : random_next(random));
    memcpy(rows->bytes, (const uint8_t[]){0x78, 1, 1}, 3);
    bytes_put2(rows->bytes + 3, (int)size);
    bytes_put2(rows->bytes + 5, (int)~size & 0xffff);
    bytes_put4_big(p + size, adler(p, size));
    rows->size = size + 11;
}

static void damage_header(struct random *random)
{
    struct part *header = &parts.part[0];
    if (!parts.count || header->size < 13)
        return;
    switch (random_below(random, 6)) {
    case 0: bytes_put4_big(header->bytes, random_below(random, 40)); break;
    case 1: bytes_put4_big(header->bytes + 4, random_below(random, 40)); break;
    case 2: header->bytes[8] = (uint8_t)(1 << random_below(random, 6)); break;
    case 3: header->bytes[9] = (uint8_t)random_below(random, 7); break;
    case 4: header->bytes[12] ^= 1; break;
    default: bytes_put4_big(header->bytes + 4 * random_below(random, 2), (uint32_t)random_next(random)); break;
    }
}

static size_t put_png(struct random *random, uint8_t *out, size_t max_size)
{
    struct fuzz_part file = {out, 0};
    bool room = put(&file, out, max_size, png_magic, sizeof png_magic);
    for (int i = 0; i < parts.count && room; i++) {
        const struct part *part = &parts.part[i];
        uint8_t number[4];
        bytes_put4_big(number, chance(random, 64) ? (uint32_t)random_next(random) : (uint32_t)part->size);
        const size_t start = file.size + 4;
        room = put(&file, out, max_size, number, 4) && put(&file, out, max_size, part->kind, 4) &&
               put(&file, out, max_size, part->bytes, part->size);
        if (room)
            bytes_put4_big(number, bytes_crc32(out + start, file.size - start) ^ chance(random, 64));
        room = room && put(&file, out, max_size, number, 4);
    }
    return room ? file.size : 0;
}

/* ---- JPEG ---- */

static const char *const jpeg_kinds[] = {"\xc0", "\xc1", "\xc2", "\xc4", "\xdb", "\xda", "\xdd",
                                         "\xd9", "\xe1", "\xee", "\xc9", "\xd0", "\xfe"};

/* Markers that have no length. */
static bool stands_alone(uint8_t marker) { return marker == 1 || (marker >= 0xd0 && marker <= 0xd9); }

static void take_jpeg(const uint8_t *data, size_t size)
{
    size_t at = 2;
    parts.count = 0;
    while (at + 2 <= size) {
        const uint8_t marker = data[at] == 0xff ? data[at + 1] : 0;
        if (marker == 0 || marker == 0xff) { /* data of a scan */
            size_t end = at + 1;
            while (end + 1 < size && !(data[end] == 0xff && data[end + 1]))
                end++;
            end = end + 1 < size ? end : size;
            add_part((const uint8_t[]){0}, 1, data + at, end - at);
            at = end;
            continue;
        }
        const size_t length = stands_alone(marker) || at + 4 > size ? 0 : bytes_get2_big(data + at + 2);
        const size_t there = size - at - 2, taken = length < there ? length : there;
        add_part(&marker, 1, data + at + 4 - (taken < 2 ? 2 : 0), taken < 2 ? 0 : taken - 2);
        at += 2 + taken;
    }
}

static size_t put_jpeg(struct random *random, uint8_t *out, size_t max_size)
{
    struct fuzz_part file = {out, 0};
    bool room = put(&file, out, max_size, (const uint8_t[]){0xff, 0xd8}, 2);
    for (int i = 0; i < parts.count && room; i++) {
        const struct part *part = &parts.part[i];
        const uint8_t marker = part->kind[0];
        const size_t length = part->size + 2 + (chance(random, 64) ? random_below(random, 5) : 0);
        const uint8_t begin[4] = {0xff, marker, (uint8_t)(length >> 8), (uint8_t)length};
        room = (!marker || put(&file, out, max_size, begin, stands_alone(marker) ? 2 : 4)) &&
               (stands_alone(marker) || put(&file, out, max_size, part->bytes, part->size));
    }
    return room ? file.size : 0;
}

/* ---- BMP ---- */

static void damage_bmp(struct random *random, uint8_t *data, size_t size)
{
    static const uint8_t fields[] = {10, 14, 18, 22, 26, 28, 30, 34, 46, 50, 54, 58, 62, 66};
    static const uint32_t values[] = {0,  1,  2,  3,   4,   8,          16,         24,
                                      32, 40, 54, 108, 124, 0x7fffffff, 0xffffffff, 0x80000000};
    const size_t at = fields[random_below(random, sizeof fields)];
    const uint32_t value = values[random_below(random, sizeof values / sizeof *values)];
    if (at + 4 > size)
        return;
    if (at == 26 || at == 28)
        bytes_put2(data + at, (int)(value & 0xffff));
    else
        bytes_put4(data + at, value);
}

size_t picture_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    mark_as_set(data, max_size);
    struct random random = random_seed(seed, 0);
    const bool png = size > sizeof png_magic && memcmp(data, png_magic, sizeof png_magic) == 0,
               jpeg = size > 4 && data[0] == 0xff && data[1] == 0xd8;
    size_t made = 0;
    if (size > 30 && data[0] == 'B' && data[1] == 'M' && chance(&random, 2)) {
        damage_bmp(&random, data, size);
        return size;
    }
    if (png && !chance(&random, 12)) {
        take_png(data, size);
        do {
            if (chance(&random, 3))
                damage_header(&random);
            else
                damage_parts(&random, png_kinds, sizeof png_kinds / sizeof *png_kinds);
            if (chance(&random, 3))
                store_rows(&random);
        } while (chance(&random, 2));
        made = put_png(&random, data, max_size);
    } else if (jpeg && !chance(&random, 12)) {
        take_jpeg(data, size);
        do
            damage_parts(&random, jpeg_kinds, sizeof jpeg_kinds / sizeof *jpeg_kinds);
        while (chance(&random, 2));
        made = put_jpeg(&random, data, max_size);
    }
    return made ? made : mutate(data, size < max_size ? size : max_size, max_size);
}
