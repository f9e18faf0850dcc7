/* What is in a folder on disk: folders, files, and what systems leave there.
 *
 *     struct folder_entries entries = folder_entries_of("photos", LINKS_APART);
 *     if (entries.fault)
 *         warn("photos", NULL, "%s", entries.fault);
 *     for (int i = 0; i < entries.files.count; i++)
 *         puts(entries.files.texts[i]);
 *     folder_entries_free(&entries); */
#ifndef FOLDER_ENTRIES_H
#define FOLDER_ENTRIES_H

#include "cli/list.h"

#include <stdbool.h>

/* Names, in the order of their bytes. */
struct folder_entries {
    struct text_list folders; /* with links to folders, where they may be followed */
    struct text_list links;   /* to folders, elsewhere: they may lead round in circles */
    struct text_list files;
    struct text_list system; /* hidden names, and what systems, file managers and archives leave: __MACOSX, Thumbs.db */
    const char *fault;       /* why not everything could be listed; NULL: it was */
};

enum folder_links { LINKS_APART, LINKS_ARE_FOLDERS };

struct folder_entries folder_entries_of(const char *folder, enum folder_links links);
void folder_entries_free(struct folder_entries *entries);

/* Whether a name is hidden or one that a system leaves. */
bool is_system_name(const char *name);

/* Whether a file is an image: by its name, also of a format that is not read, so that it is missed and not passed
 * over; otherwise by its first bytes. *fault: why they cannot be read; NULL: they can. */
bool is_image_file(const char *path, const char **fault);

/* Whether there are images among the files of this folder. What cannot be looked into counts as one if `unseen` does. */
bool has_images(const char *folder, const struct folder_entries *entries, bool unseen);

/* The same of the folder and all folders within. *fault: why one that was looked into cannot be listed; NULL: it can. */
bool holds_images(const char *folder, bool unseen, const char **fault);

/* The path of a table (CSV, TSV) in a folder, which may say what images show; NULL: there is none. The caller frees
 * it. */
char *table_in(const char *folder);

#endif
