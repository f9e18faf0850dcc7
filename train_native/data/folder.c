#include "data/folder.h"

#include "data/folder_entries.h"
#include "data/folder_files.h"
#include "data/folder_level.h"
#include "data/layout.h"
#include "data/layout_rest.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A folder being read into a list. */
struct folder_reader {
    struct photo_list *list;
    struct layout layout;
    const struct data_options *options;
};

/* ---- Files that are left out ---- */

/* That there are images without labels, after the first of those that were left out before. */
static void warn_of_unlabelled(const struct photo_list *list, int before, const char *folder, const char *count)
{
    while (list->left_out[before].reason != LEFT_UNLABELLED)
        before++;
    const char *image = list->left_out[before].path;
    char *hint =
        text_format("`eyelet classify MODEL %.*s` says what they show.", (int)(strrchr(image, '/') - image), image);
    warn(folder, hint, "images without labels (in no folder of a class), which are left out: %s", count);
    free(hint);
}

static void leave_out_rest(const struct folder_reader *reader, const char *root)
{
    struct layout_rests rests = layout_rests(&reader->layout, root);
    for (int i = 0; i < rests.count; i++) {
        const struct layout_rest *rest = &rests.rests[i];
        const int before = reader->list->left_out_count;
        const int images = folder_files_leave_out(reader->list, rest->folder, rest->reason, rest->deep);
        const char *count = format_thousands((uint64_t)images);
        if (!images)
            continue;
        if (!rest->deep)
            warn(rest->folder, NULL, "images that stand beside the folders of classes, and are left out: %s", count);
        else if (rest->reason == LEFT_UNLABELLED)
            warn_of_unlabelled(reader->list, before, rest->folder, count);
        else
            warn(rest->folder, NULL, "is left out: it stands beside the parts of the data (images: %s)", count);
    }
    layout_rests_free(&rests);
}

/* ---- Classes ---- */

static bool is_trained(const struct photo_list *list, const struct layout_class *class)
{
    return !list->has_train || class->part == PHOTO_TRAIN || class->part == PHOTO_OPEN;
}

/* Names, quoted, as many as a line can hold. */
struct quoted_names {
    char *text;
    size_t size;
    FILE *out;
    int count;
};

static struct quoted_names *quoted_new(void)
{
    struct quoted_names *names = allocate(1, sizeof *names);
    names->out = text_open(&names->text, &names->size);
    return names;
}

/* fault: what is wrong with it; NULL: nothing. */
static void quoted_add(struct quoted_names *names, const char *name, const char *fault)
{
    enum { SHOWN = 8 };
    if (names->count++ < SHOWN)
        fprintf(names->out, fault ? "%s\"%s\" (%s)" : "%s\"%s\"", names->count > 1 ? ", " : "", name, fault);
    else if (names->count == SHOWN + 1)
        fputs(", ...", names->out);
}

/* The text, valid until quoted_free. */
static const char *quoted_end(struct quoted_names *names)
{
    text_close(names->out);
    return names->text;
}

