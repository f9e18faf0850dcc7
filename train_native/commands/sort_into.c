#include "commands/sort_into.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/new_file.h"
#include "cli/place_file.h"
#include "cli/text.h"
#include "ranks/ranks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char not_sure[] = "not sure";

/* ---- Names of folders ---- */

/* A label as the name of a folder that is seen, on any system, and is no way out of its own. The caller frees it. */
static char *safe_name(const char *label)
{
    enum { MAX_BYTES = 200 };
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    int bytes = 0, length;
    for (const char *at = label; *at && bytes + 4 <= MAX_BYTES; at += length, bytes += length) {
        uint32_t code;
        length = character_at(&code, at);
        const bool other = !length || code < 0x20 || (code >= 0x7f && code < 0xa0) || strchr("/\\:*?\"<>|", (int)*at) ||
                           (at == label && *at == '.');
        length = length ? length : 1;
        if (other)
            fputc('_', out);
        else
            fwrite(at, 1, (size_t)length, out);
    }
    if (!bytes)
        fputc('_', out);
    text_close(out);
    return text;
}

static bool is_taken(const struct text_list *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->texts[i], name) == 0)
            return true;
    return strcmp(name, not_sure) == 0;
}

/* Labels that are alike as names get numbers, so that classes stay apart. */
static void name_folders(struct text_list *names, const struct eyelet_classifier *classifier)
{
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++) {
        char *safe = safe_name(eyelet_classifier_label(classifier, i)), *name = text_copy(safe);
        for (int number = 2; is_taken(names, name); number++) {
            free(name);
            name = text_format("%s-%d", safe, number);
        }
        LIST_ADD(names->texts, names->count, name);
        free(safe);
    }
    text_list_add(names, not_sure);
}

/* ---- The folder ---- */

/* Without links and dots, also of a folder that is not there yet in one that is; NULL: errno tells why. The caller frees
 * it. */
static char *absolute_path(const char *path)
{
    char *absolute = realpath(path, NULL);
    if (absolute || errno != ENOENT)
        return absolute;
    char *trimmed = text_copy(path);
    for (size_t length = strlen(trimmed); length > 1 && trimmed[length - 1] == '/';)
        trimmed[--length] = 0;
    char *slash = strrchr(trimmed, '/');
    const char *name = slash ? slash + 1 : trimmed;
    char *parent = slash == trimmed ? text_copy("/")
                   : slash          ? text_copy_bytes(trimmed, (size_t)(slash - trimmed))
                                    : text_copy(".");
    char *folder = realpath(parent, NULL);
    const int error = errno;
    absolute = folder ? path_join(strcmp(folder, "/") == 0 ? "" : folder, name) : NULL;
    free(folder);
    free(parent);
    free(trimmed);
    errno = error;
    return absolute;
}

static void refuse_inside(const char *folder, const char *absolute, const char *operand)
{
    struct stat about;
    char *outer = realpath(operand, NULL);
    const size_t length = outer ? strlen(outer) : 0;
    if (outer && stat(outer, &about) == 0 && S_ISDIR(about.st_mode) && strncmp(absolute, outer, length) == 0 &&
        (!absolute[length] || absolute[length] == '/' || length == 1))
        die(folder, "Name a folder elsewhere: what is sorted would be classified again the next time.",
            "lies in %s, which is classified", operand);
    free(outer);
}

/* Whether there is a folder of this name now. */
static bool make_folder(const char *path)
{
    struct stat about;
    if (mkdir(path, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(path, &about))
        return false;
    errno = ENOTDIR;
    return S_ISDIR(about.st_mode);
}

void sort_into_begin(struct sort_into *sorting, char **operands, int count, const struct eyelet_classifier *classifier)
{
    char *absolute = absolute_path(sorting->folder);
    if (!absolute)
        die(sorting->folder, "Make the folder that it is to lie in.", "the folder cannot be made: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        refuse_inside(sorting->folder, absolute, operands[i]);
    free(absolute);
    name_folders(&sorting->names, classifier);
    sorting->temporary = path_join(sorting->folder, "copy");
    if (!ranks_first())
        return;
    if (!make_folder(sorting->folder))
        die(sorting->folder, NULL, "the folder cannot be made: %s", strerror(errno));
    remove_leftovers(sorting->temporary);
}

/* ---- The files ---- */

bool sort_into_add(struct sort_into *sorting, const char *path, int class)
{
    char *folder = path_join(sorting->folder, sorting->names.texts[class < 0 ? sorting->names.count - 1 : class]);
    const char *reason = NULL;
    bool there = false;
    if (!make_folder(folder))
        reason = strerror(errno);
    const bool placed =
        !reason && place_file(&there, &reason, &(struct place){path, folder, sorting->temporary, sorting->link});
    if (placed)
        ++*(there ? &sorting->there : &sorting->placed);
    else
        warn(path, NULL, "cannot be %s %s: %s", sorting->link ? "linked into" : "copied into", folder, reason);
    free(folder);
    return placed;
}

void sort_into_end(struct sort_into *sorting)
{
    if (ranks_first()) {
        print_escaped(stderr, sorting->folder);
        fprintf(stderr, ": %s %s", format_thousands((uint64_t)sorting->placed), sorting->link ? "linked" : "copied");
        fprintf(stderr, ", %s there already\n", format_thousands((uint64_t)sorting->there));
    }
    text_list_free(&sorting->names);
    free(sorting->temporary);
}
