#include "cli/large_file.h"

#include "cli/escape.h"
#include "cli/new_file.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- Pages that cannot be read ---- */

/* What a signal handler may look at: the mapped files and what is said of each. */
static struct guard {
    _Atomic(const uint8_t *) bytes; /* NULL: the entry is free */
    size_t size;
    char *message;
    size_t length;
} guards[8];
enum { GUARDS = sizeof guards / sizeof *guards };

static void on_bus_error(int number, siginfo_t *about, void *context)
{
    (void)context;
    const uint8_t *address = about->si_addr;
    for (int i = 0; i < GUARDS; i++) {
        const uint8_t *bytes = guards[i].bytes;
        if (bytes && address >= bytes && address < bytes + guards[i].size) {
            (void)!write(STDERR_FILENO, guards[i].message, guards[i].length);
            _exit(EXIT_ERROR);
        }
    }
    signal(number, SIG_DFL); /* the access is tried again, and ends the program */
}

static void guard(const struct large_file *file)
{
    const struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    int free_entry = 0;
    while (free_entry < GUARDS && guards[free_entry].bytes)
        free_entry++;
    if (free_entry == GUARDS) /* a failing disk ends the program all the same, without a line */
        return;
    struct guard *guard = &guards[free_entry];
    FILE *out = text_open(&guard->message, &guard->length);
    fputs("eyelet: ", out);
    print_escaped(out, file->path);
    fputs(": cannot be read any more: it was cut short, or its disk fails\n"
          "        Start the command again; with --resume a training run goes on from its last checkpoint.\n",
          out);
    text_close(out);
    guard->size = file->size;
    guard->bytes = file->bytes;
    sigaction(SIGBUS, &action, NULL);
}

static void unguard(const struct large_file *file)
{
    for (int i = 0; i < GUARDS; i++)
        if (guards[i].bytes == file->bytes) {
            guards[i].bytes = NULL;
            free(guards[i].message);
        }
}

/* ---- Making and opening ---- */

/* The temporary name of the file that was made last, until it is kept or forgotten: a program that ends with a message
 * meanwhile (errors.h) leaves none. */
static char *unfinished;

static void remove_unfinished(void)
{
    if (unfinished)
        unlink(unfinished);
}

static void set_unfinished(char *temporary)
{
    static bool registered;
    registered = registered || atexit(remove_unfinished) == 0;
    unfinished = temporary;
}

static void forget_name(struct large_file *file)
{
    if (unfinished == file->temporary)
        unfinished = NULL;
    free(file->temporary);
    file->temporary = NULL;
}

/* Takes its room on the disk, or a full disk would be noticed when a page is written. The reason there is none, or
 * NULL. */
static char *take_room(int file, size_t size)
{
    struct statvfs about;
    if (fstatvfs(file, &about) == 0) {
        const uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
        if (free_bytes < size)
            return text_format("%s MB are needed, and its disk has %s MB left",
                               format_thousands(((uint64_t)size + 999999) / 1000000),
                               format_thousands(free_bytes / 1000000));
    }
    int error;
    do
        error = posix_fallocate(file, 0, (off_t)size);
    while (error == EINTR);
    return error ? text_format("no room for %s MB: %s", format_thousands(((uint64_t)size + 999999) / 1000000),
                               strerror(error))
                 : NULL;
}

/* False, with errno set. */
static bool map(struct large_file *file, int protection)
{
    void *bytes = mmap(NULL, file->size, protection, MAP_SHARED, file->file, 0);
    file->bytes = bytes == MAP_FAILED ? NULL : bytes;
    if (file->bytes)
        guard(file);
    return file->bytes != NULL;
}

/* Fills in a file that was just made. */
static bool prepare(struct large_file *file, int protection, const char *hint, struct failure *failure)
{
    char *reason = take_room(file->file, file->size);
    if (!reason && !map(file, protection))
        reason = errno == ENOMEM ? text_copy("there is not enough memory to map it")
                                 : text_format("cannot be mapped: %s", strerror(errno));
    if (!reason)
        return true;
    failure_set(failure, file->path, hint, "%s", reason);
    free(reason);
    large_file_close(file);
    return false;
}

