#include "cli/new_file.h"

#include "cli/errors.h"
#include "cli/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int open_file(const char *path, int flags, mode_t mode)
{
    int file;
    do
        file = open(path, flags | O_CLOEXEC, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

bool write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size) {
        const ssize_t wrote = write(file, bytes, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

bool sync_file(int file)
{
    while (fsync(file))
        if (errno != EINTR)
            return false;
    return true;
}

/* ---- Where a file is written ---- */

/* The name behind all symbolic links, also where nothing is there yet; NULL if they lead round in circles. */
static char *resolve(const char *path)
{
    enum { MAX_LINKS = 40, MAX_TARGET = 4096 };
    char target[MAX_TARGET + 1], *name = text_copy(path);
    for (int links = 0; links < MAX_LINKS; links++) {
        const ssize_t length = readlink(name, target, MAX_TARGET);
        if (length < 0)
            return name;
        target[length] = 0;
        const char *slash = *target == '/' ? NULL : strrchr(name, '/');
        char *next = slash ? text_format("%.*s/%s", (int)(slash - name), name, target) : text_copy(target);
        free(name);
        name = next;
    }
    free(name);
    return NULL;
}

static bool is_standard_output(const struct stat *about)
{
    struct stat output;
    return !S_ISCHR(about->st_mode) && fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == about->st_dev &&
           output.st_ino == about->st_ino;
}

bool find_destination(struct destination *to, const char *path, const char **reason)
{
    *to = (struct destination){0};
    to->there = stat(path, &to->about) == 0;
    if (!to->there && errno != ENOENT) {
        *reason = strerror(errno);
        return false;
    }
    const mode_t mode = to->there ? to->about.st_mode : S_IFREG;
    if (to->there && is_standard_output(&to->about)) {
        to->kind = STANDARD_OUTPUT;
    } else if (S_ISCHR(mode) || S_ISFIFO(mode)) {
        to->kind = DIRECT; /* a renaming would replace the device by a file */
    } else if (!S_ISREG(mode)) {
        *reason = S_ISDIR(mode) ? "is a folder" : "is not a regular file";
        return false;
    }
    to->path = resolve(path);
    *reason = strerror(ELOOP);
    return to->path != NULL;
}

/* ---- The temporary file ---- */

static const char mark[] = ".writing-", end[] = ".part";

/* The last part of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Of the file's name what leaves room for the rest of the temporary one's. */
static int kept_length(const char *name) { return (int)strnlen(name, NAME_MAX - 40); }

int open_temporary(char **temporary, const char *path, mode_t mode)
{
    enum { MAX_ATTEMPTS = 1000 };
    const char *name = base_name(path);
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        *temporary = text_format("%.*s%.*s%s%ld-%d%s", (int)(name - path), path, kept_length(name), name, mark,
                                 (long)getpid(), attempt, end);
        const int file = open_file(*temporary, O_RDWR | O_CREAT | O_EXCL, mode);
        if (file < 0 && errno != EEXIST)
            return -1;
        struct stat about; /* another program may just be removing it as a leftover */
        if (file >= 0 && !(flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) && fstat(file, &about) == 0 &&
            about.st_nlink)
            return file;
        if (file >= 0)
            close(file);
        free(*temporary);
    }
    *temporary = NULL;
    errno = EEXIST;
    return -1;
}

/* Whether a name is that of a temporary file for `path`. */
static bool is_temporary(const char *name, const char *path)
{
    const int length = kept_length(base_name(path));
    if (strncmp(name, base_name(path), (size_t)length) != 0 || strncmp(name + length, mark, sizeof mark - 1) != 0)
        return false;
    const char *rest = name + length + sizeof mark - 1;
    return strcmp(rest + strspn(rest, "0123456789-"), end) == 0;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? text_copy_bytes(path, slash == path ? 1 : (size_t)(slash - path)) : text_copy(".");
}

void remove_leftovers(const char *path)
{
    char *target = resolve(path), *folder = folder_of(target ? target : path);
    DIR *directory = opendir(folder);
    for (const struct dirent *entry; directory && target && (entry = readdir(directory));) {
        if (!is_temporary(entry->d_name, target))
            continue;
        const int file = openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) /* whoever wrote it is gone */
            unlinkat(dirfd(directory), entry->d_name, 0);
        if (file >= 0)
            close(file);
    }
    if (directory)
        closedir(directory);
    free(folder);
    free(target);
}

/* Not every file system can. */
void sync_folder(const char *path)
{
    char *folder = folder_of(path);
    const int file = open_file(folder, O_RDONLY | O_DIRECTORY, 0);
    if (file >= 0 && !sync_file(file) && errno != EINVAL && errno != ENOTSUP)
        warn(path, NULL, "is written, but a power cut may still undo it: %s", strerror(errno));
    if (file >= 0)
        close(file);
    free(folder);
}
