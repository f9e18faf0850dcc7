#include "data/layout_rest.h"

#include "data/folder_entries.h"
#include "data/folder_level.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Whether a folder is one of these, in order, or some of them are in it: 1, 2; 0: neither. */
static int relation(char *const *folders, int count, const char *folder)
{
    const size_t length = strlen(folder);
    int low = 0;
    for (int high = count; low < high;) {
        const int middle = (low + high) / 2;
        if (strcmp(folders[middle], folder) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && strcmp(folders[low], folder) == 0)
        return 1;
    for (; low < count && strncmp(folders[low], folder, length) == 0; low++)
        if (folders[low][length] == '/')
            return 2;
    return 0;
}

/* Images in a single folder have no labels; more folders are something else. */
static enum left_out reason_of(const char *folder)
{
    struct branch branch = {text_copy(""), text_copy(folder), .part = -1};
    branch_open(&branch);
    const enum left_out reason = branch.folders.count > 1 ? LEFT_BESIDE_PARTS : LEFT_UNLABELLED;
    branch_free(&branch);
    return reason;
}

static bool is_source(const struct layout *layout, const char *folder)
{
    for (int i = 0; i < layout->source_count; i++)
        if (strcmp(layout->sources[i].folder, folder) == 0)
            return true;
    return false;
}

struct layout_rests layout_rests(const struct layout *layout, const char *folder)
{
    struct layout_rests rests = {NULL, 0};
    struct text_list open = {0};
    char **classes = allocate((size_t)layout->class_count, sizeof *classes);
    for (int i = 0; i < layout->class_count; i++)
        classes[i] = layout->classes[i].folder;
    qsort(classes, (size_t)layout->class_count, sizeof *classes, by_bytes);
    text_list_add(&open, folder);
    for (int at = 0; at < open.count; at++) {
        struct folder_entries entries = folder_entries_of(open.texts[at], LINKS_ARE_FOLDERS);
        LIST_ADD(rests.rests, rests.count,
                 (struct layout_rest){text_copy(open.texts[at]),
                                      is_source(layout, open.texts[at]) ? LEFT_BESIDE_CLASSES : LEFT_BESIDE_PARTS,
                                      false});
        for (int i = 0; i < entries.folders.count; i++) {
            char *path = path_join(open.texts[at], entries.folders.texts[i]);
            const int related = relation(classes, layout->class_count, path);
            if (related == 2)
                text_list_add(&open, path);
            else if (!related)
                LIST_ADD(rests.rests, rests.count, (struct layout_rest){text_copy(path), reason_of(path), true});
            free(path);
        }
        folder_entries_free(&entries);
    }
    text_list_free(&open);
    free(classes);
    return rests;
}

void layout_rests_free(struct layout_rests *rests)
{
    for (int i = 0; i < rests->count; i++)
        free(rests->rests[i].folder);
    free(rests->rests);
}
