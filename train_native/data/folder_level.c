#include "data/folder_level.h"

#include "data/folder_entries.h"
#include "data/part_names.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 16 };

static bool has_folders(const char *folder)
{
    struct folder_entries entries = folder_entries_of(folder, LINKS_ARE_FOLDERS);
    const bool has = entries.folders.count > 0;
    folder_entries_free(&entries);
    return has;
}

/* The only folder in this one that holds images, if there are folders in it; the caller frees it. NULL: there is none.
 * A folder without any file may be a class that is not filled yet: then there are two. part: of this folder; one of
 * another part is not gone into. */
static char *way_in(const char *folder, const struct text_list *folders, int part)
{
    char *way = NULL;
    for (int i = 0; i < folders->count; i++) {
        char *path = path_join(folder, folders->texts[i]);
        struct folder_entries within = folder_entries_of(path, LINKS_APART);
        const bool bare = !within.files.count && !within.folders.count && !within.links.count;
        const int own = part_named(folders->texts[i]);
        folder_entries_free(&within);
        const char *fault;
        if (!bare && !holds_images(path, true, &fault)) {
            free(path);
            continue;
        }
        if (bare || way || (own >= 0 && own != part) || !has_folders(path)) {
            free(path);
            free(way);
            return NULL;
        }
        way = path;
    }
    return way;
}

void branch_open(struct branch *branch)
{
    for (int depth = 0;; depth++) {
        struct folder_entries entries = folder_entries_of(branch->folder, LINKS_ARE_FOLDERS);
        branch->flat = has_images(branch->folder, &entries, true) || (entries.fault && !entries.folders.count);
        char *inner =
            branch->flat || depth == MAX_DEPTH ? NULL : way_in(branch->folder, &entries.folders, branch->part);
        if (!inner) {
            branch->fault = entries.fault;
            branch->folders = entries.folders;
            entries.folders = (struct text_list){0};
        }
        folder_entries_free(&entries);
        if (!inner)
            break;
        free(branch->folder);
        branch->folder = inner;
    }
    const char *fault;
    branch->empty = !branch->flat && !holds_images(branch->folder, true, &fault);
}

void branch_free(struct branch *branch)
{
    free(branch->name);
    free(branch->folder);
    text_list_free(&branch->folders);
}

void branch_check(const struct branch *branch)
{
    if (branch->fault)
        die(branch->folder, "A folder that cannot be looked into would be missing from the data.", "%s", branch->fault);
}

struct identity {
    dev_t device;
    ino_t inode;
    int index; /* of a name; -1: the folder that they are in */
};

static int by_identity(const void *a, const void *b)
{
    const struct identity *x = a, *y = b;
    return x->device != y->device ? (x->device < y->device ? -1 : 1)
           : x->inode != y->inode ? (x->inode < y->inode ? -1 : 1)
                                  : x->index - y->index;
}

void check_apart(const char *parent, const struct text_list *names)
{
    struct identity *seen = allocate((size_t)names->count + 1, sizeof *seen);
    for (int i = -1; i < names->count; i++) {
        struct stat about = {0};
        char *path = i < 0 ? text_copy(parent) : path_join(parent, names->texts[i]);
        if (stat(path, &about))
            die(path, NULL, "%s", strerror(errno));
        seen[i + 1] = (struct identity){about.st_dev, about.st_ino, i};
        free(path);
    }
    qsort(seen, (size_t)names->count + 1, sizeof *seen, by_identity);
    for (int i = 0; i < names->count; i++)
        if (seen[i].device == seen[i + 1].device && seen[i].inode == seen[i + 1].inode)
            die(path_join(parent, names->texts[seen[i + 1].index]), "Remove the link.", "is the same folder as \"%s\"",
                seen[i].index < 0 ? parent : names->texts[seen[i].index]);
    free(seen);
}

struct level level_open(const char *folder)
{
    struct branch top = {text_copy(""), text_copy(folder), .part = -1};
    branch_open(&top);
    branch_check(&top);
    check_apart(top.folder, &top.folders);
    struct level level = {top.folder, allocate((size_t)top.folders.count, sizeof *level.branches), top.folders.count};
    for (int i = 0; i < level.count; i++) {
        const char *name = top.folders.texts[i];
        level.branches[i] = (struct branch){text_copy(name), path_join(level.folder, name), .part = part_named(name)};
        branch_open(&level.branches[i]);
        if (level.branches[i].part >= 0)
            branch_check(&level.branches[i]);
    }
    text_list_free(&top.folders);
    free(top.name);
    return level;
}

void level_free(struct level *level)
{
    for (int i = 0; i < level->count; i++)
        branch_free(&level->branches[i]);
    free(level->branches);
    free(level->folder);
}

/* ---- What folders have in common ---- */

bool has_name(const struct text_list *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (strcmp(names->texts[i], name) == 0)
            return true;
    return false;
}

bool names_are_alike(const struct text_list *a, const struct text_list *b)
{
    int common = 0;
    for (int i = 0, k = 0; i < a->count && k < b->count;) {
        const int order = strcmp(a->texts[i], b->texts[k]);
        common += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return common >= 2 && 2 * common >= (a->count < b->count ? a->count : b->count);
}
