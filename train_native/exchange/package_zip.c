#include "exchange/package_zip.h"

#include "cli/memory.h"
#include "cli/text.h"
#include "data/folder_entries.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* Weights hardly shrink, JSON to a fiftieth; Deflate reaches 1/1032. */
enum { MAX_ENTRIES = 10000, MAX_RATIO = 200, SMALL = 1 << 20 /* of any ratio */ };

struct entry {
    char *name;
    zip_uint64_t index;
    size_t size;
};

struct package_zip {
    char *path;
    size_t size; /* of the zip */
    zip_t *archive;
    struct entry *entries;
    int count;
    struct text_list names;
};

/* ---- The directory ---- */

bool package_zip_is(const uint8_t *bytes, size_t size)
{
    return size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
}

bool package_leads_out(const char *name)
{
    if (!*name || *name == '/' || strchr(name, '\\'))
        return true;
    for (const char *part = name; part; part = strchr(part, '/'), part = part ? part + 1 : NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return true;
    return false;
}

/* Counted before libzip takes memory for each of them: where an entry of the directory begins, or seems to. */
static bool has_too_many(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    for (int count = 0; (bytes = memmem(bytes, (size_t)(end - bytes), "PK\1\2", 4)); bytes += 4)
        if (++count > MAX_ENTRIES)
            return true;
    return false;
}

/* A folder, or what a system has left. */
static bool is_no_file(const char *name)
{
    for (const char *part = name; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
        char *alone = text_copy_bytes(part, strcspn(part, "/"));
        const bool system = !*alone || (strcmp(alone, ".") != 0 && is_system_name(alone));
        free(alone);
        if (system)
            return true;
    }
    return false;
}

static bool add_entry(struct package_zip *zip, zip_uint64_t index, size_t *total, struct failure *failure)
{
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t about;
    if (zip_stat_index(zip->archive, index, 0, &about) || (about.valid & needed) != needed ||
        about.comp_size > zip->size)
        return failure_set(failure, zip->path, NULL, "the zip's directory is damaged");
    if (is_no_file(about.name) && !package_leads_out(about.name))
        return true;
    if (package_leads_out(about.name))
        return failure_set(failure, zip->path, "Do not unpack it either: it was made to write elsewhere.",
                           "the zip names a file outside of its folder: %.200s", about.name);
    if (about.encryption_method != ZIP_EM_NONE)
        return failure_set(failure, zip->path, "Unpack it and import the folder.", "%.200s is encrypted", about.name);
    if (about.size > PACKAGE_MAX_BYTES - *total)
        return failure_set(failure, zip->path, NULL, "its files are larger than %zu MB together, with %.200s",
                           PACKAGE_MAX_BYTES >> 20, about.name);
    if (about.size > SMALL && about.size / MAX_RATIO > about.comp_size)
        return failure_set(failure, zip->path, NULL, "%.200s unpacks to more than %d times its size, as no model does",
                           about.name, MAX_RATIO);
    *total += (size_t)about.size;
    LIST_ADD(zip->entries, zip->count,
             (struct entry){.name = text_copy(about.name), .index = index, .size = (size_t)about.size});
    return true;
}

/* Whether all names begin with one folder's; it is cut off. */
static bool enter_folder(struct package_zip *zip)
{
    const size_t length = zip->count ? strcspn(zip->entries[0].name, "/") + 1 : 0;
    for (int i = 0; i < zip->count; i++)
        if (strlen(zip->entries[i].name) <= length || zip->entries[i].name[length - 1] != '/' ||
            strncmp(zip->entries[i].name, zip->entries[0].name, length) != 0)
            return false;
    for (int i = 0; i < zip->count; i++)
        memmove(zip->entries[i].name, zip->entries[i].name + length, strlen(zip->entries[i].name) - length + 1);
    return zip->count > 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static bool read_directory(struct package_zip *zip, struct failure *failure)
{
    size_t total = 0;
    const zip_int64_t count = zip_get_num_entries(zip->archive, 0);
    for (zip_int64_t i = 0; i < count; i++)
        if (!add_entry(zip, (zip_uint64_t)i, &total, failure))
            return false;
    while (enter_folder(zip))
        ;
    if (zip->count)
        qsort(zip->entries, (size_t)zip->count, sizeof *zip->entries, by_name);
    for (int i = 0; i < zip->count; i++) {
        if (i && strcmp(zip->entries[i].name, zip->entries[i - 1].name) == 0)
            return failure_set(failure, zip->path, NULL, "the zip holds %.200s twice", zip->entries[i].name);
        text_list_add(&zip->names, zip->entries[i].name);
    }
    return true;
}

struct package_zip *package_zip_open(const uint8_t *bytes, size_t size, const char *path, struct failure *failure)
{
    if (has_too_many(bytes, size)) {
        failure_set(failure, path, NULL, "the zip holds more than %d files", MAX_ENTRIES);
        return NULL;
    }
    struct package_zip *zip = allocate(1, sizeof *zip);
    zip->path = text_copy(path);
    zip->size = size;
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    zip->archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip->archive) {
        failure_set(failure, path, NULL, "the zip cannot be read: %s", zip_error_strerror(&error));
        if (source)
            zip_source_free(source);
    }
    const bool read = zip->archive && read_directory(zip, failure);
    zip_error_fini(&error);
    if (read)
        return zip;
    package_zip_close(zip);
    return NULL;
}

void package_zip_close(struct package_zip *zip)
{
    if (!zip)
        return;
    for (int i = 0; i < zip->count; i++)
        free(zip->entries[i].name);
    free(zip->entries);
    text_list_free(&zip->names);
    if (zip->archive)
        zip_discard(zip->archive);
    free(zip->path);
    free(zip);
}

const struct text_list *package_zip_names(const struct package_zip *zip) { return &zip->names; }

/* ---- Unpacking ---- */

/* Into size bytes, which the file must fill exactly; at its end libzip compares the checksum. */
static bool unpack(uint8_t *bytes, zip_file_t *file, size_t size)
{
    uint8_t more;
    for (size_t at = 0; at < size;) {
        const zip_int64_t got = zip_fread(file, bytes + at, size - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return zip_fread(file, &more, 1) == 0;
}

uint8_t *package_zip_file(size_t *size, const struct package_zip *zip, const char *name, struct failure *failure)
{
    const struct entry wanted = {.name = text_copy(name)};
    const struct entry *entry =
        zip->count ? bsearch(&wanted, zip->entries, (size_t)zip->count, sizeof wanted, by_name) : NULL;
    free(wanted.name);
    *size = 0;
    if (!entry) {
        failure_set(failure, zip->path, "The model needs it.", "there is no %.200s in the zip", name);
        return NULL;
    }
    zip_file_t *file = zip_fopen_index(zip->archive, entry->index, 0);
    uint8_t *bytes = file ? allocate_or_null(entry->size + 1, 1) : NULL;
    if (!file) {
        failure_set(failure, zip->path, NULL, "%.200s cannot be unpacked: %s", name, zip_strerror(zip->archive));
    } else if (!bytes) {
        failure_set(failure, zip->path, "Close other programs.", "there is not enough memory to unpack %.200s", name);
    } else if (!unpack(bytes, file, entry->size)) {
        const zip_error_t *error = zip_file_get_error(file);
        failure_set(failure, zip->path, "Get it again.", "%.200s is damaged: %s", name,
                    zip_error_code_zip(error) ? zip_file_strerror(file) : "it is not as long as the zip says");
        free(bytes);
        bytes = NULL;
    } else {
        *size = entry->size;
    }
    if (file)
        zip_fclose(file);
    return bytes;
}