static void quoted_free(struct quoted_names *names)
{
    free(names->text);
    free(names);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_among(const struct text_list *sorted, const char *name)
{
    return sorted->count && bsearch(&name, sorted->texts, (size_t)sorted->count, sizeof *sorted->texts, by_bytes);
}

/* The classes of the training part that have an image, in the order of their bytes, perhaps several times; and those of
 * others with a folder that cannot be listed: faults, each behind its class. */
static struct text_list filled_classes(struct text_list *faults, const struct folder_reader *reader)
{
    struct text_list filled = {0};
    const char *fault;
    for (int i = 0; i < reader->layout.class_count; i++) {
        const struct layout_class *class = &reader->layout.classes[i];
        if (!is_trained(reader->list, class))
            continue;
        if (holds_images(class->folder, false, &fault)) {
            text_list_add(&filled, class->name);
        } else if (fault) {
            text_list_add(faults, class->name);
            text_list_add(faults, fault);
        }
    }
    if (filled.count)
        qsort(filled.texts, (size_t)filled.count, sizeof *filled.texts, by_bytes);
    return filled;
}

static const char *fault_of(const struct text_list *faults, const char *class)
{
    for (int i = 0; i < faults->count; i += 2)
        if (strcmp(faults->texts[i], class) == 0)
            return faults->texts[i + 1];
    return NULL;
}

/* An empty class ends the program, or it goes on without it; returns those classes. */
static struct text_list check_empty(const struct folder_reader *reader, const struct text_list *filled,
                                    const struct text_list *faults, const char *root)
{
    struct text_list empty = {0};
    struct quoted_names *quoted = quoted_new();
    for (int i = 0; i < reader->layout.class_count; i++) {
        const struct layout_class *class = &reader->layout.classes[i];
        if (is_trained(reader->list, class) && !is_among(filled, class->name) && !has_name(&empty, class->name)) {
            text_list_add(&empty, class->name);
            quoted_add(quoted, class->name, fault_of(faults, class->name));
        }
    }
    const char *names = quoted_end(quoted);
    if (empty.count && !reader->options->skip_empty)
        die(root, "Fill their folders or remove them; --skip-empty goes on without them.",
            "classes without an image (%d): %s", empty.count, names);
    if (empty.count)
        warn(root, NULL, "classes without an image, which are left out (%d): %s", empty.count, names);
    quoted_free(quoted);
    return empty;
}

/* Images of classes that are not trained cannot be counted right or wrong. */
static void check_unknown(const struct folder_reader *reader, const struct text_list *filled,
                          const struct text_list *empty)
{
    char *parent = NULL;
    struct quoted_names *unknown = quoted_new();
    for (int i = 0; i < reader->layout.class_count; i++) {
        const struct layout_class *class = &reader->layout.classes[i];
        const char *fault;
        if (is_among(filled, class->name) || has_name(empty, class->name) || !holds_images(class->folder, true, &fault))
            continue;
        if (!parent)
            parent = text_copy_bytes(class->folder, (size_t)(strrchr(class->folder, '/') - class->folder));
        quoted_add(unknown, class->name, NULL);
    }
    const int count = unknown->count;
    const char *names = quoted_end(unknown);
    if (count)
        die(parent, "Remove or rename these folders, or put images of these classes into the training part, too.",
            "classes that are not in the training part (%d): %s", count, names);
    quoted_free(unknown);
}

/* Fewer than two classes are none, but for a model that is trained; perhaps a table beside the images says what they
 * are. */
static void check_count(const struct text_list *filled, const struct folder_reader *reader, const char *root)
{
    const int needed = reader->options->any_classes ? 1 : 2;
    if (filled->count && (needed == 1 || strcmp(filled->texts[0], filled->texts[filled->count - 1]) != 0))
        return;
    const char *table = table_in(root);
    const char *hint = table
                           ? text_format("If %s says what the images show, name it as the data.", table)
                           : "Put the images of each class into a folder of its name; a classifier needs two or more.";
    if (filled->count)
        die(root, hint, "there is only one class, \"%s\"", filled->texts[0]);
    die(root, hint,
        reader->layout.class_count ? "there are no images in it, nor in the folders in it"
                                   : "there are no folders in it, so there are no classes");
}

/* The classes are those of the training part. */
static void name_classes(const struct folder_reader *reader, const char *root)
{
    struct text_list faults = {0}, filled = filled_classes(&faults, reader), empty = {0};
    if (filled.count)
        empty = check_empty(reader, &filled, &faults, root);
    check_unknown(reader, &filled, &empty);
    check_count(&filled, reader, root);
    photo_list_name_classes(reader->list, filled.texts, filled.count, root);
    text_list_free(&empty);
    text_list_free(&faults);
}

/* That validation or test images say nothing of some classes. */
static void warn_of_missing(const struct photo_list *list, const char *root)
{
    for (int part = PHOTO_VALIDATION; part <= PHOTO_TEST; part++) {
        bool *there = allocate((size_t)list->classes, sizeof *there), any = false;
        struct quoted_names *missing = quoted_new();
        for (int i = 0; i < list->count; i++)
            if (list->photos[i].part == part)
                any = there[list->photos[i].label] = true;
        for (int i = 0; i < list->classes; i++)
            if (!there[i])
                quoted_add(missing, list->class_names[i], NULL);
        const int count = missing->count;
        const char *names = quoted_end(missing);
        if (any && count)
            warn(root, NULL, "note: %d of %d classes have no %s images: %s", count, list->classes,
                 part == PHOTO_TEST ? "test" : "validation", names);
        quoted_free(missing);
        free(there);
    }
}

/* ---- All of it ---- */

/* A path below the root; the root's own is ".". */
static const char *below(const char *path, const char *root)
{
    const size_t length = strlen(root);
    return strncmp(path, root, length) || !path[length] ? "." : path + length + 1;
}

static bool is_plain(const struct photo_source *source, const char *root)
{
    static const char *const usual[] = {"train", "val", "test", "."};
    return strcasecmp(below(source->folder, root), usual[source->part]) == 0;
}

/* Says which folders were taken for what, where that is not plain. */
static void print_sources(const struct photo_list *list, const struct layout *layout, const char *root)
{
    static const char *const names[] = {"train", "val", "test", "classes"};
    bool plain = true;
    for (int i = 0; i < list->source_count; i++)
        plain &= is_plain(&list->sources[i], root);
    if (plain)
        return;
    fputs("data: ", stderr);
    print_escaped(stderr, root);
    fputs(": ", stderr);
    if (layout->inside)
        fputs("the parts stand in the folders of the classes", stderr);
    for (int i = 0; i < list->source_count && !layout->inside; i++) {
        const bool first = !i || list->sources[i].part != list->sources[i - 1].part;
        fprintf(stderr, "%s", first ? i ? "; " : "" : ", ");
        if (first)
            fprintf(stderr, "%s in ", names[list->sources[i].part]);
        print_escaped(stderr, below(list->sources[i].folder, root));
    }
    fputc('\n', stderr);
}

static int by_part(const void *a, const void *b)
{
    const struct photo_source *x = a, *y = b;
    return x->part != y->part ? x->part - y->part : natural_order(x->folder, y->folder);
}

/* Whether it is a folder of images, and none of folders of classes. */
static bool is_loose(const char *root, const char *parts)
{
    struct folder_entries entries = folder_entries_of(root, LINKS_ARE_FOLDERS);
    const bool loose = !entries.folders.count || has_images(root, &entries, false);
    folder_entries_free(&entries);
    return parts ? strcmp(parts, "none") == 0 : loose;
}

static struct photo_list *list_loose(const char *root)
{
    struct photo_list *list = allocate(1, sizeof *list);
    list->kind = "images in any folder";
    list->has_train = true;
    char **names = allocate(1, sizeof *names);
    names[0] = text_copy("images");
    photo_list_name_classes(list, names, 1, root);
    folder_files_add(list, root, 0, PHOTO_TRAIN);
    if (!list->count)
        die(root, NULL, "there are no images in it, nor in the folders in it");
    photo_list_arrange(list);
    return list;
}

struct photo_list *folder_list(const char *root, const struct data_options *options)
{
    if (options->unlabelled && is_loose(root, options->parts))
        return list_loose(root);
    struct folder_reader reader = {allocate(1, sizeof *reader.list), layout_find(root, options->parts), options};
    struct photo_list *list = reader.list;
    struct layout *layout = &reader.layout;
    if (options->unlabelled && !layout->class_count) {
        layout_free(layout);
        free(list);
        return list_loose(root);
    }
    list->kind = "a folder for each class";
    for (int i = 0; i < layout->class_count; i++) {
        list->has_test |= layout->classes[i].part == PHOTO_TEST;
        list->has_train |= layout->classes[i].part == PHOTO_TRAIN || layout->classes[i].part == PHOTO_OPEN;
    }
    name_classes(&reader, root);
    for (int i = 0; i < layout->class_count; i++) {
        const struct layout_class *class = &layout->classes[i];
        const int label = photo_list_class(list, class->name);
        if (label < 0) {
            folder_files_leave_out(list, class->folder, LEFT_SKIPPED_CLASS, true);
            photo_list_leave_out(list, text_copy(class->folder), LEFT_SKIPPED_CLASS);
        } else {
            folder_files_add(list, class->folder, label,
                             class->part == PHOTO_TRAIN && !list->has_test ? PHOTO_OPEN : class->part);
        }
    }
    leave_out_rest(&reader, root);
    list->sources = layout->sources;
    list->source_count = layout->source_count;
    layout->sources = NULL;
    layout->source_count = 0;
    qsort(list->sources, (size_t)list->source_count, sizeof *list->sources, by_part);
    print_sources(list, layout, root);
    warn_of_missing(list, root);
    layout_free(layout);
    photo_list_arrange(list);
    return list;
}
