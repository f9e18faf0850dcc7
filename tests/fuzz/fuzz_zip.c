/* libFuzzer target: zips as models come in them. The mutator takes an archive apart by the heads of its entries, changes
 * a name, a content or a number, and writes directory, sizes and checksums anew, most of the time. */
#include "base/bytes.h"
#include "base/random.h"
#include "exchange/package_zip.h"
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of an entry's head in the archive, of its row in the directory, and of what ends that. */
enum { MAX_ENTRIES = 24, HEAD = 30, ROW = 46, END = 22, STORED = 0 };

/* ---- Taking apart and putting together ---- */

struct entry {
    uint8_t head[HEAD]; /* as it was, without what is set anew */
    struct fuzz_part name, content;
};

struct archive {
    struct entry entries[MAX_ENTRIES];
    int count;
};

static void take_apart(struct archive *archive, const uint8_t *data, size_t size)
{
    archive->count = 0;
    for (size_t at = 0; archive->count < MAX_ENTRIES && size - at >= HEAD && bytes_get4(data + at) == 0x04034b50;) {
        struct entry *entry = &archive->entries[archive->count];
        const size_t name = bytes_get2(data + at + 26), more = bytes_get2(data + at + 28);
        const size_t content = bytes_get4(data + at + 18);
        if (name + more + content > size - at - HEAD)
            return;
        memcpy(entry->head, data + at, HEAD);
        entry->name = (struct fuzz_part){data + at + HEAD, name};
        entry->content = (struct fuzz_part){data + at + HEAD + name + more, content};
        archive->count++;
        at += HEAD + name + more + content;
    }
}

static uint8_t *put(uint8_t *out, const void *bytes, size_t size)
{
    if (size)
        memcpy(out, bytes, size);
    return out + size;
}

/* The size of the archive; 0: there is no room. */
static size_t put_together(uint8_t *out, size_t max_size, struct archive *archive)
{
    size_t size = END, at[MAX_ENTRIES];
    for (int i = 0; i < archive->count; i++)
        size += HEAD + ROW + 2 * archive->entries[i].name.size + archive->entries[i].content.size;
    if (size > max_size)
        return 0;
    uint8_t *p = out;
    for (int i = 0; i < archive->count; i++) {
        struct entry *entry = &archive->entries[i];
        bytes_put4(entry->head + 18, (uint32_t)entry->content.size);
        bytes_put2(entry->head + 26, (int)entry->name.size);
        bytes_put2(entry->head + 28, 0);
        if (bytes_get2(entry->head + 8) == STORED) {
            bytes_put4(entry->head + 14, bytes_crc32(entry->content.bytes, entry->content.size));
            bytes_put4(entry->head + 22, (uint32_t)entry->content.size);
        }
        at[i] = (size_t)(p - out);
        p = put(p, entry->head, HEAD);
        p = put(p, entry->name.bytes, entry->name.size);
        p = put(p, entry->content.bytes, entry->content.size);
    }
    const size_t directory = (size_t)(p - out);
    for (int i = 0; i < archive->count; i++) {
        const struct entry *entry = &archive->entries[i];
        uint8_t row[ROW] = "PK\1\2\x14";
        memcpy(row + 6, entry->head + 4, 26);
        bytes_put4(row + 42, (uint32_t)at[i]);
        p = put(p, row, ROW);
        p = put(p, entry->name.bytes, entry->name.size);
    }
    uint8_t end[END] = "PK\5\6";
    bytes_put2(end + 8, archive->count);
    bytes_put2(end + 10, archive->count);
    bytes_put4(end + 12, (uint32_t)((size_t)(p - out) - directory));
    bytes_put4(end + 16, (uint32_t)directory);
    return (size_t)(put(p, end, END) - out);
}

/* ---- Damage ---- */

