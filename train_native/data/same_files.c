#include "data/same_files.h"

#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/content.h"
#include "ranks/ranks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char unreadable[] = "unreadable";

/* ---- What is compared of a file; the caller frees it ---- */

static char *size_of(const char *path)
{
    struct stat about;
    return stat(path, &about) ? text_copy(unreadable) : text_format("%" PRIu64, (uint64_t)about.st_size);
}

/* Nobody sets the time of the last change of status: with the number (inode) it is that of one file on one disk. */
static char *state_of(const char *path)
{
    struct stat about;
    if (stat(path, &about))
        return text_copy(unreadable);
    return text_format("%" PRIu64 " %" PRIu64 " %" PRId64 ".%09ld %" PRId64 ".%09ld", (uint64_t)about.st_size,
                       (uint64_t)about.st_ino, (int64_t)about.st_mtim.tv_sec, about.st_mtim.tv_nsec,
                       (int64_t)about.st_ctim.tv_sec, about.st_ctim.tv_nsec);
}

static char *content_of(const char *path)
{
    size_t size;
    const char *reason;
    uint8_t *bytes = read_file(&size, &reason, path, (size_t)1 << 30);
    char *content = bytes ? text_format("%016" PRIx64, content_hash(bytes, size, 0)) : text_copy(unreadable);
    free(bytes);
    return content;
}

/* ---- Lists of all files: of each a line "path\tvalue\n", by path ---- */

struct file_list {
    const char *folder;
    char *const *paths;
    int count;
};

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The path below the folder, without what would be a tab or a line's end in it. */
static char *line_of(const struct file_list *files, const char *path, const char *value)
{
    const size_t length = strlen(files->folder);
    const bool below = length && strncmp(path, files->folder, length) == 0 &&
                       (path[length] == '/' || files->folder[length - 1] == '/');
    char *line;
    size_t size;
    FILE *out = text_open(&line, &size);
    print_escaped(out, below ? path + length + strspn(path + length, "/") : path);
    fprintf(out, "\t%s\n", value);
    text_close(out);
    return line;
}

static char *text_of(const struct file_list *files, char *value_of(const char *path))
{
    char **lines = allocate((size_t)files->count + 1, sizeof *lines), *text;
    size_t size;
#pragma omp parallel for schedule(dynamic, 16)
    for (int i = 0; i < files->count; i++) {
        char *value = value_of(files->paths[i]);
        lines[i] = line_of(files, files->paths[i], value);
        free(value);
    }
    qsort(lines, (size_t)files->count, sizeof *lines, by_bytes);
    FILE *out = text_open(&text, &size);
    for (int i = 0; i < files->count; i++) {
        fputs(lines[i], out);
        free(lines[i]);
    }
    text_close(out);
    free(lines);
    return text;
}

/* ---- The first difference ---- */

struct line {
    const char *text;
    int name, length; /* bytes up to the tab, and up to the line's end */
};

static struct line line_at(const char *text)
{
    return (struct line){text, (int)strcspn(text, "\t\n"), (int)strcspn(text, "\n")};
}

static int by_name(const struct line *a, const struct line *b)
{
    const int shorter = a->name < b->name ? a->name : b->name, order = memcmp(a->text, b->text, (size_t)shorter);
    return order ? order : a->name - b->name;
}

/* Of lists that differ. Behind the last line its name is empty. */
static char *difference_of(const char *mine, const char *first, const char *what)
{
    struct line own = line_at(mine), other = line_at(first);
    while (own.length && own.length == other.length && memcmp(own.text, other.text, (size_t)own.length) == 0) {
        own = line_at(own.text + own.length + 1);
        other = line_at(other.text + other.length + 1);
    }
    const int order = !own.name ? 1 : !other.name ? -1 : by_name(&own, &other);
    if (order > 0)
        return text_format("has other data: %.*s is absent", other.name, other.text);
    if (order < 0)
        return text_format("has other data: %.*s, which is absent on rank 0", own.name, own.text);
    return text_format("has other data: %.*s has another %s, %.*s, and on rank 0 %.*s", own.name, own.text, what,
                       own.length - own.name - 1, own.text + own.name + 1, other.length - other.name - 1,
                       other.text + other.name + 1);
}

/* Whether all have the same; else the program ends, but where it need not be the same. */
static bool compare(const struct file_list *files, char *value_of(const char *path), const char *what)
{
    char *own = text_of(files, value_of), *first;
    const bool same = ranks_agree(own, &first);
    if (!same && what) {
        char *difference = strcmp(own, first) == 0 ? text_copy("") : difference_of(own, first, what);
        ranks_tell(difference);
    }
    free(first);
    free(own);
    return same;
}

void same_files(const char *folder, char *const *paths, int count)
{
    const struct file_list files = {folder, paths, count};
    if (ranks_count() == 1 || compare(&files, state_of, NULL))
        return;
    compare(&files, size_of, "size");
    compare(&files, content_of, "content");
}
