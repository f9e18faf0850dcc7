#include "exchange/package.h"

#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/folder_entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct loaded {
    char *name;
    uint8_t *bytes;
    size_t size;
};

/* What has been read. */
struct shelf {
    struct loaded *files;
    int count;
};

struct package {
    char *path, *folder; /* folder: in which names are looked for */
    uint8_t *bytes;      /* of the file that was named, or NULL */
    size_t size;
    struct package_zip *zip; /* that those are, or NULL */
    struct text_list names;  /* but for those of the zip */
    struct shelf *shelf;
};

/* ---- Opening ---- */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? text_copy_bytes(path, slash == path ? 1 : (size_t)(slash - path)) : text_copy(".");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool list_folder(struct package *package, struct failure *failure)
{
    package->folder = text_copy(package->path);
    struct folder_entries entries = folder_entries_of(package->path, LINKS_APART);
    for (int i = 0; i < entries.files.count; i++)
        text_list_add(&package->names, entries.files.texts[i]);
    if (entries.fault)
        failure_set(failure, package->path, NULL, "cannot be listed: %s", entries.fault);
    folder_entries_free(&entries);
    return !entries.fault;
}

static bool read_named(struct package *package, struct failure *failure)
{
    const char *reason;
    package->folder = folder_of(package->path);
    text_list_add(&package->names, base_name(package->path));
    package->bytes = read_file(&package->size, &reason, package->path, PACKAGE_MAX_BYTES);
    if (!package->bytes)
        return failure_set(failure, package->path, NULL, "cannot be read: %s", reason);
    if (!package_zip_is(package->bytes, package->size))
        return true;
    package->zip = package_zip_open(package->bytes, package->size, package->path, failure);
    return package->zip != NULL;
}

struct package *package_open(const char *path, struct failure *failure)
{
    struct stat about;
    if (stat(path, &about)) {
        failure_set(failure, path, NULL, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    struct package *package = allocate(1, sizeof *package);
    package->path = text_copy(path);
    package->shelf = allocate(1, sizeof *package->shelf);
    if ((S_ISDIR(about.st_mode) ? list_folder : read_named)(package, failure))
        return package;
    package_close(package);
    return NULL;
}

void package_close(struct package *package)
{
    if (!package)
        return;
    for (int i = 0; i < package->shelf->count; i++) {
        free(package->shelf->files[i].name);
        free(package->shelf->files[i].bytes);
    }
    free(package->shelf->files);
    free(package->shelf);
    text_list_free(&package->names);
    package_zip_close(package->zip);
    free(package->bytes);
    free(package->folder);
    free(package->path);
    free(package);
}

const char *package_path(const struct package *package) { return package->path; }

const uint8_t *package_bytes(size_t *size, const struct package *package)
{
    *size = package->zip ? 0 : package->size;
    return package->zip ? NULL : package->bytes;
}

/* ---- Names ---- */

static const struct text_list *names_of(const struct package *package)
{
    return package->zip ? package_zip_names(package->zip) : &package->names;
}

const char *package_name(const struct package *package, int i)
{
    const struct text_list *names = names_of(package);
    return i < names->count ? names->texts[i] : NULL;
}

const char *package_name_ending(const struct package *package, const char *ending)
{
    const size_t length = strlen(ending);
    const char *name;
    for (int i = 0; (name = package_name(package, i)); i++)
        if (strlen(name) > length && strcasecmp(name + strlen(name) - length, ending) == 0)
            return name;
    return NULL;
}

/* "./weights.bin" is called "weights.bin". */
static const char *plain_name(const char *name)
{
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    return name;
}

/* Whether a path, behind all links, is below the folder; what is not there is not. */
static bool is_below(const char *folder, const char *path)
{
    char *real_folder = realpath(folder, NULL), *real_path = realpath(path, NULL);
    bool below = real_folder && real_path;
    if (below) {
        const size_t length = strcmp(real_folder, "/") == 0 ? 0 : strlen(real_folder);
        below = strncmp(real_path, real_folder, length) == 0 && real_path[length] == '/';
    }
    free(real_folder);
    free(real_path);
    return below;
}

/* ---- Files ---- */

static const struct loaded *on_shelf(const struct shelf *shelf, const char *name)
{
    for (int i = 0; i < shelf->count; i++)
        if (strcmp(shelf->files[i].name, name) == 0)
            return &shelf->files[i];
    return NULL;
}

bool package_has(const struct package *package, const char *name)
{
    struct stat about;
    name = plain_name(name);
    const struct text_list *names = names_of(package);
    for (int i = 0; package->zip && i < names->count; i++)
        if (strcmp(names->texts[i], name) == 0)
            return true;
    if (package->zip || package_leads_out(name))
        return false;
    char *path = path_join(package->folder, name);
    const bool has = stat(path, &about) == 0 && S_ISREG(about.st_mode) && is_below(package->folder, path);
    free(path);
    return has;
}

/* Of the folder. */
static uint8_t *read_from_folder(size_t *size, const struct package *package, const char *name, struct failure *failure)
{
    const char *reason;
    struct stat about;
    uint8_t *bytes = NULL;
    char *path = path_join(package->folder, name);
    if (stat(path, &about))
        failure_set(failure, path, errno == ENOENT ? "Put it there: the model needs it." : NULL, "cannot be read: %s",
                    errno == ENOENT ? "there is no such file" : strerror(errno));
    else if (!is_below(package->folder, path))
        failure_set(failure, path, "Copy the file to the place of the link.", "is a link out of the model's folder");
    else if (!(bytes = read_file(size, &reason, path, PACKAGE_MAX_BYTES)))
        failure_set(failure, path, NULL, "cannot be read: %s", reason);
    free(path);
    return bytes;
}

const uint8_t *package_file(size_t *size, const struct package *package, const char *name, struct failure *failure)
{
    name = plain_name(name);
    const struct loaded *found = on_shelf(package->shelf, name);
    if (found) {
        *size = found->size;
        return found->bytes;
    }
    *size = 0;
    if (package_leads_out(name)) {
        failure_set(failure, package->path, "A model's files stand in its own folder.",
                    "names a file outside of its folder: %.200s", *name ? name : "a name without letters");
        return NULL;
    }
    if (!package->zip && package->bytes && strcmp(name, base_name(package->path)) == 0)
        return package_bytes(size, package);
    uint8_t *bytes = package->zip ? package_zip_file(size, package->zip, name, failure)
                                  : read_from_folder(size, package, name, failure);
    if (bytes)
        LIST_ADD(package->shelf->files, package->shelf->count,
                 (struct loaded){.name = text_copy(name), .bytes = bytes, .size = *size});
    return bytes;
}
