#include "data/sandbox.h"

#include "cli/errors.h"
#include "cli/options.h"
#include "cli/text.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_ITEM = 60 /* seconds of processor time */, REDRAWN_AFTER = 200 * 1000 * 1000 /* nanoseconds */ };

/* In shared memory. */
struct board {
    atomic_int next;     /* the item that is taken next */
    int at[MAX_THREADS]; /* what each child is at */
};

void *shared_memory(size_t count, size_t size)
{
    size_t bytes;
    void *block = MAP_FAILED;
    if (!__builtin_mul_overflow(count, size, &bytes))
        block = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        die(NULL, "Close other programs, or use smaller images.", "there is not enough memory for %zu x %zu bytes",
            count, size);
    return block;
}

void shared_memory_free(void *block, size_t count, size_t size)
{
    if (block)
        munmap(block, count * size + 1);
}

_Noreturn static void child(struct board *board, int own, int count, void work(void *context, int i), void *context,
                            pid_t parent)
{
    const struct rlimit none = {0, 0};
    const struct itimerval longest = {.it_value = {.tv_sec = LONGEST_ITEM}};
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a killed program leaves nothing running */
    setrlimit(RLIMIT_CORE, &none);
    if (getppid() != parent)
        _exit(EXIT_SUCCESS);
    int i;
    while ((i = board->at[own] = atomic_fetch_add(&board->next, 1)) < count) {
        setitimer(ITIMER_PROF, &longest, NULL); /* its signal ends the process */
        work(context, i);
    }
    _exit(EXIT_SUCCESS);
}

static pid_t start(struct board *board, int own, int count, void work(void *context, int i), void *context)
{
    const pid_t parent = getpid();
    board->at[own] = -1;
    fflush(NULL); /* or the child would write it again */
    const pid_t started = fork();
    if (started < 0)
        die(NULL, "Close other programs.", "cannot start a process to read images in: %s", strerror(errno));
    if (started == 0)
        child(board, own, count, work, context, parent);
    return started;
}

static void draw_progress(const struct board *board, int count, bool *drawn)
{
    if (!isatty(STDERR_FILENO))
        return;
    const int done = board->next < count ? board->next : count;
    fprintf(stderr, "\r\033[Kreading %s of %s", format_thousands((uint64_t)done), format_thousands((uint64_t)count));
    *drawn = true;
}

void sandbox_run(int count, int children, void work(void *context, int i), void stopped(void *context, int i),
                 void *context)
{
    struct board *board = shared_memory(1, sizeof *board);
    const struct timespec wait = {.tv_nsec = REDRAWN_AFTER};
    pid_t pids[MAX_THREADS];
    sigset_t ended, before;
    bool drawn = false;
    children = children < count ? children : count;
    children = children < MAX_THREADS ? children : MAX_THREADS;
    signal(SIGCHLD,
           SIG_DFL); /* ignored, as whoever started the program may have left it, no child could be waited for */
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD); /* blocked, so that none is missed between the looks */
    sigprocmask(SIG_BLOCK, &ended, &before);
    for (int k = 0; k < children; k++)
        pids[k] = start(board, k, count, work, context);
    for (int running = children; running;) {
        bool any = false;
        for (int k = 0; k < children; k++) {
            int status;
            if (!pids[k] || waitpid(pids[k], &status, WNOHANG) != pids[k])
                continue;
            any = true;
            pids[k] = 0;
            running--;
            if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
                continue;
            if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
                die(NULL, "Is there enough memory? Close other programs, or lower --threads and --memory.",
                    "a process that read images was killed");
            if (board->at[k] < 0 || board->at[k] >= count)
                die(NULL, NULL, "a process that was to read images ended at once");
            stopped(context, board->at[k]);
            pids[k] = start(board, k, count, work, context);
            running++;
        }
        if (running && !any && sigtimedwait(&ended, NULL, &wait) < 0)
            draw_progress(board, count, &drawn);
    }
    if (drawn)
        fputs("\r\033[K", stderr);
    sigprocmask(SIG_SETMASK, &before, NULL);
    shared_memory_free(board, 1, sizeof *board);
}
