#include "data/pixel_file.h"

#include "base/bytes.h"
#include "cli/clock.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/new_file.h"
#include "cli/sha256.h"
#include "cli/text.h"
#include "data/content.h"
#include "data/sandbox.h"
#include "data/second_decoder.h"
#include "ranks/ranks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    VERSION = 1,
    HEADER = 64,
    KEY_AT = 24,
    TABLE_SUM = 56,
    HEADER_SUM = 60,
    ENTRY = 24 + PICTURE_REASON,
    PAGE = 4096,
    SETTLED = 2 /* seconds: the coarsest clock of a file system that is in use, FAT's */
};
static const uint8_t magic[8] = {0x89, 'E', 'Y', 'P', 'X', '\r', '\n', 0x1a};
static const char another_decoder[] = "another decoder";
static const char other_hint[] = "Name another file with --pixels.";

static void put8(uint8_t *p, uint64_t x)
{
    bytes_put4(p, (uint32_t)x);
    bytes_put4(p + 4, (uint32_t)(x >> 32));
}

static uint64_t get8(const uint8_t *p) { return bytes_get4(p) | (uint64_t)bytes_get4(p + 4) << 32; }

/* ---- What the images are made from ---- */

struct key {
    uint8_t digest[SHA256_BYTES];
    double newest; /* when the last change of an image was, in seconds */
};

static void add_number(struct sha256 *state, uint64_t number)
{
    uint8_t bytes[8];
    put8(bytes, number);
    sha256_add(state, bytes, sizeof bytes);
}

