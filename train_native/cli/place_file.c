#include "cli/place_file.h"

#include "cli/files.h"
#include "cli/new_file.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, MAX_NUMBER = 1000000 };

/* Bytes until the chunk is full or the file ends; -1: errno tells why not. */
static ssize_t read_chunk(int file, uint8_t chunk[CHUNK])
{
    size_t got = 0;
    while (got < CHUNK) {
        const ssize_t more = read(file, chunk + got, CHUNK - got);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (!more)
            break;
        got += (size_t)more;
    }
    return (ssize_t)got;
}

/* 1: equal, 0: not, -1: errno tells why that is not known. */
static int same_bytes(int first, int second)
{
    uint8_t chunks[2][CHUNK];
    for (;;) {
        const ssize_t a = read_chunk(first, chunks[0]), b = read_chunk(second, chunks[1]);
        if (a < 0 || b < 0)
            return -1;
        if (a != b || memcmp(chunks[0], chunks[1], (size_t)a) != 0)
            return 0;
        if (!a)
            return 1;
    }
}

/* The same of a file and what has a name already. */
static int same_file(const char *source, const char *name)
{
    struct stat a, b;
    if (stat(source, &a))
        return -1;
    if (stat(name, &b) || !S_ISREG(b.st_mode))
        return 0;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return 1;
    if (a.st_size != b.st_size)
        return 0;
    const int first = open_file(source, O_RDONLY | O_NONBLOCK, 0), second = open_file(name, O_RDONLY | O_NONBLOCK, 0);
    const int same = first < 0 ? -1 : second < 0 ? 0 : same_bytes(first, second);
    const int error = errno;
    if (first >= 0)
        close(first);
    if (second >= 0)
        close(second);
    errno = error;
    return same;
}

/* Of bytes and time. */
static bool copy_into(int to, int from)
{
    uint8_t chunk[CHUNK];
    struct stat about;
    if (fstat(from, &about))
        return false;
    ssize_t got;
    while ((got = read_chunk(from, chunk)) > 0)
        if (!write_all(to, chunk, (size_t)got))
            return false;
    (void)futimens(to, (const struct timespec[]){about.st_atim, about.st_mtim}); /* not every file system can */
    return !got && sync_file(to);
}

/* A complete copy under a temporary name, which the caller removes and frees; NULL: errno tells why there is none. */
static char *temporary_copy(const struct place *place)
{
    char *temporary = NULL;
    const int from = open_file(place->source, O_RDONLY | O_NONBLOCK, 0);
    const int to = from < 0 ? -1 : open_temporary(&temporary, place->temporary, 0666);
    bool copied = to >= 0 && copy_into(to, from);
    int error = errno;
    if (to >= 0 && close(to) && errno != EINTR && copied) {
        error = errno;
        copied = false;
    }
    if (from >= 0)
        close(from);
    if (to >= 0 && !copied)
        unlink(temporary);
    if (!copied) {
        free(temporary);
        temporary = NULL;
    }
    errno = error;
    return temporary;
}

/* A renaming that fails where the name is taken. */
static bool rename_once(const char *temporary, const char *name)
{
#ifdef RENAME_NOREPLACE
    return renameat2(AT_FDCWD, temporary, AT_FDCWD, name, RENAME_NOREPLACE) == 0;
#else
    (void)temporary;
    (void)name;
    errno = ENOSYS;
    return false;
#endif
}

/* Where the file system or the C library does not know such a renaming, a link does the same; and where it has no hard
 * links, what comes next to it. */
static bool give_name(const char *temporary, const char *name)
{
    struct stat about;
    if (rename_once(temporary, name))
        return true;
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return false;
    if (link(temporary, name) == 0) {
        unlink(temporary);
        return true;
    }
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK)
        return false;
    if (lstat(name, &about) == 0) {
        errno = EEXIST;
        return false;
    }
    return errno == ENOENT && rename(temporary, name) == 0;
}

static bool give_link(const char *source, const char *name)
{
    if (linkat(AT_FDCWD, source, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != ENOTSUP && errno != ENOSYS)
        return false;
    char *absolute = realpath(source, NULL);
    const bool linked = absolute && symlink(absolute, name) == 0;
    const int error = errno;
    free(absolute);
    errno = error;
    return linked;
}

/* folder/photo.png, folder/photo-2.png, ...; the caller frees it. */
static char *numbered(const struct place *place, int number)
{
    const char *slash = strrchr(place->source, '/'), *name = slash ? slash + 1 : place->source;
    const char *dot = strrchr(name, '.');
    const int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    return number == 1 ? path_join(place->folder, name)
                       : text_format("%s/%.*s-%d%s", place->folder, stem, name, number, name + stem);
}

/* Tries one name: 1 if the file has it now, or had it; 0 if another has; -1 if errno tells why it cannot. */
static int try_name(bool *there, char **temporary, const struct place *place, const char *name)
{
    struct stat about;
    if (lstat(name, &about) == 0) {
        const int same = same_file(place->source, name);
        *there = same == 1;
        return same;
    }
    if (errno != ENOENT)
        return -1;
    if (!place->link && !*temporary && !(*temporary = temporary_copy(place)))
        return -1;
    if (place->link ? give_link(place->source, name) : give_name(*temporary, name))
        return 1;
    return errno == EEXIST ? 0 : -1;
}

bool place_file(bool *there, const char **reason, const struct place *place)
{
    char *temporary = NULL;
    int done = 0;
    *there = false;
    errno = EEXIST;
    for (int number = 1; !done && number <= MAX_NUMBER; number++) {
        char *name = numbered(place, number);
        done = try_name(there, &temporary, place, name);
        const int error = errno;
        if (done == 1 && !*there)
            sync_folder(name);
        free(name);
        errno = error;
    }
    *reason = strerror(errno);
    if (temporary && (done != 1 || *there))
        unlink(temporary);
    free(temporary);
    return done == 1;
}
