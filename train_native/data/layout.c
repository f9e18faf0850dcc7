#include "data/layout.h"

#include "data/folder_entries.h"
#include "data/folder_level.h"
#include "data/part_names.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_COMPARED = 64 };

/* ---- What folders are ---- */

typedef bool is_of_kind(const struct level *level, const struct branch *branch);

/* Has folders in it that could hold a class each, and the name of a part. A single folder in a part that is not the
 * training's, and no class there, holds images without labels, as some have it for Keras. */
static bool is_part(const struct level *level, const struct branch *branch)
{
    if (branch->part < 0 || branch->empty || !branch->folders.count)
        return false;
    if (branch->part == PHOTO_TRAIN || branch->folders.count > 1)
        return true;
    bool trained = false, known = false;
    for (int i = 0; i < level->count; i++)
        if (level->branches[i].part == PHOTO_TRAIN && level->branches[i].folders.count) {
            trained = true;
            known |= has_name(&level->branches[i].folders, branch->folders.texts[0]);
        }
    return known || !trained;
}

static bool has_images_in_no_part(const struct level *level, const struct branch *branch)
{
    return !branch->empty && !is_part(level, branch);
}

static bool is_nameless(const struct level *level, const struct branch *branch)
{
    return branch->part < 0 && has_images_in_no_part(level, branch);
}

static bool is_filled(const struct level *level, const struct branch *branch)
{
    (void)level;
    return !branch->empty;
}

/* A part by name, with images in it and not in folders of classes. */
static bool is_flat_part(const struct level *level, const struct branch *branch)
{
    return branch->part >= 0 && has_images_in_no_part(level, branch);
}

/* Has folders in it that are parts by name: for training, and another one. */
static bool holds_parts(const struct level *level, const struct branch *branch)
{
    bool has[PHOTO_OPEN] = {false};
    for (int i = 0; i < branch->folders.count; i++) {
        const int part = part_named(branch->folders.texts[i]);
        if (part >= 0)
            has[part] = true;
    }
    return has[PHOTO_TRAIN] && (has[PHOTO_VALIDATION] || has[PHOTO_TEST]) && is_filled(level, branch);
}

/* Is a part by name and a data set by what it holds, like a fold. */
static bool is_whole_part(const struct level *level, const struct branch *branch)
{
    return is_part(level, branch) && holds_parts(level, branch);
}

/* Images under a name that says nothing but test: hardly a class, though they stand beside some. */
static bool is_flat_test(const struct level *level, const struct branch *branch)
{
    return is_flat_part(level, branch) && branch->part == PHOTO_TEST && !strpbrk(branch->name, " _-.");
}

static bool is_training_part(const struct level *level, const struct branch *branch)
{
    return branch->part == PHOTO_TRAIN && is_part(level, branch);
}

/* Holds folders as another one does, or as they stand beside it. */
static bool is_like_another(const struct level *level, const struct branch *branch)
{
    int beside = 0, compared = 0;
    for (int i = 0; i < level->count && compared < MAX_COMPARED; i++) {
        const struct branch *other = &level->branches[i];
        if (other == branch || other->empty)
            continue;
        beside += has_name(&branch->folders, other->name);
        compared += other->folders.count > 1;
        if (names_are_alike(&branch->folders, &other->folders))
            return true;
    }
    return beside >= 2;
}

/* A part of which the name says nothing; a copy of the whole data set within it is none. */
static bool is_nameless_part(const struct level *level, const struct branch *branch)
{
    return is_nameless(level, branch) && is_like_another(level, branch) && !holds_parts(level, branch);
}

static int count_of(const struct level *level, is_of_kind *kind)
{
    int count = 0;
    for (int i = 0; i < level->count; i++)
        count += kind(level, &level->branches[i]);
    return count;
}

static const struct branch *first_of(const struct level *level, is_of_kind *kind)
{
    for (int i = 0; i < level->count; i++)
        if (kind(level, &level->branches[i]))
            return &level->branches[i];
    return NULL;
}

/* "a", "b" and 3 more; the caller frees it. */
static char *quote_names(const struct level *level, is_of_kind *kind)
{
    enum { SHOWN = 4 };
    int count = 0;
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    for (int i = 0; i < level->count; i++)
        if (kind(level, &level->branches[i]) && count++ < SHOWN)
            fprintf(out, "%s\"%s\"", count > 1 ? ", " : "", level->branches[i].name);
    if (count > SHOWN)
        fprintf(out, " and %d more", count - SHOWN);
    text_close(out);
    return text;
}

/* ---- What cannot be told ---- */

/* Ends the program where one of the folders is a data set of its own. */
static void check_whole(const struct level *level, is_of_kind *kind)
{
    const struct branch *whole = first_of(level, kind);
    if (whole)
        die(level->folder, text_format("Name it as the data set: %s; --parts none: it is a class.", whole->folder),
            "\"%s\" holds the parts of a data set of its own", whole->name);
}