bool large_file_create(struct large_file *file, const char *path, size_t size, struct failure *failure)
{
    static const char hint[] = "Make room there, or name a file on another disk.";
    struct destination to;
    const char *reason;
    *file = (struct large_file){.file = -1, .size = size};
    if (!find_destination(&to, path, &reason)) {
        free(to.path);
        return failure_set(failure, path, hint, "cannot be written: %s", reason);
    }
    file->path = to.path;
    if (to.kind != REPLACED) {
        large_file_close(file);
        return failure_set(failure, path, hint, "cannot be written: this is no regular file");
    }
    remove_leftovers(file->path);
    file->file = open_temporary(&file->temporary, file->path, 0666);
    if (file->file < 0) {
        failure_set(failure, path, hint, "cannot be written: %s", strerror(errno));
        free(file->temporary);
        file->temporary = NULL;
        large_file_close(file);
        return false;
    }
    set_unfinished(file->temporary);
    return prepare(file, PROT_READ, hint, failure);
}

bool large_file_create_unnamed(struct large_file *file, size_t size, struct failure *failure)
{
    static const char hint[] = "Name another folder in TMPDIR, or let more memory be used with --memory.";
    const char *folder = getenv("TMPDIR"); /* not /tmp, which is often memory */
    *file = (struct large_file){.path = text_copy(folder && *folder ? folder : "/var/tmp"), .size = size};
    char *name = text_format("%s/eyelet-XXXXXX", file->path);
    file->file = mkstemp(name);
    if (file->file >= 0)
        unlink(name);
    free(name);
    if (file->file >= 0)
        return prepare(file, PROT_READ | PROT_WRITE, hint, failure);
    failure_set(failure, file->path, hint, "no file can be made here: %s", strerror(errno));
    large_file_close(file);
    return false;
}

bool large_file_open(struct large_file *file, const char *path, const char **reason)
{
    struct stat about;
    *file = (struct large_file){.file = open_file(path, O_RDONLY | O_NONBLOCK, 0)};
    *reason = NULL;
    if (file->file < 0 || fstat(file->file, &about)) {
        *reason = strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        *reason = "is no regular file";
    } else if (about.st_size == 0) {
        *reason = "is empty";
    } else {
        file->path = text_copy(path);
        file->size = (size_t)about.st_size;
        *reason = map(file, PROT_READ) ? NULL : strerror(errno);
    }
    if (*reason)
        large_file_close(file);
    return !*reason;
}

/* ---- Writing ---- */

bool large_file_write(const struct large_file *file, size_t offset, const void *bytes, size_t size, const char **reason)
{
    const uint8_t *from = bytes;
    for (size_t written = 0; written < size;) {
        const ssize_t wrote = pwrite(file->file, from + written, size - written, (off_t)(offset + written));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            *reason = wrote ? strerror(errno) : "the disk takes no more";
            return false;
        }
        written += (size_t)wrote;
    }
    return true;
}

bool large_file_keep(struct large_file *file, const char **reason)
{
    struct stat about;
    bool kept = sync_file(file->file) && fstat(file->file, &about) == 0;
    *reason = strerror(errno);
    if (kept && (uint64_t)about.st_size != file->size) {
        *reason = "the disk did not keep all that was written";
        kept = false;
    } else if (kept && rename(file->temporary, file->path)) {
        *reason = strerror(errno);
        kept = false;
    }
    if (!kept) {
        large_file_forget(file);
        return false;
    }
    forget_name(file);
    sync_folder(file->path);
    return true;
}

void large_file_forget(struct large_file *file)
{
    if (file->temporary)
        unlink(file->temporary);
    forget_name(file);
}

void large_file_close(struct large_file *file)
{
    large_file_forget(file);
    if (file->bytes) {
        unguard(file);
        munmap(file->bytes, file->size);
    }
    if (file->file >= 0)
        close(file->file);
    free(file->path);
    *file = (struct large_file){.file = -1};
}

/* ---- Reading ---- */

void large_file_fetch(const struct large_file *file, size_t offset, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), start = offset / page * page;
    madvise(file->bytes + start, offset - start + size, MADV_WILLNEED);
}

/* Of a shared mapping no byte is lost. */
void large_file_release(const struct large_file *file) { madvise(file->bytes, file->size, MADV_DONTNEED); }
