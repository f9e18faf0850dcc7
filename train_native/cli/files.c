#include "cli/files.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/new_file.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads so many bytes of an open file, and puts a zero behind them. */
static uint8_t *read_bytes(int file, size_t size, const char **reason)
{
    uint8_t *bytes = allocate_or_null(size + 1, 1);
    *reason = "there is not enough memory for it";
    for (size_t done = 0; bytes && done < size;) {
        const ssize_t got = read(file, bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            *reason = got ? strerror(errno) : "became shorter while it was read";
            free(bytes);
            return NULL;
        }
        done += (size_t)got;
    }
    return bytes;
}

/* The first bytes of a regular file, at most `most`; *size is that of the whole file, at most max_size. */
static uint8_t *read_first(size_t *size, const char **reason, const char *path, size_t most, size_t max_size)
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
        *size = (size_t)about.st_size;
        bytes = read_bytes(file, *size < most ? *size : most, reason);
    }
    if (file >= 0)
        close(file);
    return bytes;
}

uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t max_size)
{
    return read_first(size, reason, path, SIZE_MAX, max_size);
}

uint8_t *read_file_part(size_t *size, const char **reason, const char *path, size_t most)
{
    return read_first(size, reason, path, most, SIZE_MAX);
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

/* ---- Writing ---- */

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