static void check_named_parts(const struct level *level)
{
    for (int i = 0; i < level->count; i++)
        for (int k = 0; k < i; k++) {
            const struct branch *a = &level->branches[k], *b = &level->branches[i];
            if (is_part(level, a) && is_part(level, b) && a->part == b->part && !(is_fold(a->name) && is_fold(b->name)))
                die(b->folder, "Keep one of them, or say with --parts which is meant, like --parts train=A,test=B.",
                    "is the same part of the data as %s", a->folder);
        }
    const struct branch *flat = first_of(level, is_flat_part);
    if (flat && flat->part == PHOTO_TRAIN)
        die(flat->folder, "Put the images of each class into a folder of its name.",
            "there are no folders of classes in it, and there are in other parts of the data");
}

/* Ends the program where the folders beside parts may be parts or classes themselves. */
static void check_beside_parts(const struct level *level)
{
    const struct branch *training = first_of(level, is_training_part);
    const struct branch *part = training ? training : first_of(level, is_part);
    const struct branch *other = first_of(level, is_nameless_part);
    char *names = quote_names(level, is_nameless);
    if (other)
        die(level->folder,
            training
                ? text_format("Say which part it is, like --parts train=%s,test=%s; --parts train=%s leaves it out.",
                              part->name, other->name, part->name)
                : text_format("Say which part it is, like --parts train=%s,%s=%s.", other->name,
                              part->part == PHOTO_TEST ? "test" : "val", part->name),
            "\"%s\" holds folders of the same names as other parts of the data do, and its name says no part",
            other->name);
    for (int i = 0; i < level->count; i++)
        if (is_nameless(level, &level->branches[i]) && has_name(&part->folders, level->branches[i].name))
            die(level->folder,
                text_format("Say which is meant: --parts train=.,test=%s; --parts train=%s takes it alone.", part->name,
                            part->name),
                "classes stand in it and in \"%s\" within, like \"%s\"", part->name, level->branches[i].name);
    if (count_of(level, is_part) + count_of(level, is_flat_part) == 1 && *names)
        die(level->folder, text_format("--parts train=%s takes it alone; --parts none: these are classes.", part->name),
            "\"%s\" could be a part of the data, or a class as those beside it: %s", part->name, names);
    free(names);
}

/* Ends the program where folders may be parts or classes, and their names do not say so. */
static void check_nameless(const struct level *level)
{
    const struct branch *like = first_of(level, is_like_another), *test = first_of(level, is_flat_test);
    check_whole(level, holds_parts);
    if (like) {
        char *names = quote_names(level, is_like_another);
        die(level->folder,
            text_format("Say which, like --parts train=%s%s; --parts none: they are classes.", like->name,
                        count_of(level, is_like_another) > 1 ? ",test=..." : ""),
            "these may be parts of the data, or classes, for they hold folders of the same names: %s", names);
    }
    if (count_of(level, is_flat_part) > 1 && !count_of(level, is_nameless)) {
        char *names = quote_names(level, is_flat_part);
        char *table = table_in(level->folder);
        die(level->folder,
            table ? text_format("If %s says what the images show, name it as the data; --parts none: they are classes.",
                                table)
                  : "Put the images of each class into a folder of its name, or list them in a CSV file; --parts none: "
                    "they are classes.",
            "these are parts of the data by their names, and there are no folders of classes in them: %s", names);
    }
    if (test && count_of(level, is_filled) > 2)
        die(level->folder, "Move it elsewhere if its images have no labels; --parts none: it is a class.",
            "\"%s\" stands beside classes, and is called as a part of the data", test->name);
}

/* ---- Taking folders ---- */

static void add_class(struct layout *layout, const char *folder, const char *name, enum photo_part part)
{
    LIST_ADD(layout->classes, layout->class_count,
             (struct layout_class){text_copy(name), path_join(folder, name), part});
}

static void add_source(struct layout *layout, const char *folder, enum photo_part part)
{
    LIST_ADD(layout->sources, layout->source_count, (struct photo_source){text_copy(folder), (uint8_t)part});
}

static void take_part(struct layout *layout, const struct branch *branch)
{
    const enum photo_part part = (enum photo_part)branch->part;
    check_apart(branch->folder, &branch->folders);
    add_source(layout, branch->folder, part);
    for (int i = 0; i < branch->folders.count; i++)
        add_class(layout, branch->folder, branch->folders.texts[i], part);
}

