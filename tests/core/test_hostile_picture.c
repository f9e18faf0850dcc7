/* Pictures that are cut, damaged or made by an enemy. They are decoded in a child process, so that a crash is one case
 * of many; WebAssembly has none, and skips these tests. */
#if !defined(__wasm__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* fork, mmap */
#endif

#include "image/decode.h"

#include "support/golden_pictures.h"
#include "base/bounds.h"
#include "base/bytes.h"
#include "support/made_png.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#ifndef __wasm__
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = test_bytes(size);
    memcpy(copy, bytes, size);
    return copy;
}

/* Our own walk over the headers, for every length and with random damage: it never reads past the end. */
TEST(headers_of_damaged_files)
{
    struct random random = random_seed(51, 0);
    for (int i = 0; i < PICTURES; i++)
        for (size_t length = 0; length < pictures[i].size + 2000; length++) {
            const size_t size = length < pictures[i].size ? length : pictures[i].size;
            uint8_t *damaged = copy_of(pictures[i].bytes, size);
            for (size_t k = 0; length > pictures[i].size && k < 3; k++)
                damaged[random_below(&random, (uint32_t)size)] = (uint8_t)random_below(&random, 256);
            int width = 0, height = 0;
            const enum status status = decode_size(&width, &height, damaged, size);
            CHECK(status == STATUS_OK || status_is_of_image(status));
            CHECK(status || (width > 0 && height > 0 && width <= LIMIT_IMAGE_SIDE && height <= LIMIT_IMAGE_SIDE));
            test_release();
        }
}

/* One pixel whose data unpack to 258 bytes for every 13 bits: they are not unpacked beyond the pixel. */
TEST(decompression_bomb)
{
    enum { DATA = 4 << 20 };
    uint8_t *data = test_bytes(DATA);
    memcpy(data, "\x78\x01\x63\x60\x18\x05", 6); /* zeros in the fixed code: a literal, then 258 at distance 1 */
    for (size_t bit = 2 * 8 + 3 + 8, at = 0; at < (DATA - 64) * 8 / 13; at++, bit += 13)
        for (unsigned i = 0; i < 13; i++)
            data[(bit + i) / 8] =
                (uint8_t)((data[(bit + i) / 8] & ~(1 << (bit + i) % 8)) | (0xa3 >> i & 1) << (bit + i) % 8);
    struct made_png png = {.bytes = test_bytes(DATA + 100)};
    made_png_start(&png, (struct png_kind){1, 1, 8, 0, false});
    made_png_chunk(&png, "IDAT", data, DATA);
    struct picture picture;
    CHECK_EQUAL(decode_picture(&picture, png.bytes, png.size), STATUS_OK);
    CHECK(picture.rgba && memcmp(picture.rgba, "\0\0\0\xff", 4) == 0);
    free(picture.rgba);
}

/* A BMP of runs at random: counts, moves, ends of rows, colours that its palette lacks. */
static size_t put_runs(uint8_t *bytes, struct random *random)
{
    const int bits = test_between(random, 1, 2) * 4;
    const uint8_t header[54] = {'B',
                                'M',
                                [10] = 54 + 12,
                                [14] = 40,
                                [18] = 9,
                                [22] = 7,
                                [26] = 1,
                                [28] = (uint8_t)bits,
                                [30] = bits == 8 ? 1 : 2,
                                [46] = 3};
    memcpy(bytes, header, sizeof header);
    memcpy(bytes + 54, "\1\2\3\0\4\5\6\0\7\x8\x9", 12);
    size_t size = 66;
    for (int k = test_between(random, 4, 40); k > 0; k--)
        bytes[size++] = (uint8_t)random_below(random, random_below(random, 2) ? 12 : 256);
    return size;
}

/* PNG and BMP are this project's own decoders: no picture stops them, so that these run in WebAssembly, too. */
static uint8_t *hostile(size_t *size, int number)
{
    struct random random = random_seed(53, (uint64_t)number);
    const struct png_kind kinds[] = {{9, 7, 8, 3, false}, {9, 7, 4, 3, true},  {9, 7, 16, 6, false}, {9, 7, 8, 2, true},
                                     {9, 7, 1, 0, false}, {9, 7, 16, 4, true}, {9, 7, 2, 3, false}};
    struct made_png png = made_png_file(kinds[number % 7]);
    *size = png.size;
    const bool is_bmp = number % 3 == 0;
    if (is_bmp)
        *size = put_runs(png.bytes, &random);
    for (int k = test_between(&random, 0, 4); k > 0; k--) {
        const size_t first = is_bmp ? 10 : 24, at = first + random_below(&random, (uint32_t)(*size - first));
        png.bytes[at] =
            (uint8_t)(random_below(&random, 2) ? random_below(&random, 256) : 255 * random_below(&random, 2));
    }
    if (!is_bmp)
        made_png_mend(png.bytes, *size);
    return png.bytes;
}

