#include "cli/files.h"

#include "cli/errors.h"
#include "cli/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t max_size)
{
    uint8_t *bytes = NULL;
    struct stat about;
    *size = 0;
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not hang the program */
    if (file < 0 || fstat(file, &about)) {
        *reason = strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        *reason = S_ISDIR(about.st_mode) ? "is a folder" : "is not a regular file";
    } else if ((uint64_t)about.st_size > max_size) {
        *reason = "is too large";
    } else {
        bytes = allocate((size_t)about.st_size + 1, 1);
        while (*size < (size_t)about.st_size) {
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

bool write_file(const char *path, const void *bytes, size_t size, const char **reason)
{
    const size_t length = strlen(path);
    /* One name, so that what a killed program leaves is overwritten by the next write and not collected. */
    char *temporary = allocate(length + sizeof ".part", 1);
    memcpy(temporary, path, length);
    memcpy(temporary + length, ".part", sizeof ".part");

    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) { /* the renaming would replace a device by a file */
        *reason = S_ISDIR(about.st_mode) ? "is a folder" : "is not a regular file";
        free(temporary);
        return false;
    }
    const int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool written = file >= 0 && write_all(file, bytes, size) && fsync(file) == 0 && fstat(file, &about) == 0;
    *reason = strerror(errno);
    if (written && (uint64_t)about.st_size != size) {
        written = false;
        *reason = "the disk did not keep all that was written";
    }
    if (file >= 0 && close(file) && written) {
        written = false;
        *reason = strerror(errno);
    }
    if (written && rename(temporary, path)) {
        written = false;
        *reason = strerror(errno);
    }
    if (!written && file >= 0)
        unlink(temporary);
    if (written) { /* makes the new name last through a power cut; not every file system can */
        char *slash = strrchr(temporary, '/');
        if (slash)
            slash[slash == temporary] = 0;
        const int folder = open(slash ? temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
            (void)fsync(folder);
            close(folder);
        }
    }
    free(temporary);
    return written;
}

void save_file(const char *path, const void *bytes, size_t size, const char *what)
{
    const char *reason;
    if (!write_file(path, bytes, size, &reason))
        die(path, "What stood there before is unchanged.", "%s cannot be written: %s", what, reason);
}

char *path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder) + strlen(name) + 2;
    char *path = allocate(length, 1);
    snprintf(path, length, "%s/%s", folder, name);
    return path;
}

char *with_suffix(const char *path, const char *ending)
{
    size_t length = strlen(path);
    static const char usual[] = ".eyelet";
    if (length > sizeof usual - 1 && strcmp(path + length - (sizeof usual - 1), usual) == 0)
        length -= sizeof usual - 1;
    char *name = allocate(length + strlen(ending) + 1, 1);
    memcpy(name, path, length);
    memcpy(name + length, ending, strlen(ending) + 1);
    return name;
}
