#include "data/sandbox.h"

#include "base/status.h"
#include "cli/errors.h"
#include "cli/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds: how long a child may get nothing done; a process's death after SIGKILL, which one that waits for a dead disk
 * does not die of. */
static const double max_standstill = 30;
enum { MAX_DEATH = 1 };
static const double redrawn_after = 0.2, timed_after = 2; /* before that the time left is a guess */

static const char killed[] = "the process that read it was killed: is there enough memory?";
static const char stood_still[] = "reading it came to a standstill: is its disk still there?";
static const char too_long[] = "reading it takes more than a minute";
static const char not_started[] = "no process can be started to read it in: close other programs";

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

static size_t board_bytes(const struct sandbox *sandbox)
{
    return sizeof(struct sandbox_board) + (size_t)sandbox->count * sizeof(atomic_int);
}

struct worker {
    pid_t pid;                 /* 0: none */
    int again;                 /* as in struct sandbox_child */
    double idle;               /* seconds without getting anything done */
    struct timespec processor; /* the time it has had */
};

struct run {
    const struct sandbox *sandbox;
    struct sandbox_board *board;
    int children, running, finished;
    uint64_t memory;
    int lost; /* processes that ended before they had an item */
    struct worker workers[MAX_THREADS];
    struct timespec started, looked, drawn;
    bool is_drawn;
};