static void add_text(struct sha256 *state, const char *text)
{
    sha256_add(state, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void add_photo(struct key *key, struct sha256 *state, const struct photo *photo)
{
    struct stat about;
    const bool there = stat(photo->path, &about) == 0;
    add_text(state, photo->path);
    add_text(state, photo->fault);
    add_number(state, there);
    if (!there)
        return;
    const struct timespec times[] = {about.st_mtim, about.st_ctim};
    add_number(state, (uint64_t)about.st_size);
    add_number(state, (uint64_t)about.st_ino);
    for (int i = 0; i < 2; i++) {
        add_number(state, (uint64_t)times[i].tv_sec);
        add_number(state, (uint64_t)times[i].tv_nsec);
        const double changed = (double)times[i].tv_sec + 1e-9 * (double)times[i].tv_nsec;
        key->newest = i == 1 && changed > key->newest ? changed : key->newest;
    }
}

static struct key key_of(const struct photo_reading *reading)
{
    struct key key = {.newest = 0};
    struct sha256 state = sha256_begin();
    const struct preprocess *preprocess = reading->preprocess;
    add_text(&state, second_decoder_names);
    add_number(&state, (uint64_t)reading->input.h);
    add_number(&state, (uint64_t)reading->input.w);
    add_number(&state, (uint64_t)preprocess->resize_mode);
    add_number(&state, (uint64_t)preprocess->filter);
    add_number(&state, (uint64_t)preprocess->shorter_side);
    sha256_add(&state, preprocess->background, sizeof preprocess->background);
    add_number(&state, (uint64_t)reading->list->count);
    for (int i = 0; i < reading->list->count; i++)
        add_photo(&key, &state, &reading->list->photos[i]);
    sha256_end(key.digest, &state);
    return key;
}

/* ---- The file's parts ---- */

static size_t image_bytes(const struct photo_reading *reading)
{
    return (size_t)reading->input.h * (size_t)reading->input.w * 3;
}

static size_t pixels_offset(int count) { return (HEADER + (size_t)count * ENTRY + PAGE - 1) / PAGE * PAGE; }

static size_t file_bytes(const struct photo_reading *reading)
{
    return pixels_offset(reading->list->count) + (size_t)reading->list->count * image_bytes(reading);
}

/* Header and table. */
static uint8_t *front_of(const struct photo_reading *reading, const struct key *key, const struct photo_facts *facts)
{
    const size_t count = (size_t)reading->list->count;
    uint8_t *front = allocate(pixels_offset(reading->list->count), 1), *entry = front + HEADER;
    for (size_t i = 0; i < count; i++, entry += ENTRY) {
        put8(entry, facts[i].content);
        put8(entry + 8, facts[i].stored);
        bytes_put4(entry + 16, facts[i].checksum);
        bytes_put4(entry + 20, facts[i].decoder != NULL);
        memcpy(entry + 24, facts[i].reason, strnlen(facts[i].reason, PICTURE_REASON - 1));
    }
    memcpy(front, magic, sizeof magic);
    bytes_put4(front + 8, VERSION);
    bytes_put4(front + 12, (uint32_t)count);
    bytes_put4(front + 16, (uint32_t)reading->input.h);
    bytes_put4(front + 20, (uint32_t)reading->input.w);
    memcpy(front + KEY_AT, key->digest, SHA256_BYTES);
    bytes_put4(front + TABLE_SUM, bytes_crc32(front + HEADER, count * ENTRY));
    bytes_put4(front + HEADER_SUM, bytes_crc32(front, HEADER_SUM));
    return front;
}

/* Why a file cannot be used again, by its front; NULL: nothing is known. */
static const char *fault_of(const struct large_file *file, const struct photo_reading *reading, const struct key *key)
{
    static const char damaged[] = "is damaged", other[] = "is of other images, or of these before they changed";
    const uint8_t *front = file->bytes;
    const size_t count = (size_t)reading->list->count;
    if (file->size < HEADER || bytes_get4(front + HEADER_SUM) != bytes_crc32(front, HEADER_SUM))
        return damaged;
    if (bytes_get4(front + 8) != VERSION)
        return "is of another version of this program";
    if (bytes_get4(front + 12) != count || bytes_get4(front + 16) != (uint32_t)reading->input.h ||
        bytes_get4(front + 20) != (uint32_t)reading->input.w || memcmp(front + KEY_AT, key->digest, SHA256_BYTES) != 0)
        return other;
    if (file->size != file_bytes(reading) ||
        bytes_get4(front + TABLE_SUM) != bytes_crc32(front + HEADER, count * ENTRY))
        return damaged;
    return NULL;
}

static struct photo_facts *facts_of(const struct large_file *file, int count)
{
    struct photo_facts *facts = shared_memory((size_t)count, sizeof *facts);
    const uint8_t *entry = file->bytes + HEADER;
    for (int i = 0; i < count; i++, entry += ENTRY) {
        facts[i].content = get8(entry);
        facts[i].stored = get8(entry + 8);
        facts[i].checksum = bytes_get4(entry + 16);
        facts[i].decoder = bytes_get4(entry + 20) ? another_decoder : NULL;
        memcpy(facts[i].reason, entry + 24, PICTURE_REASON - 1);
    }
    return facts;
}

/* ---- Using a file again ---- */

static void say(const char *path, const char *text)
{
    fputs("pixels: ", stderr);
    print_escaped(stderr, path);
    fprintf(stderr, " %s\n", text);
}

static void draw_check(int done, int count, double elapsed)
{
    const int left = done ? (int)(elapsed * (count - done) / done) : 0;
    fprintf(stderr, "\r\033[Kchecking %s of %s decoded images  %d:%02d left", format_thousands((uint64_t)done),
            format_thousands((uint64_t)count), left / 60, left % 60);
}

/* Whether all pixels are as they were written. */
static bool check_pixels(const struct pixels *pixels, const struct photo_facts *facts)
{
    enum { AT_A_TIME = 1024, AHEAD = 64 };
    const bool live = isatty(STDERR_FILENO);
    const double start = seconds_now();
    bool good = true;
    for (int first = 0; first < pixels->count && good; first += AT_A_TIME) {
        const int left = pixels->count - first, end = first + (left < AT_A_TIME ? left : AT_A_TIME);
#pragma omp parallel for schedule(dynamic, 16) reduction(&& : good)
        for (int i = first; i < end; i++) {
            if (i + AHEAD < pixels->count)
                pixels_expect((void *)pixels, i + AHEAD);
            good =
                good && (facts[i].reason[0] || content_hash(pixels_at(pixels, i), pixels->size, 0) == facts[i].stored);
        }
        if (live)
            draw_check(end, pixels->count, seconds_now() - start);
    }
    if (live)
        fputs("\r\033[K", stderr);
    return good;
}

/* Whether one of the images that could not be read can be now; else the reasons are today's. */
static bool some_readable(struct photo_facts *facts, const struct photo_reading *reading)
{
    struct photo_list bad = {.photos = allocate((size_t)reading->list->count, sizeof *bad.photos)};
    int *indices = allocate((size_t)reading->list->count, sizeof *indices);
    bool any = false;
    for (int i = 0; i < reading->list->count; i++)
        if (facts[i].reason[0]) {
            indices[bad.count] = i;
            bad.photos[bad.count++] = reading->list->photos[i];
        }
    if (bad.count) {
        struct photo_reading again = *reading;
        struct failure failure;
        again.list = &bad;
        again.shared = false;
        struct pixels *pixels = pixels_new(bad.count, image_bytes(reading), UINT64_MAX); /* hardly one is written */
        struct photo_facts *now = photos_read(&again, pixels, &failure);
        for (int k = 0; k < bad.count; k++) {
            any |= !now[k].reason[0];
            facts[indices[k]] = now[k];
        }
        photos_facts_free(now, &bad);
        pixels_free(pixels);
    }
    free(bad.photos);
    free(indices);
    return any;
}

/* The facts of a file that can be used again; NULL: there is none, with the failure's subject set where it must not be
 * replaced. */
static struct photo_facts *use_again(struct pixels **pixels, const struct photo_reading *reading, const char *path,
                                     const struct key *key, struct failure *failure)
{
    struct large_file file;
    const char *reason;
    const int count = reading->list->count;
    *failure = (struct failure){.subject = ""};
    remove_leftovers(path);
    if (access(path, F_OK) != 0)
        return NULL;
    if (!large_file_open(&file, path, &reason)) {
        failure_set(failure, path, other_hint, "the decoded images in it cannot be read: %s", reason);
        return NULL;
    }
    if (file.size < sizeof magic || memcmp(file.bytes, magic, sizeof magic) != 0) {
        large_file_close(&file);
        failure_set(failure, path, other_hint, "this is no file of decoded images, so that it is not replaced");
        return NULL;
    }
    struct photo_facts *facts = NULL;
    const char *fault = fault_of(&file, reading, key);
    if (!fault) {
        *pixels = pixels_in_file(&file, pixels_offset(count), count, image_bytes(reading), reading->memory);
        facts = facts_of(&file, count);
        fault = !check_pixels(*pixels, facts)   ? "is damaged"
                : some_readable(facts, reading) ? "lacks images that can be read now"
                                                : NULL;
    }
    if (!fault) {
        say(path, "has these images decoded: it is used again");
        return facts;
    }
    warn(path, NULL, "%s: it is made anew", fault);
    if (facts) {
        photos_facts_free(facts, reading->list);
        pixels_free(*pixels);
    } else {
        large_file_close(&file);
    }
    return NULL;
}

/* ---- Making one ---- */

static bool is_settled(const struct key *key)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec > key->newest + (double)SETTLED;
}

/* An image that changes while the clock still shows the time of its last change cannot be told from what it was: waits
 * until that is past. */
static bool settle(const struct key *key)
{
    enum { PAUSES = 100 };
    for (int i = 0; i <= PAUSES && !is_settled(key); i++)
        usleep(SETTLED * 1000 * 1000 / PAUSES);
    return is_settled(key);
}

/* Names the file when all is in it. One whose images change meanwhile serves this run alone. */
static bool keep(struct large_file *file, const struct photo_reading *reading, const struct key *key,
                 const struct photo_facts *facts, struct failure *failure)
{
    const struct key now = key_of(reading);
    const char *reason;
    if (memcmp(now.digest, key->digest, SHA256_BYTES) != 0) {
        warn(file->path, NULL, "is not kept for other runs: images changed while they were read");
        large_file_forget(file);
        return true;
    }
    uint8_t *front = front_of(reading, key, facts);
    const bool kept = large_file_write(file, 0, front, pixels_offset(reading->list->count), &reason) &&
                      large_file_keep(file, &reason);
    free(front);
    return kept || failure_set(failure, file->path, other_hint, "the decoded images cannot be written: %s", reason);
}

static struct photo_facts *make(struct pixels **pixels, const struct photo_reading *reading, const char *path,
                                struct failure *failure)
{
    struct key key = key_of(reading);
    struct large_file file;
    const int count = reading->list->count;
    const size_t bytes = file_bytes(reading);
    const bool keeps = settle(&key);
    char *text = text_format("takes %s images of %dx%d pixels, %s MB: decoded once, for this run and the next ones",
                             format_thousands((uint64_t)count), reading->input.w, reading->input.h,
                             format_thousands((bytes + 999999) / 1000000));
    say(path, text);
    free(text);
    key = key_of(reading);
    if (!large_file_create(&file, path, bytes, failure))
        return NULL;
    *pixels = pixels_in_file(&file, pixels_offset(count), count, image_bytes(reading), reading->memory);
    struct photo_facts *facts = photos_read(reading, *pixels, failure);
    if (facts && !keeps) {
        warn(path, NULL, "is not kept for other runs: the times of some images are in the future");
        large_file_forget(&(*pixels)->file);
    } else if (facts && !keep(&(*pixels)->file, reading, &key, facts, failure)) {
        photos_facts_free(facts, reading->list);
        facts = NULL;
    }
    if (!facts)
        pixels_free(*pixels);
    return facts;
}

struct photo_facts *pixel_file_read(struct pixels **pixels, const struct photo_reading *reading, const char *path,
                                    struct failure *failure)
{
    const struct key key = key_of(reading);
    struct photo_facts *facts = use_again(pixels, reading, path, &key, failure);
    if (!facts && *failure->subject)
        return NULL;
    struct photo_reading making = *reading;
    making.shared = reading->shared && ranks_all(!facts); /* else who lacks the file makes it alone */
    return facts ? facts : make(pixels, &making, path, failure);
}

void pixel_file_remove(const char *path)
{
    struct destination to;
    const char *reason;
    uint8_t start[sizeof magic];
    if (find_destination(&to, path, &reason) && to.there && to.kind == REPLACED &&
        read_file_start(start, sizeof start, to.path, &reason) == sizeof start &&
        memcmp(start, magic, sizeof magic) == 0 && unlink(to.path) == 0)
        say(path, "is removed");
    remove_leftovers(path);
    free(to.path);
}