/* Names that lead out, or are those of systems; the first half alone, put before another name, too. */
static struct fuzz_part odd_name(struct random *random)
{
    static const char *const names[] = {"..",        "../",    "/",           "a/",         "a/b",        "./a",
                                        "\\a",       "a/../b", "__MACOSX/._", ".DS_Store",  "model.json", "",
                                        "Thumbs.db", "a//b",   "a/..",        "labels.txt", "..."};
    const char *name = names[random_below(random, sizeof names / sizeof *names)];
    return (struct fuzz_part){(const uint8_t *)name, strlen(name)};
}

/* Into `memory`, of max_size bytes. */
static void damage(struct random *random, struct archive *archive, uint8_t *memory, size_t max_size)
{
    struct entry *entry = &archive->entries[random_below(random, (uint32_t)archive->count)];
    const struct entry other = archive->entries[random_below(random, (uint32_t)archive->count)];
    struct fuzz_part *part = random_below(random, 2) ? &entry->name : &entry->content;
    static const int numbers[] = {0, 8, 12, 14, 93, 99, 0xffff}; /* ways to pack: none, Deflate, what libzip may know */
    switch (random_below(random, 8)) {
    case 0: entry->name = odd_name(random); break;
    case 1: entry->name = other.name; break;
    case 2: { /* the one's name in the other's folder */
        const struct fuzz_part folder = random_below(random, 2) ? odd_name(random) : other.name;
        if (folder.size + 1 + entry->name.size > max_size)
            return;
        uint8_t *behind = put(memory, folder.bytes, folder.size);
        *behind++ = '/';
        behind = put(behind, entry->name.bytes, entry->name.size);
        entry->name = (struct fuzz_part){memory, (size_t)(behind - memory)};
        break;
    }
    case 3: bytes_put2(entry->head + 8, numbers[random_below(random, sizeof numbers / sizeof *numbers)]); break;
    case 4: bytes_put2(entry->head + 6, 1 << random_below(random, 16)); break; /* encrypted, among them */
    case 5: bytes_put4(entry->head + 22, (uint32_t)(random_next(random) >> 32) >> random_below(random, 32)); break;
    case 6:
        if (archive->count < MAX_ENTRIES)
            archive->entries[archive->count++] = other;
        break;
    default:
        if (part->size > max_size)
            return;
        put(memory, part->bytes, part->size);
        *part = (struct fuzz_part){memory, LLVMFuzzerMutate(memory, part->size, max_size)};
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct random random = random_seed(seed, 0);
    struct archive archive;
    uint8_t *before = fuzz_copy(data, size), *memory = malloc(max_size);
    take_apart(&archive, before, size);
    size_t made = 0;
    if (archive.count && random_below(&random, 5)) {
        damage(&random, &archive, memory, max_size);
        made = put_together(data, max_size, &archive);
    }
    free(memory);
    free(before);
    return made ? made : LLVMFuzzerMutate(data, size < max_size ? size : max_size, max_size);
}

/* ---- The target ---- */

/* Whether a name leads out by a reading of its own. */
static bool leads_out(const char *name)
{
    char text[70000];
    snprintf(text, sizeof text, "/%s/", name);
    return *name == '/' || strstr(text, "/../") || strchr(text, '\\');
}

static void unpack(void *context)
{
    const struct fuzz_part *file = context;
    struct failure failure = {.reason = ""};
    uint8_t *bytes = fuzz_copy(file->bytes, file->size);
    struct package_zip *zip = package_zip_open(bytes, file->size, "fuzzed.zip", &failure);
    fuzz_require(zip || (*failure.subject && *failure.reason));
    const struct text_list none = {0}, *names = zip ? package_zip_names(zip) : &none;
    for (int i = 0; i < names->count; i++) {
        size_t size;
        fuzz_require(*names->texts[i] && !leads_out(names->texts[i]));
        fuzz_require(!i || strcmp(names->texts[i - 1], names->texts[i]) < 0);
        failure.reason[0] = 0;
        uint8_t *content = package_zip_file(&size, zip, names->texts[i], &failure);
        fuzz_require(content ? content[size] == 0 && size <= PACKAGE_MAX_BYTES : *failure.reason != 0);
        free(content);
    }
    package_zip_close(zip);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part file = {data, size};
    fuzz_require(fuzz_command(unpack, &file));
    return 0;
}