#ifdef __GLIBC__
#include <malloc.h>
/* What stands in memory that is taken. */
static void fill_heap(int byte) { mallopt(M_PERTURB, byte); }
#else
static void fill_heap(int byte)
{
    for (size_t size = 64; size <= 1 << 22; size *= 2) {
        void *block = malloc(size);
        if (block)
            memset(block, byte, size);
        free(block);
    }
}
#endif

/* The same bits whatever stands in memory, and on every machine: the checksum is of all statuses, sizes and pixels, as
 * they were when this was written, by any build. Nothing but the file decides. */
TEST(hostile_files_give_the_same_everywhere)
{
    uint32_t sum[2] = {0}, decoded = 0;
    for (int number = 0; number < 6000; number++)
        for (int k = 0; k < 2; k++) {
            size_t size;
            const uint8_t *bytes = hostile(&size, number);
            struct picture picture;
            fill_heap(k ? 0x5a : 0xff);
            const enum status status = decode_picture(&picture, bytes, size);
            fill_heap(0);
            uint32_t facts[5] = {sum[k], status, 0, 0, 0};
            if (!status) {
                facts[2] = (uint32_t)picture.width;
                facts[3] = (uint32_t)picture.height;
                facts[4] = bytes_crc32(picture.rgba, (size_t)picture.width * (size_t)picture.height * 4);
                decoded++;
                free(picture.rgba);
            }
            sum[k] = bytes_crc32((const uint8_t *)facts, sizeof facts);
            test_release();
        }
    CHECK_EQUAL(sum[0], sum[1]);
    CHECK_EQUAL(sum[0], 0x424f7e48);
    CHECK_EQUAL(decoded, 2 * 1546);
}

#ifndef __wasm__

/* What a child process makes of case number `first`, `first` + 1 ...; results are seen by the parent. */
struct shared {
    int at;               /* the case at hand */
    int refused, decoded; /* cases that ended with a status */
};

typedef uint8_t *make_case(size_t *size, int number);

/* Decodes cases 0 .. count-1. A child that ends by a trap ends one case; the next child goes on behind it. */
static void decode_in_children(make_case *make, int count)
{
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    if (shared == MAP_FAILED)
        return;
    *shared = (struct shared){0};
    int trapped = 0;
    while (shared->at < count) {
        const pid_t child = fork();
        if (child == 0) {
            for (; shared->at < count; shared->at++) {
                size_t size;
                const uint8_t *bytes = make(&size, shared->at);
                struct picture picture;
                if (decode_picture(&picture, bytes, size))
                    shared->refused++;
                else {
                    shared->decoded++;
                    free(picture.rgba);
                }
                test_release();
            }
            _exit(0);
        }
        int status = -1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        if (child < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
            break;
        test_context("case %d", shared->at);
        CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP));
        trapped++;
        shared->at++;
    }
    CHECK_EQUAL(trapped, 0);
    CHECK_EQUAL(shared->refused + shared->decoded, count);
    munmap(shared, sizeof *shared);
}

static uint8_t *shorter(size_t *size, int number)
{
    int picture = 0;
    for (; (size_t)number >= pictures[picture].size; picture++)
        number -= (int)pictures[picture].size;
    *size = (size_t)number;
    return copy_of(pictures[picture].bytes, *size);
}

TEST(files_cut_anywhere)
{
    size_t all = 0;
    for (int i = 0; i < PICTURES; i++)
        all += pictures[i].size;
    decode_in_children(shorter, (int)all);
}

/* Half of the PNGs get right checksums, so that the damage reaches the decompressor. */
static uint8_t *damaged(size_t *size, int number)
{
    struct random random = random_seed(52, (uint64_t)number);
    const int picture = number % PICTURES;
    *size = pictures[picture].size;
    uint8_t *bytes = copy_of(pictures[picture].bytes, *size);
    for (int k = test_between(&random, 1, 5); k > 0; k--)
        bytes[random_below(&random, (uint32_t)*size)] = (uint8_t)random_below(&random, 256);
    if (number % 2 && memcmp(bytes, "\x89PNG", 4) == 0)
        made_png_mend(bytes, *size);
    int width, height; /* a forged size of many pixels is tested elsewhere, and slow here */
    if (decode_size(&width, &height, bytes, *size) == STATUS_OK && width * height > 1 << 16)
        memset(bytes, 0, *size);
    return bytes;
}

TEST(files_damaged_anywhere) { decode_in_children(damaged, 5000); }

#else

TEST(files_cut_anywhere)
{
    test_skip("a trap would end this WebAssembly instance; the native tests do this in a child process");
}

TEST(files_damaged_anywhere)
{
    test_skip("a trap would end this WebAssembly instance; the native tests do this in a child process");
}

#endif

static const struct test tests[] = {
    ENTRY(headers_of_damaged_files), ENTRY(decompression_bomb),     ENTRY(hostile_files_give_the_same_everywhere),
    ENTRY(files_cut_anywhere),       ENTRY(files_damaged_anywhere),
};
const struct suite hostile_picture_suite = SUITE("hostile_picture", tests);
