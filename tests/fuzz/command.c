/* What may end the program, without that end (fuzz.h): the linker sends calls of exit here, and of what has to be taken
 * back after it. Nor are there child processes: a fault in one would be none of this process, which is watched. */
#include "data/sandbox.h"
#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <omp.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The end of the program, and the memory that it would have freed ---- */

enum { MAX_BLOCKS = 1 << 16, BUCKETS = 1 << 12, MAX_STREAMS = 64, MAX_MAPS = 64 };

/* The blocks that a command has taken and not freed, in lists by their addresses; 0 ends a list. */
static struct {
    struct {
        const volatile void *address;
        int next;
    } blocks[MAX_BLOCKS];
    int first[BUCKETS], used, unused;
    bool counting;
} taken;

static FILE *streams[MAX_STREAMS];
static int stream_count;
static struct {
    void *address;
    size_t size;
} maps[MAX_MAPS];

static jmp_buf end;
static bool may_end;

static int *bucket_of(const volatile void *address) { return &taken.first[((uintptr_t)address >> 4) % BUCKETS]; }

static void took(const volatile void *address, size_t size)
{
    (void)size;
    if (!taken.counting || !address)
        return;
    int number = taken.unused;
    if (number)
        taken.unused = taken.blocks[number].next;
    else if (taken.used + 1 < MAX_BLOCKS)
        number = ++taken.used;
    else
        return;
    int *bucket = bucket_of(address);
    taken.blocks[number].address = address;
    taken.blocks[number].next = *bucket;
    *bucket = number;
}

static void gave_back(const volatile void *address)
{
    for (int *at = bucket_of(address); taken.counting && *at; at = &taken.blocks[*at].next)
        if (taken.blocks[*at].address == address) {
            const int number = *at;
            *at = taken.blocks[number].next;
            taken.blocks[number].next = taken.unused;
            taken.unused = number;
            return;
        }
}

/* What a command leaves that returned is a leak, for LeakSanitizer to find. */
static void forget(bool and_free)
{
    for (int i = 0; i < BUCKETS && and_free; i++)
        for (int number = taken.first[i]; number; number = taken.blocks[number].next)
            free((void *)(uintptr_t)taken.blocks[number].address);
    memset(taken.first, 0, sizeof taken.first);
    taken.used = taken.unused = 0;
}

/* The names are the linker's. */
_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap_exit(int status)
{
    if (may_end)
        longjmp(end, 1);
    __real_exit(status);
}

FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    FILE *stream = __real_open_memstream(text, size);
    streams[stream_count++ % MAX_STREAMS] = stream;
    return stream;
}

/* A stream whose block has been freed was closed. */
static void close_streams(void)
{
    for (int i = 0; i < stream_count && i < MAX_STREAMS; i++)
        for (int number = *bucket_of(streams[i]); number; number = taken.blocks[number].next)
            if (taken.blocks[number].address == streams[i]) {
                fclose(streams[i]);
                break;
            }
}

void *__real_mmap(void *address, size_t size, int protection, int how, int file, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int how, int file, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int how, int file, off_t offset)
{
    void *map = __real_mmap(address, size, protection, how, file, offset);
    int i = 0;
    while (i < MAX_MAPS - 1 && maps[i].address)
        i++;
    if (may_end && map != MAP_FAILED && !maps[i].address) {
        maps[i].address = map;
        maps[i].size = size;
    }
    return map;
}

int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size)
{
    for (int i = 0; i < MAX_MAPS; i++)
        if (maps[i].address == address)
            maps[i].address = NULL;
    return __real_munmap(address, size);
}

static void unmap(void)
{
    for (int i = 0; i < MAX_MAPS; i++)
        if (maps[i].address)
            __wrap_munmap(maps[i].address, maps[i].size);
}

static uint64_t sandbox_memory;

void __wrap_sandbox_run(const struct sandbox *sandbox);
void __wrap_sandbox_run(const struct sandbox *sandbox)
{
    sandbox_memory = sandbox->memory;
    for (int i = 0; i < sandbox->count; i++) {
        sandbox->work(sandbox->context, i, NULL);
        if (sandbox->finished)
            sandbox->finished(sandbox->context, i);
    }
}

bool __wrap_sandbox_admit(struct sandbox_child *child, uint64_t bytes);
bool __wrap_sandbox_admit(struct sandbox_child *child, uint64_t bytes)
{
    (void)child;
    return bytes <= sandbox_memory;
}

/* Of sanitizer/allocator_interface.h, which gcc lacks. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void prepare(void)
{
    static char out[1 << 16], error[1 << 16];
    stdout = fopen("/dev/null", "w"); /* of its own: libFuzzer and the sanitizers keep theirs */
    stderr = fopen("/dev/null", "w");
    fuzz_require(stdout && stderr);
    setvbuf(stdout, out, _IOFBF, sizeof out);
    setvbuf(stderr, error, _IOFBF, sizeof error);
    omp_set_num_threads(1);
#pragma omp parallel
    fuzz_require(omp_get_num_threads() == 1); /* it takes its memory now */
    fuzz_require(__sanitizer_install_malloc_and_free_hooks(took, gave_back));
}

bool fuzz_command(void run(void *context), void *context)
{
    static bool prepared;
    if (!prepared)
        prepare();
    prepared = true;
    volatile bool returned = false;
    stream_count = 0;
    taken.counting = may_end = true;
    if (!setjmp(end)) {
        run(context);
        returned = true;
    }
    may_end = false;
    if (!returned) {
        close_streams();
        unmap();
    }
    taken.counting = false;
    forget(!returned);
    return returned;
}

/* ---- Files ---- */

static char folder[200];

static int removed(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    if (where->level)
        remove(path);
    return 0;
}

void fuzz_clear(void) { nftw(fuzz_folder(), removed, 8, FTW_DEPTH | FTW_PHYS); }

static void remove_folder(void)
{
    fuzz_clear();
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    if (!*folder) {
        const char *temporary = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/eyelet-fuzz-XXXXXX", temporary ? temporary : "/tmp");
        fuzz_require(mkdtemp(folder) && !atexit(remove_folder));
    }
    return folder;
}

bool fuzz_write(const char *name, const uint8_t *bytes, size_t size)
{
    char path[sizeof folder + 200];
    const int length = snprintf(path, sizeof path, "%s/%s/", fuzz_folder(), name);
    if (length >= (int)sizeof path || strstr(path, "//") || strstr(path, "/../") || strstr(path, "/./"))
        return false;
    path[length - 1] = 0;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (file < 0) { /* its folders are missing */
        for (char *slash = path + strlen(folder); (slash = strchr(slash + 1, '/'));) {
            *slash = 0;
            mkdir(path, 0700);
            *slash = '/';
        }
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    }
    if (file < 0)
        return false;
    const bool written = write(file, bytes, size) == (ssize_t)size;
    close(file);
    return written;
}
