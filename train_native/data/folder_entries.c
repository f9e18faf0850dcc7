#include "data/folder_entries.h"

#include "data/picture_file.h"
#include "image/formats.h"
#include "cli/errors.h"
#include "cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Of macOS, Windows, ext4, the disk stations of Synology and QNAP, and Python. */
bool is_system_name(const char *name)
{
    static const char *const names[] = {"__MACOSX",    "Icon\r",       "Thumbs.db", "ehthumbs.db",
                                        "desktop.ini", "$RECYCLE.BIN", "RECYCLER",  "System Volume Information",
                                        "lost+found",  "@eaDir",       "#recycle",  "@Recycle",
                                        "__pycache__"};
    return name[0] == '.' || is_among(name, names, sizeof names / sizeof *names);
}

/* ---- Listing ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void sort(struct text_list *names)
{
    if (names->count)
        qsort(names->texts, (size_t)names->count, sizeof *names->texts, by_bytes);
}

static void add_entry(struct folder_entries *entries, const char *folder, const struct dirent *entry,
                      enum folder_links links)
{
    const char *name = entry->d_name;
    if (is_system_name(name)) {
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            text_list_add(&entries->system, name);
        return;
    }
    int type = entry->d_type;
    if (type == DT_LNK || type == DT_UNKNOWN) {
        struct stat about;
        char *path = path_join(folder, name);
        if (type == DT_UNKNOWN && lstat(path, &about) == 0)
            type = S_ISLNK(about.st_mode) ? DT_LNK : S_ISDIR(about.st_mode) ? DT_DIR : DT_REG;
        if (type == DT_LNK && (stat(path, &about) || !S_ISDIR(about.st_mode)))
            type = DT_REG; /* what it is will be seen when it is opened */
        free(path);
    }
    text_list_add(type == DT_DIR || (type == DT_LNK && links == LINKS_ARE_FOLDERS) ? &entries->folders
                  : type == DT_LNK                                                 ? &entries->links
                                                                                   : &entries->files,
                  name);
}

/* Why a folder cannot be listed; short memory is no fault of its, and ends the program as everywhere. */
static const char *fault_of(const char *folder, int error)
{
    if (error == ENOMEM)
        die(folder, "Close other programs.", "there is not enough memory to list it");
    return error ? strerror(error) : NULL;
}

struct folder_entries folder_entries_of(const char *folder, enum folder_links links)
{
    struct folder_entries entries = {.fault = NULL};
    DIR *directory = opendir(folder);
    if (directory) {
        errno = 0;
        for (const struct dirent *entry; (entry = readdir(directory)); errno = 0)
            add_entry(&entries, folder, entry, links);
        entries.fault = fault_of(folder, errno);
        closedir(directory);
    } else {
        entries.fault = fault_of(folder, errno);
    }
    sort(&entries.folders);
    sort(&entries.links);
    sort(&entries.files);
    sort(&entries.system);
    return entries;
}

void folder_entries_free(struct folder_entries *entries)
{
    text_list_free(&entries->folders);
    text_list_free(&entries->links);
    text_list_free(&entries->files);
    text_list_free(&entries->system);
}

/* ---- Images ---- */

static bool is_image_name(const char *name)
{
    static const char *const others[] = {"gif",  "webp", "tif", "tiff", "heic", "heif",
                                         "avif", "jp2",  "jxl", "ppm",  "pgm",  "svg"};
    const char *dot = strrchr(name, '.');
    return (dot && is_among(dot + 1, others, sizeof others / sizeof *others)) || picture_file_is_named(name);
}

/* By their first bytes. A text may begin with BM, but not with the zeros that follow in a BMP. */
static bool is_image(const uint8_t *bytes, size_t size)
{
    enum picture_format format;
    if (format_of(&format, bytes, size))
        return format != PICTURE_BMP || (size >= 10 && !bytes[6] && !bytes[7] && !bytes[8] && !bytes[9]);
    const enum status status = format_refusal(bytes, size);
    return status >= STATUS_IMAGE_HEIC && status <= STATUS_IMAGE_JPEG_2000; /* images of other formats */
}

bool is_image_file(const char *path, const char **fault)
{
    *fault = NULL;
    if (is_image_name(path))
        return true;
    uint8_t bytes[64];
    const size_t size = read_file_start(bytes, sizeof bytes, path, fault);
    return size && is_image(bytes, size);
}

bool has_images(const char *folder, const struct folder_entries *entries, bool unseen)
{
    for (int i = 0; i < entries->files.count; i++)
        if (is_image_name(entries->files.texts[i]))
            return true;
    bool found = false;
    for (int i = 0; i < entries->files.count && !found; i++) {
        const char *fault;
        char *path = path_join(folder, entries->files.texts[i]);
        found = is_image_file(path, &fault) || (fault && unseen);
        free(path);
    }
    return found;
}

bool holds_images(const char *folder, bool unseen, const char **fault)
{
    struct text_list open = {0};
    bool found = false;
    *fault = NULL;
    text_list_add(&open, folder);
    for (int at = 0; at < open.count && !found; at++) {
        struct folder_entries entries = folder_entries_of(open.texts[at], LINKS_APART);
        *fault = *fault ? *fault : entries.fault;
        found = (entries.fault && unseen) || has_images(open.texts[at], &entries, unseen);
        for (int i = 0; i < entries.folders.count && !found; i++) {
            char *path = path_join(open.texts[at], entries.folders.texts[i]);
            LIST_ADD(open.texts, open.count, path);
        }
        folder_entries_free(&entries);
    }
    text_list_free(&open);
    return found;
}

char *table_in(const char *folder)
{
    struct folder_entries entries = folder_entries_of(folder, LINKS_APART);
    char *table = NULL;
    for (int i = 0; i < entries.files.count && !table; i++) {
        const char *dot = strrchr(entries.files.texts[i], '.');
        if (dot && (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0))
            table = path_join(folder, entries.files.texts[i]);
    }
    folder_entries_free(&entries);
    return table;
}
