#include "cli/util.h"

#include "net/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void vmessage(const char *subject, const char *hint, const char *format, va_list arguments)
{
    fflush(stdout);
    fputs("eyelet: ", stderr);
    if (subject) {
        print_escaped(stderr, subject);
        fputs(": ", stderr);
    }
    char *message;
    if (vasprintf(&message, format, arguments) < 0)
        message = NULL;
    print_escaped(stderr, message ? message : "there is not enough memory"); /* it may quote a file or an argument */
    free(message);
    fputc('\n', stderr);
    if (hint)
        fprintf(stderr, "        %s\n", hint);
}

void warn(const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vmessage(subject, hint, format, arguments);
    va_end(arguments);
}

void die(const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vmessage(subject, hint, format, arguments);
    va_end(arguments);
    exit(EXIT_ERROR);
}

void *allocate(size_t count, size_t size)
{
    size_t bytes;
    void *block = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2 ||
        !(block = aligned_alloc(64, (bytes + 64) / 64 * 64)))
        die(NULL, "Close other programs, or use a smaller batch or network.", "not enough memory for %zu x %zu bytes",
             count, size);
    memset(block, 0, bytes);
    return block;
}

/* Bytes of the UTF-8 character at text, or 0 if it is not one that may be printed. */
static int printable(const char *text)
{
    const size_t left = strnlen(text, 4);
    for (int length = 1; length <= (int)left; length++)
        if (model_text_valid(text, length, false))
            return length;
    return 0;
}

void print_escaped(FILE *out, const char *text)
{
    while (*text) {
        const int length = printable(text);
        if (length)
            fwrite(text, 1, (size_t)length, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        text += length ? length : 1;
    }
}

void print_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        const int length = printable(text);
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if (length)
            fwrite(text, 1, (size_t)length, out);
        else if ((unsigned char)*text < 0x80)
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else if ((unsigned char)*text == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80) /* U+0080 to U+009F */
            fprintf(out, "\\u%04x", (unsigned char)*++text);
        else
            fputs("\\ufffd", out); /* JSON cannot hold a byte that is no text */
        text += length ? length : 1;
    }
    fputc('"', out);
}

uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t most)
{
    uint8_t *bytes = NULL;
    struct stat about;
    *size = 0;
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not hang the program */
    if (file < 0 || fstat(file, &about)) {
        *reason = strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        *reason = S_ISDIR(about.st_mode) ? "is a folder" : "is not a regular file";
    } else if ((uint64_t)about.st_size > most) {
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
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) { /* the renaming would put a file in a device's place */
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

double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

const char *format_thousands(uint64_t number)
{
    static _Thread_local char buffers[4][32];
    static _Thread_local int turn;
    char *p = buffers[turn = (turn + 1) % 4] + 31;
    *p = 0;
    for (int digits = 0; digits == 0 || number; digits++, number /= 10) {
        if (digits && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + number % 10);
    }
    return p;
}
