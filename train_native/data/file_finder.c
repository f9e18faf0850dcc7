#include "data/file_finder.h"

#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_FOLDERS = 64, MAX_STRIPPED = 16 };

struct file_finder {
    char *folder; /* of the list; "" or with a / at its end */
    struct text_list
        folders;   /* "", then those in it, with a / at their ends, those first that are called as the list */
    int preferred; /* how many of them those are */
};

/* In the order in which they are tried. */
static const char *const endings[] = {"jpg",  "jpeg", "png", "bmp",  "JPG",  "JPEG", "PNG",
                                      "webp", "gif",  "tif", "tiff", "heic", "avif"};
enum { ENDINGS = sizeof endings / sizeof *endings };

bool has_picture_ending(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && i < ENDINGS; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return true;
    return false;
}

/* ---- The folders ---- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

struct file_finder *file_finder_new(const char *list)
{
    struct file_finder *finder = allocate(1, sizeof *finder);
    const char *slash = strrchr(list, '/'), *name = slash ? slash + 1 : list;
    finder->folder = text_copy_bytes(list, (size_t)(name - list));
    struct text_list found = {0};
    DIR *directory = opendir(*finder->folder ? finder->folder : ".");
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char *path = text_format("%s%s/", finder->folder, entry->d_name);
        struct stat about;
        if (entry->d_name[0] != '.' && stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            text_list_add(&found, path + strlen(finder->folder));
        free(path);
    }
    if (directory)
        closedir(directory);
    if (found.count)
        qsort(found.texts, (size_t)found.count, sizeof *found.texts, by_bytes);
    text_list_add(&finder->folders, "");
    const size_t stem = strcspn(name, ".");
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < found.count && finder->folders.count < MAX_FOLDERS; i++)
            if ((strncasecmp(found.texts[i], name, stem) == 0) == (pass == 0))
                text_list_add(&finder->folders, found.texts[i]);
        finder->preferred = pass == 0 ? finder->folders.count : finder->preferred;
    }
    text_list_free(&found);
    return finder;
}

void file_finder_free(struct file_finder *finder)
{
    text_list_free(&finder->folders);
    free(finder->folder);
    free(finder);
}

char *file_way_folders(const struct file_finder *finder, const struct file_way *way)
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    const char *before = "";
    for (int i = 1; i < finder->folders.count; i++)
        if (way->folders >> i & 1) {
            fprintf(out, "%s%s", before, finder->folders.texts[i]);
            before = ", ";
        }
    text_close(out);
    return text;
}

/* ---- Names ---- */

/* A name without its first folders; NULL if it has fewer. */
static const char *without_folders(const char *name, int count)
{
    for (; name && count; count--) {
        const char *slash = strchr(name, '/');
        name = slash ? slash + strspn(slash, "/") : NULL;
    }
    return name && *name ? name : NULL;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

/* A name in folder i, as it is or with an ending; NULL if there is no such file. */
static char *find_in(const struct file_finder *finder, int i, const char *name, bool *exact)
{
    if (*name == '/' && i)
        return NULL;
    char *path = text_format("%s%s%s", *name == '/' ? "" : finder->folder, finder->folders.texts[i], name);
    *exact = is_file(path);
    if (*exact)
        return path;
    for (int k = 0; k < ENDINGS && !has_picture_ending(name); k++) {
        char *longer = text_format("%s.%s", path, endings[k]);
        if (is_file(longer)) {
            free(path);
            return longer;
        }
        free(longer);
    }
    free(path);
    return NULL;
}

static char *with_slashes(const char *name)
{
    char *copy = text_copy(name);
    for (char *p = copy; *p; p++)
        *p = *p == '\\' ? '/' : *p;
    return copy;
}

struct search {
    int stripped;
    uint64_t folders; /* to look in */
};

/* Finds a name in the first of the folders that has it, which is returned; -1 if none has. A name may have a
 * backslash in it, but mostly that is Windows' slash. */
static int search(char **path, bool *exact, const struct file_finder *finder, struct search how, const char *name)
{
    char *slashed = with_slashes(name);
    int folder = -1;
    *path = NULL;
    for (int variant = 0; variant < 2 && folder < 0; variant++) {
        const char *rest = without_folders(variant ? slashed : name, how.stripped);
        for (int i = 0; i < finder->folders.count && rest && folder < 0; i++)
            if (how.folders >> i & 1 && (*path = find_in(finder, i, rest, exact)))
                folder = i;
    }
    free(slashed);
    return folder;
}

static struct file_way way_without(const struct file_finder *finder, int stripped, const char *const *names, int count)
{
    struct file_way way = {.stripped = stripped};
    char **paths = allocate((size_t)count, sizeof *paths);
    for (int i = 0; i < count; i++) {
        char *other;
        bool exact, other_exact;
        const int first = search(&paths[i], &exact, finder, (struct search){stripped, UINT64_MAX}, names[i]);
        if (first < 0)
            continue;
        way.found++;
        way.exact += exact;
        way.folders |= (uint64_t)1 << first;
        const struct search rest = {stripped, first + 1 < MAX_FOLDERS ? UINT64_MAX << (first + 1) : 0};
        if (first >= finder->preferred && search(&other, &other_exact, finder, rest, names[i]) >= 0) {
            way.twice = names[i];
            free(other);
        }
        /* Folders that tell files apart do count. */
        for (int k = 0; stripped && k < i; k++)
            if (paths[k] && strcmp(paths[k], paths[i]) == 0 && strcmp(names[k], names[i]) != 0)
                way.found = -count;
    }
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    return way;
}

struct file_way file_way_of(const struct file_finder *finder, const char *const *names, int count)
{
    struct file_way best = {.folders = 1};
    for (int stripped = 0; stripped <= MAX_STRIPPED && best.found < count; stripped++) {
        const struct file_way way = way_without(finder, stripped, names, count);
        if (way.found > best.found)
            best = way;
    }
    return best;
}

char *file_find(const struct file_finder *finder, const struct file_way *way, const char *name)
{
    char *path;
    bool exact;
    const int folder = search(&path, &exact, finder, (struct search){way->stripped, way->folders}, name);
    return folder < 0 ? NULL : path;
}

char *file_expected(const struct file_finder *finder, const struct file_way *way, const char *name)
{
    int first = 0;
    while (!(way->folders >> first & 1))
        first++;
    char *slashed = with_slashes(name);
    const char *rest = way->stripped ? without_folders(slashed, way->stripped) : name;
    char *path = text_format("%s%s%s", *name == '/' && !way->stripped ? "" : finder->folder,
                             finder->folders.texts[first], rest ? rest : name);
    free(slashed);
    return path;
}
