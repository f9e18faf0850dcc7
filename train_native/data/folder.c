/* A folder for each class: what is in it by the file system. */
#include "data/folder.h"

#include "image/formats.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* What is in a folder, but for hidden names, in the order of their bytes. */
static struct text_list names_in(const char *folder)
{
    struct text_list names = {0};
    DIR *directory = opendir(folder);
    if (!directory)
        die(folder, "A folder that cannot be looked into would be missing from the data.", "%s", strerror(errno));
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(directory)); errno = 0)
        if (entry->d_name[0] != '.')
            text_list_add(&names, entry->d_name);
    if (errno)
        die(folder, NULL, "%s", strerror(errno));
    closedir(directory);
    if (names.count)
        qsort(names.texts, (size_t)names.count, sizeof *names.texts, by_bytes);
    return names;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Pictures by their names: also of kinds that cannot be read, so that they are missed and not passed over. */
static bool is_picture_name(const char *name)
{
    static const char *const others[] = {"gif",  "webp", "tif", "tiff", "heic", "heif",
                                         "avif", "jp2",  "jxl", "ppm",  "pgm",  "svg"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
        if (strcasecmp(dot + 1, others[i]) == 0)
            return true;
    return format_has_any_extension(name);
}

/* The folders in a folder. Pictures beside them are of no class. */
static struct text_list folders_in(const char *folder)
{
    struct text_list all = names_in(folder), folders = {0};
    int images = 0;
    for (int i = 0; i < all.count; i++) {
        char *path = path_join(folder, all.texts[i]);
        if (is_folder(path))
            text_list_add(&folders, all.texts[i]);
        else
            images += is_picture_name(path);
        free(path);
    }
    if (images && folders.count)
        warn(folder, NULL, "images that stand beside the folders of classes, and are left out: %s",
             format_thousands((uint64_t)images));
    text_list_free(&all);
    return folders;
}

/* The images of one class, in its folder and all folders within. Links to folders are named and not followed there:
 * they may lead round in circles. */
static void add_class(struct photo_list *list, const char *folder, int label, enum photo_part part)
{
    struct text_list open = {0};
    const int before = list->count;
    text_list_add(&open, folder);
    for (int at = 0; at < open.count; at++) {
        struct text_list names = names_in(open.texts[at]);
        for (int i = 0; i < names.count; i++) {
            char *path = path_join(open.texts[at], names.texts[i]);
            struct stat about;
            const bool known = lstat(path, &about) == 0;
            if (known && S_ISDIR(about.st_mode)) {
                text_list_add(&open, path);
            } else if (known && S_ISLNK(about.st_mode) && is_folder(path)) {
                warn(path, NULL, "is a link to a folder: it is not followed");
            } else if (is_picture_name(path)) {
                photo_list_add(list, &(struct photo){text_copy(path), NULL, (uint16_t)label, (uint8_t)part});
            } else {
                list->ignored++;
            }
            free(path);
        }
        text_list_free(&names);
    }
    text_list_free(&open);
    if (list->count == before)
        die(folder, "Every class needs images in every part. Remove the folder, or fill it.",
            "there are no images in it");
}

/* A class folder may be a link, but not to the folder that it is in, nor two of them to one. */
static void check_apart(const char *parent, const struct text_list *classes)
{
    struct stat *seen = allocate((size_t)classes->count + 1, sizeof *seen);
    for (int i = 0; i <= classes->count; i++) {
        char *path = i ? path_join(parent, classes->texts[i - 1]) : text_copy(parent);
        if (stat(path, &seen[i]))
            die(path, NULL, "%s", strerror(errno));
        for (int k = 0; k < i; k++)
            if (seen[k].st_ino == seen[i].st_ino && seen[k].st_dev == seen[i].st_dev)
                die(path, "Remove the link.", "is the same folder as \"%s\"", k ? classes->texts[k - 1] : parent);
        free(path);
    }
    free(seen);
}

/* ---- The parts ---- */

struct part_folder {
    enum photo_part part;
    char *folder;
    struct text_list classes;
};
enum { MAX_PARTS = 3 };

static int part_named(const char *name)
{
    static const struct {
        const char *name;
        enum photo_part part;
    } parts[] = {{"train", PHOTO_TRAIN},      {"training", PHOTO_TRAIN},        {"val", PHOTO_VALIDATION},
                 {"valid", PHOTO_VALIDATION}, {"validation", PHOTO_VALIDATION}, {"test", PHOTO_TEST},
                 {"testing", PHOTO_TEST}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasecmp(name, parts[i].name) == 0)
            return (int)parts[i].part;
    return -1;
}

/* A folder called train with images in it is a class: of vehicles, perhaps. With folders in it, it is a part. */
static int parts_in(struct part_folder parts[MAX_PARTS], const char *root)
{
    struct text_list folders = folders_in(root);
    int count = 0;
    for (int i = 0; i < folders.count; i++) {
        const int part = part_named(folders.texts[i]);
        if (part < 0)
            continue;
        struct part_folder found = {(enum photo_part)part, path_join(root, folders.texts[i]), {0}};
        found.classes = folders_in(found.folder);
        if (!found.classes.count) {
            free(found.folder);
            continue;
        }
        for (int k = 0; k < count; k++)
            if (parts[k].part == found.part)
                die(found.folder, "Keep one of them.", "is the same part of the data as %s", parts[k].folder);
        parts[count++] = found;
    }
    for (int i = 0; count && i < folders.count; i++)
        if (part_named(folders.texts[i]) < 0) {
            char *path = path_join(root, folders.texts[i]);
            warn(path, NULL, "is left out: it stands beside the parts of the data");
            free(path);
        }
    if (!count)
        parts[count++] = (struct part_folder){PHOTO_OPEN, text_copy(root), folders};
    else
        text_list_free(&folders);
    return count;
}

struct photo_list *folder_list(const char *root)
{
    struct part_folder parts[MAX_PARTS];
    struct photo_list *list = allocate(1, sizeof *list);
    const int count = parts_in(parts, root);
    list->kind = "a folder for each class";
    struct text_list all = {0};
    for (int k = 0; k < count; k++) {
        check_apart(parts[k].folder, &parts[k].classes);
        list->has_test |= parts[k].part == PHOTO_TEST;
        list->has_train |= parts[k].part == PHOTO_TRAIN || parts[k].part == PHOTO_OPEN;
        for (int i = 0; i < parts[k].classes.count; i++)
            text_list_add(&all, parts[k].classes.texts[i]);
    }
    if (!all.count)
        die(root, "Put the images of each class into a folder of its name.",
            "there are no folders in it, so there are no classes");
    photo_list_name_classes(list, all.texts, all.count, root);
    for (int k = 0; k < count; k++)
        for (int i = 0; i < list->classes; i++) {
            char *folder = path_join(parts[k].folder, list->class_names[i]);
            if (!is_folder(folder))
                die(parts[k].folder, "Every part of the data needs the same classes.",
                    "the class \"%s\" is missing here", list->class_names[i]);
            enum photo_part part = parts[k].part;
            if (part == PHOTO_TRAIN && !list->has_test)
                part = PHOTO_OPEN;
            add_class(list, folder, i, part);
            free(folder);
        }
    for (int k = 0; k < count; k++) {
        text_list_free(&parts[k].classes);
        free(parts[k].folder);
    }
    photo_list_arrange(list);
    return list;
}
