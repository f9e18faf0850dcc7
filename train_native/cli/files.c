#include "cli/files.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *path, int flags, mode_t mode)
{
    int file;
    do
        file = open(path, flags | O_CLOEXEC, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t max_size)
{
    uint8_t *bytes = NULL;
    struct stat about;
    *size = 0;
    const int file = open_file(path, O_RDONLY | O_NONBLOCK, 0); /* a FIFO must not hang the program */
    if (file < 0 || fstat(file, &about)) {
        *reason = strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        *reason = S_ISDIR(about.st_mode) ? "is a folder" : "is not a regular file";
    } else if ((uint64_t)about.st_size > max_size) {
        *reason = "is too large";
    } else {
        bytes = allocate_or_null((size_t)about.st_size + 1, 1);
        *reason = "there is not enough memory for it";
        while (bytes && *size < (size_t)about.st_size) {
            const ssize_t got = read(file, bytes + *size, (size_t)about.st_size - *size);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0) {
                *reason = got ? strerror(errno) : "became shorter while it was read";
                free(bytes);
                bytes = NULL;
                break;
            }
            *size += (size_t)got;
        }
    }
    if (file >= 0)
        close(file);
    return bytes;
}

size_t read_file_start(uint8_t *bytes, size_t size, const char *path, const char **reason)
{
    struct stat about;
    ssize_t got = 0;
    const int file = open_file(path, O_RDONLY | O_NONBLOCK, 0);
    *reason = file < 0 || fstat(file, &about) ? strerror(errno) : NULL;
    if (!*reason && S_ISREG(about.st_mode)) {
        do
            got = read(file, bytes, size);
        while (got < 0 && errno == EINTR);
        *reason = got < 0 ? strerror(errno) : NULL;
    }
    if (file >= 0)
        close(file);
    return got > 0 ? (size_t)got : 0;
}

static bool write_all(int file, const uint8_t *bytes, size_t size)
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

static bool sync_file(int file)
{
    while (fsync(file))
        if (errno != EINTR)
            return false;
    return true;
}

/* ---- Where a file is written ---- */

struct destination {
    char *path; /* what the name means, behind symbolic links; owned */
    enum { REPLACED, DIRECT, STANDARD_OUTPUT } kind;
    bool there;
    struct stat about; /* if it is there */
};

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

/* False, with *reason set, if nothing can be written there. */
static bool find_destination(struct destination *to, const char *path, const char **reason)
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

/* Opens a file of a new name beside `path`, locked for as long as it is written. */
static int open_temporary(char **temporary, const char *path, mode_t mode)
{
    enum { MAX_ATTEMPTS = 1000 };
    const char *name = base_name(path);
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        *temporary = text_format("%.*s%.*s%s%ld-%d%s", (int)(name - path), path, kept_length(name), name, mark,
                                 (long)getpid(), attempt, end);
        const int file = open_file(*temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
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

/* ---- Writing ---- */

/* As the renaming: it lasts through a power cut. Not every file system can. */
static void sync_folder(const char *path)
{
    char *folder = folder_of(path);
    const int file = open_file(folder, O_RDONLY | O_DIRECTORY, 0);
    if (file >= 0 && !sync_file(file) && errno != EINVAL && errno != ENOTSUP)
        warn(path, NULL, "is written, but a power cut may still undo it: %s", strerror(errno));
    if (file >= 0)
        close(file);
    free(folder);
}

static bool fill(int file, const struct destination *to, const uint8_t *bytes, size_t size, const char **reason)
{
    struct stat about;
    if (to->there) { /* as far as the system allows it */
        const bool owned = fchown(file, to->about.st_uid, to->about.st_gid) == 0;
        (void)fchmod(file, to->about.st_mode & (owned ? 07777 : 0777));
    }
    const bool written = write_all(file, bytes, size) && sync_file(file) && fstat(file, &about) == 0;
    *reason = strerror(errno);
    if (written && (uint64_t)about.st_size != size) {
        *reason = "the disk did not keep all that was written";
        return false;
    }
    return written;
}

static bool replace(const struct destination *to, const uint8_t *bytes, size_t size, const char **reason)
{
    char *temporary;
    remove_leftovers(to->path);
    const int file = open_temporary(&temporary, to->path, to->there ? 0600 : 0666);
    if (file < 0) {
        *reason = strerror(errno);
        free(temporary);
        return false;
    }
    bool written = fill(file, to, bytes, size, reason);
    if ((close(file) && errno != EINTR && written) || (written && rename(temporary, to->path))) {
        *reason = strerror(errno);
        written = false;
    }
    if (written)
        sync_folder(to->path);
    else
        unlink(temporary);
    free(temporary);
    return written;
}

static bool write_directly(const struct destination *to, const uint8_t *bytes, size_t size, const char **reason)
{
    const bool standard = to->kind == STANDARD_OUTPUT;
    fflush(stdout);
    const int file = standard ? dup(STDOUT_FILENO) : open_file(to->path, O_WRONLY | O_NOCTTY, 0);
    const bool written = file >= 0 && write_all(file, bytes, size);
    *reason = strerror(errno);
    if (file >= 0)
        close(file);
    if (standard) /* what is printed from here on must not get into it */
        dup2(STDERR_FILENO, STDOUT_FILENO);
    return written;
}

bool write_file(const char *path, const void *bytes, size_t size, const char **reason)
{
    struct destination to;
    const bool written = find_destination(&to, path, reason) &&
                         (to.kind == REPLACED ? replace : write_directly)(&to, bytes, size, reason);
    free(to.path);
    return written;
}

bool append_to_file(const char *path, const void *bytes, size_t size, const char **reason)
{
    struct stat before;
    const int file = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    const bool written = file >= 0 && fstat(file, &before) == 0 && write_all(file, bytes, size);
    *reason = strerror(errno);
    if (file >= 0 && !written && ftruncate(file, before.st_size))
        warn(path, NULL, "its last line may be cut: %s", strerror(errno));
    if (file >= 0)
        close(file);
    return written;
}

bool can_write_file(const char *path, const char **reason)
{
    struct destination to;
    char *temporary = NULL;
    bool can = find_destination(&to, path, reason);
    if (can && to.kind == REPLACED) {
        const int file = open_temporary(&temporary, to.path, 0600);
        can = file >= 0;
        *reason = strerror(errno);
        if (can) {
            close(file);
            unlink(temporary);
        }
    }
    free(temporary);
    free(to.path);
    return can;
}

void save_file(const char *path, const void *bytes, size_t size, const char *what)
{
    const char *reason;
    if (!write_file(path, bytes, size, &reason))
        die(path, "What stood there before is unchanged.", "%s cannot be written: %s", what, reason);
}

char *path_join(const char *folder, const char *name) { return text_format("%s/%s", folder, name); }

char *with_suffix(const char *path, const char *ending)
{
    static const char usual[] = ".eyelet";
    size_t length = strlen(path);
    if (length > sizeof usual - 1 && strcmp(path + length - (sizeof usual - 1), usual) == 0)
        length -= sizeof usual - 1;
    return text_format("%.*s%s", (int)length, path, ending);
}
