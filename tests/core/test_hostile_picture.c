/* Pictures that are cut, damaged or made by an enemy. stb_image's known faults end in a trap, so damaged pictures
 * are decoded in a child process; WebAssembly has none, and skips these tests. */
#if !defined(__wasm__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* fork, mmap */
#endif

#include "image/decode.h"

#include "support/golden_pictures.h"
#include "base/bounds.h"
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

/* A bit stream as deflate wants it, lowest bit first. */
struct bits {
    uint8_t *bytes;
    size_t count; /* of bits */
};

static void put_bits(struct bits *bits, unsigned value, int count)
{
    for (int i = 0; i < count; i++, bits->count++)
        bits->bytes[bits->count / 8] |= (uint8_t)((value >> i & 1) << bits->count % 8);
}

static uint8_t *put_chunk(uint8_t *p, const char *kind, size_t size)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(size >> (24 - 8 * i));
    memcpy(p + 4, kind, 4);
    return p + 8 + size + 4; /* stb_image does not look at the checksum */
}

/* One pixel whose compressed data unpacks to 258 bytes for every 13 bits: memory stays within its limit. */
TEST(decompression_bomb)
{
    const size_t repeats = ((size_t)LIMIT_IMAGE_PIXELS * 8 + (8 << 20)) / 258, data = repeats * 13 / 8 + 16;
    const size_t size = 8 + 25 + 12 + data + 12;
    uint8_t *png = test_bytes(size), *p = png + 33;
    memset(png, 0, size);
    memcpy(png, png_rgba, 33);
    memcpy(png + 16, (uint8_t[]){0, 0, 0, 1, 0, 0, 0, 1}, 8);
    memcpy(p + 8, "\x78\x01", 2);
    struct bits bits = {p + 10, 0};
    put_bits(&bits, 1, 1);    /* the last block */
    put_bits(&bits, 1, 2);    /* with the fixed code */
    put_bits(&bits, 0x0c, 8); /* literal 0 */
    for (size_t i = 0; i < repeats; i++)
        put_bits(&bits, 0xa3, 13); /* length 258, distance 1 */
    p = put_chunk(p, "IDAT", data);
    put_chunk(p, "IEND", 0);
    struct picture picture = {0};
    CHECK_EQUAL(decode_picture(&picture, png, size), STATUS_IMAGE_CORRUPT);
    free(picture.rgba);
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
    CHECK_EQUAL(shared->refused + shared->decoded + trapped, count);
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

/* PNG chunks keep their checksums unchecked by stb_image, so damage reaches the decompressor. */
static uint8_t *damaged(size_t *size, int number)
{
    struct random random = random_seed(52, (uint64_t)number);
    const int picture = number % PICTURES;
    *size = pictures[picture].size;
    uint8_t *bytes = copy_of(pictures[picture].bytes, *size);
    for (int k = test_between(&random, 1, 5); k > 0; k--)
        bytes[random_below(&random, (uint32_t)*size)] = (uint8_t)random_below(&random, 256);
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
    ENTRY(headers_of_damaged_files),
    ENTRY(decompression_bomb),
    ENTRY(files_cut_anywhere),
    ENTRY(files_damaged_anywhere),
};
const struct suite hostile_picture_suite = SUITE("hostile_picture", tests);
