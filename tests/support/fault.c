/* A library to preload: the N-th call of a kind fails, or the process is killed at it. For the plain build on glibc; sanitizers have
 * an allocator of their own.
 *
 *     FAULT_COUNTS=counts LD_PRELOAD=build/faults/fault.so build/eyelet summary m.eyelet       # "memory 8\nopen 1\n ..."
 *     FAULT=memory:5 LD_PRELOAD=...                       # the fifth allocation gives NULL
 *     FAULT=write:2:28                                    # the second write fails with errno 28 (ENOSPC)
 *     FAULT=any:7:kill                                    # SIGKILL before the seventh call on files
 *     FAULT=write:1:short                                 # from the first on, a write takes one byte
 *
 * Kinds: memory, open, read, write, sync, rename, unlink, truncate, map, close, list (an entry of a folder); any: all but memory, of the first process. Only
 * the calls of the program itself are seen, not those that libc makes for it; child processes count on where their parent is. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { MEMORY, OPEN, READ, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, MAP, CLOSE, LIST, ANY, KINDS };
static const char *const names[KINDS] = {"memory", "open",     "read", "write", "sync", "rename",
                                         "unlink", "truncate", "map",  "close", "list", "any"};

/* Of all processes of the program; no call is seen before it is there. */
static atomic_long *counts;
static long when; /* 0: never */
static enum kind failing;
static enum { FAIL, KILL, SHORT } how;
static int code = ENOMEM;
static pid_t first;

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("FAULT");
    first = getpid();
    char name[16] = "", what[16] = "";
    if (fault && sscanf(fault, "%15[a-z]:%ld:%15s", name, &when, what) >= 2)
        for (int kind = 0; kind < KINDS; kind++)
            if (strcmp(name, names[kind]) == 0)
                failing = (enum kind)kind;
    how = strcmp(what, "kill") == 0 ? KILL : strcmp(what, "short") == 0 ? SHORT : FAIL;
    if (how == FAIL && *what)
        code = atoi(what);
    counts = (atomic_long *)syscall(SYS_mmap, NULL, KINDS * sizeof *counts, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAULT_COUNTS");
    char text[KINDS * 32] = "";
    for (int kind = 0; kind < KINDS; kind++)
        sprintf(text + strlen(text), "%s %ld\n", names[kind], (long)counts[kind]);
    const int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (file >= 0) {
        syscall(SYS_write, file, text, strlen(text));
        syscall(SYS_close, file);
    }
}

/* Counts a call; whether it is to fail, with errno set. */
static bool fails(enum kind kind)
{
    if (!counts)
        return false;
    const long own = atomic_fetch_add(&counts[kind], 1) + 1;
    const long any = kind == MEMORY || getpid() != first ? 0 : atomic_fetch_add(&counts[ANY], 1) + 1;
    if (how == SHORT || !((kind == failing && own == when) || (failing == ANY && any == when)))
        return false;
    if (how == KILL)
        kill(getpid(), SIGKILL);
    errno = code;
    return true;
}

static bool is_short(enum kind kind) { return how == SHORT && kind == failing && counts[kind] >= when; }

#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

/* ---- Memory ---- */

extern void *__libc_malloc(size_t size), *__libc_calloc(size_t count, size_t size),
    *__libc_realloc(void *block, size_t size), *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) { return fails(MEMORY) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails(MEMORY) ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return fails(MEMORY) ? NULL : __libc_realloc(block, size); }
void *aligned_alloc(size_t alignment, size_t size) { return fails(MEMORY) ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void **block, size_t alignment, size_t size)
{
    return fails(MEMORY) || !(*block = __libc_memalign(alignment, size)) ? ENOMEM : 0;
}

/* ---- Files ---- */

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

int mkstemp(char *name) { return fails(OPEN) ? -1 : NEXT(mkstemp)(name); }

ssize_t read(int file, void *bytes, size_t size)
{
    return fails(READ) ? -1 : syscall(SYS_read, file, bytes, is_short(READ) && size ? 1 : size);
}

ssize_t write(int file, const void *bytes, size_t size)
{
    return fails(WRITE) ? -1 : syscall(SYS_write, file, bytes, is_short(WRITE) && size ? 1 : size);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    return fails(WRITE) ? -1 : syscall(SYS_pwrite64, file, bytes, is_short(WRITE) && size ? 1 : size, offset);
}

int fsync(int file) { return fails(SYNC) ? -1 : (int)syscall(SYS_fsync, file); }
int rename(const char *from, const char *to) { return fails(RENAME) ? -1 : NEXT(rename)(from, to); }
int unlink(const char *path) { return fails(UNLINK) ? -1 : NEXT(unlink)(path); }
int unlinkat(int folder, const char *path, int flags)
{
    return fails(UNLINK) ? -1 : NEXT(unlinkat)(folder, path, flags);
}
int ftruncate(int file, off_t size) { return fails(TRUNCATE) ? -1 : NEXT(ftruncate)(file, size); }
int posix_fallocate(int file, off_t from, off_t size)
{
    return fails(TRUNCATE) ? errno : NEXT(posix_fallocate)(file, from, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t from)
{
    return fails(MAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, address, size, protection, flags, file, from);
}

struct dirent *readdir(DIR *folder) { return fails(LIST) ? NULL : NEXT(readdir)(folder); }

int close(int file)
{
    const int result = (int)syscall(SYS_close, file); /* it is closed even where that tells of a failure */
    return fails(CLOSE) ? -1 : result;
}