static double seconds_between(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

static struct timespec now_of(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return now;
}

/* False: the system has no room for another process. */
static bool start(struct run *run, int index, int again)
{
    enum { TRIES = 10, PAUSE = 100 * 1000 /* microseconds */ };
    const struct sandbox *sandbox = run->sandbox;
    const pid_t parent = getpid();
    fflush(NULL); /* or the child would write it again */
    pid_t pid = fork();
    for (int i = 1; pid < 0 && i < TRIES; i++, pid = fork())
        usleep(PAUSE);
    if (pid == 0)
        sandbox_child_run((struct sandbox_child){run->board, index, run->children, sandbox->count, again, run->memory,
                                                 sandbox->context, sandbox->work},
                          parent);
    if (pid > 0) {
        run->workers[index] = (struct worker){.pid = pid, .again = again};
        run->running++;
    }
    return pid > 0;
}

/* What the child is at, or -1. */
static int item_of(const struct run *run, int index)
{
    for (int i = 0; i < run->sandbox->count; i++)
        if (run->board->items[i] == index + 1)
            return i;
    return -1;
}

static void stop_item(struct run *run, int i, const char *reason)
{
    if (run->sandbox->stopped)
        run->sandbox->stopped(run->sandbox->context, i, reason);
    run->board->items[i] = ITEM_DONE;
}

static const char *reason_of(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return killed;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
        return too_long;
    /* Of itself a child ends early only for want of memory (cli/memory.h). */
    return eyelet_status_text(WIFEXITED(status) ? STATUS_MEMORY : STATUS_IMAGE_CORRUPT);
}

/* A child is no more, before its work was done: its item is, or is tried again, and another child takes its place. */
static void replace(struct run *run, int index, const char *reason)
{
    struct worker *worker = &run->workers[index];
    const int item = item_of(run, index);
    run->board->admitted[index] = 0;
    if (item < 0 && ++run->lost > MAX_THREADS)
        return;
    const bool again = item >= 0 && reason == killed && worker->again != item;
    if (item >= 0 && !again)
        stop_item(run, item, reason);
    start(run, index, again ? item : -1);
}

/* One that gets nothing done, not even what waiting for memory takes of the processor, was stopped or waits for a disk.
 * How long is counted in looks, so that it is not the time that the whole program was stopped or asleep. */
static bool stands_still(struct worker *worker, double since_last_look)
{
    clockid_t clock;
    if (clock_getcpuclockid(worker->pid, &clock))
        return false;
    const struct timespec processor = now_of(clock);
    worker->idle = seconds_between(worker->processor, processor) > 0 ? 0 : worker->idle + since_last_look;
    worker->processor = processor;
    return worker->idle > max_standstill;
}

static void kill_worker(pid_t pid)
{
    kill(pid, SIGKILL);
    for (int i = 0; i < 100 * MAX_DEATH && waitpid(pid, NULL, WNOHANG) == 0; i++)
        usleep(10 * 1000);
}

/* Whether a child has ended since the last look. */
static bool look(struct run *run)
{
    const struct timespec now = now_of(CLOCK_MONOTONIC);
    const double elapsed = seconds_between(run->looked, now), counted = elapsed < 1 ? elapsed : 1;
    bool any = false;
    run->looked = now;
    for (int k = 0; k < run->children; k++) {
        struct worker *worker = &run->workers[k];
        const pid_t pid = worker->pid;
        int status;
        if (!pid)
            continue;
        const bool ended = waitpid(pid, &status, WNOHANG) == pid, still = !ended && stands_still(worker, counted);
        if (!ended && !still)
            continue;
        any = true;
        if (still)
            kill_worker(pid);
        worker->pid = 0;
        run->running--;
        if (still || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            replace(run, k, still ? stood_still : reason_of(status));
    }
    return any;
}

static void clear_progress(struct run *run)
{
    if (run->is_drawn)
        fputs("\r\033[K", stderr);
    run->is_drawn = false;
}

static void draw_progress(struct run *run)
{
    const int count = run->sandbox->count, next = run->board->next, done = next < count ? next : count;
    const double elapsed = seconds_between(run->started, run->looked);
    if (!isatty(STDERR_FILENO) || seconds_between(run->drawn, run->looked) < redrawn_after)
        return;
    fprintf(stderr, "\r\033[Kreading %s of %s", format_thousands((uint64_t)done), format_thousands((uint64_t)count));
    if (elapsed > timed_after && done) {
        const int left = (int)(elapsed * (count - done) / done);
        fprintf(stderr, "  %d:%02d left", left / 60, left % 60);
    }
    run->drawn = run->looked;
    run->is_drawn = true;
}

/* Tells of what is done, up to the first item that is not. */
static void finish(struct run *run)
{
    const struct sandbox *sandbox = run->sandbox;
    for (; sandbox->finished && run->finished < sandbox->count && run->board->items[run->finished] == ITEM_DONE;
         run->finished++) {
        clear_progress(run);
        sandbox->finished(sandbox->context, run->finished);
        run->board->end = run->finished + 1 + sandbox->window;
    }
}

static struct sandbox_board *new_board(const struct sandbox *sandbox)
{
    struct sandbox_board *board = shared_memory(board_bytes(sandbox), 1);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&board->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    board->end = sandbox->finished ? sandbox->window : sandbox->count;
    return board;
}

void sandbox_run(const struct sandbox *sandbox)
{
    struct run run = {.sandbox = sandbox, .board = new_board(sandbox)};
    /* One who waits for a sign of every item looks more often. */
    const struct timespec wait = {.tv_nsec = (sandbox->finished ? 5 : 200) * 1000 * 1000};
    sigset_t ended, before;
    run.children = sandbox->children < sandbox->count ? sandbox->children : sandbox->count;
    run.children = run.children < MAX_THREADS ? run.children : MAX_THREADS;
    run.memory = sandbox->memory > SANDBOX_MEMORY ? sandbox->memory : SANDBOX_MEMORY;
    run.started = run.looked = run.drawn = now_of(CLOCK_MONOTONIC);
    /* Ignored, as whoever started the program may have left it, no child could be waited for. */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD); /* blocked, so that none is missed between the looks */
    sigprocmask(SIG_BLOCK, &ended, &before);
    for (int k = 0; k < run.children && start(&run, k, -1); k++)
        ;
    while (run.running) {
        if (!look(&run) && sigtimedwait(&ended, NULL, &wait) < 0)
            draw_progress(&run);
        finish(&run);
    }
    for (int i = 0; i < sandbox->count; i++)
        if (run.board->items[i] != ITEM_DONE)
            stop_item(&run, i, not_started);
    finish(&run);
    clear_progress(&run);
    sigprocmask(SIG_SETMASK, &before, NULL);
    shared_memory_free(run.board, board_bytes(sandbox), 1);
}