/* Parts in each class. False if that is not how it is. */
static bool take_parts_inside(struct layout *layout, const struct level *level)
{
    const int filled = count_of(level, is_filled);
    bool trained = false;
    if (filled < 2 || count_of(level, holds_parts) != filled)
        return false;
    for (int i = 0; i < level->count; i++)
        for (int k = 0; k < level->branches[i].folders.count; k++) {
            const struct branch *branch = &level->branches[i];
            struct branch inner = {text_copy(""), path_join(branch->folder, branch->folders.texts[k]), .part = -1};
            const int part = part_named(branch->folders.texts[k]);
            branch_open(&inner);
            if (inner.folders.count > 1)
                die(level->folder, "Name one of them.",
                    "each folder in it is a data set with parts of its own, like \"%s\"", branch->name);
            branch_free(&inner);
            if (part < 0)
                return false;
            trained |= part == PHOTO_TRAIN;
        }
    if (!trained)
        return false;
    for (int i = 0; i < level->count; i++) {
        const struct branch *branch = &level->branches[i];
        for (int k = 0; k < branch->folders.count; k++)
            LIST_ADD(layout->classes, layout->class_count,
                     (struct layout_class){text_copy(branch->name), path_join(branch->folder, branch->folders.texts[k]),
                                           (enum photo_part)part_named(branch->folders.texts[k])});
    }
    for (int part = 0; part < PHOTO_OPEN; part++)
        for (int i = 0, added = 0; i < layout->class_count && !added; i++)
            if ((int)layout->classes[i].part == part) {
                add_source(layout, layout->classes[i].folder, (enum photo_part)part);
                added = 1;
            }
    return layout->inside = true;
}

static void take_by_structure(struct layout *layout, const struct level *level)
{
    if (count_of(level, is_part)) {
        check_whole(level, is_whole_part);
        check_named_parts(level);
        check_beside_parts(level);
        for (int i = 0; i < level->count; i++)
            if (is_part(level, &level->branches[i]))
                take_part(layout, &level->branches[i]);
    } else if (!take_parts_inside(layout, level)) {
        check_nameless(level);
    }
}

static void take_as_classes(struct layout *layout, const struct level *level)
{
    add_source(layout, level->folder, PHOTO_OPEN);
    for (int i = 0; i < level->count; i++)
        add_class(layout, level->folder, level->branches[i].name, PHOTO_OPEN);
}

/* The folders in the data's own folder, but for those that are parts or lead to them. */
static void drop_parts(struct branch *branch, const struct named_parts *parts)
{
    int kept = 0;
    for (int i = 0; i < branch->folders.count; i++) {
        char *name = branch->folders.texts[i];
        const size_t length = strlen(name);
        bool is_one = false;
        for (int k = 0; k < parts->count; k++)
            is_one |= strncmp(parts->parts[k].folder, name, length) == 0 &&
                      (!parts->parts[k].folder[length] || parts->parts[k].folder[length] == '/');
        if (is_one)
            free(name);
        else
            branch->folders.texts[kept++] = name;
    }
    branch->folders.count = kept;
}

static void take_named(struct layout *layout, const char *folder, const struct named_parts *parts)
{
    for (int i = 0; i < parts->count; i++) {
        const struct named_part *named = &parts->parts[i];
        const bool own = strcmp(named->folder, ".") == 0;
        struct branch branch = {text_copy(named->folder), own ? text_copy(folder) : path_join(folder, named->folder),
                                .part = named->part};
        struct stat about;
        if (stat(branch.folder, &about) || !S_ISDIR(about.st_mode))
            die("--parts", NULL, "there is no folder \"%s\"", branch.folder);
        for (int k = 0; k < i; k++)
            if (strcmp(parts->parts[k].folder, named->folder) == 0)
                die("--parts", NULL, "names \"%s\" twice", named->folder);
        branch_open(&branch);
        branch_check(&branch);
        if (own)
            drop_parts(&branch, parts);
        if (!branch.folders.count)
            die(branch.folder, "Put the images of each class into a folder of its name.",
                "there are no folders of classes in it");
        take_part(layout, &branch);
        branch_free(&branch);
    }
}
/* ---- All of it ---- */

struct layout layout_find(const char *folder, const char *parts)
{
    struct layout layout = {.root = NULL};
    struct named_parts named = {NULL, 0};
    if (parts)
        named = parts_parse(parts);
    if (named.count) {
        layout.root = text_copy(folder);
        take_named(&layout, folder, &named);
    } else {
        struct level level = level_open(folder);
        layout.root = text_copy(level.folder);
        if (!parts)
            take_by_structure(&layout, &level);
        if (!layout.class_count)
            take_as_classes(&layout, &level);
        level_free(&level);
    }
    named_parts_free(&named);
    return layout;
}

void layout_free(struct layout *layout)
{
    for (int i = 0; i < layout->class_count; i++) {
        free(layout->classes[i].name);
        free(layout->classes[i].folder);
    }
    for (int i = 0; i < layout->source_count; i++)
        free(layout->sources[i].folder);
    free(layout->root);
    free(layout->classes);
    free(layout->sources);
}
