#include "data/sandbox_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { MAX_SECONDS = 60 }; /* an item's time on the processor */

#if defined(__SANITIZE_ADDRESS__) /* gcc's name, then clang's */
#define CHECKS_ADDRESSES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_ADDRESSES
#endif
#endif

/* The signal of the clock ends the process. */
static void restart_clock(void)
{
    const struct itimerval longest = {.it_value = {.tv_sec = MAX_SECONDS}};
    setitimer(ITIMER_PROF, &longest, NULL);
}

/* Looks again and again instead of sleeping until it is woken: a child that waits is then no child that stands still,
 * and none sleeps for ever beside one that was stopped while it had the lock. */
static void lock(struct sandbox_board *board)
{
    int error;
    while ((error = pthread_mutex_trylock(&board->lock)) == EBUSY)
        usleep(100);
    if (error == EOWNERDEAD) /* killed with the lock in hand: what it guards is one number of its own */
        pthread_mutex_consistent(&board->lock);
}

static bool admitted(const struct sandbox_child *child, uint64_t bytes)
{
    struct sandbox_board *board = child->board;
    uint64_t sum = bytes;
    lock(board);
    for (int k = 0; k < child->children; k++)
        sum += k == child->index ? 0 : board->admitted[k];
    const bool fits = sum <= child->memory;
    if (fits)
        board->admitted[child->index] = bytes;
    pthread_mutex_unlock(&board->lock);
    return fits;
}

bool sandbox_admit(struct sandbox_child *child, uint64_t bytes)
{
    if (bytes > child->memory)
        return false;
    while (!admitted(child, child->again >= 0 ? child->memory : bytes))
        usleep(2000);
    restart_clock();
    return true;
}

/* The next item that no child holds; false: there is none. */
static bool take(int *i, struct sandbox_child *child)
{
    struct sandbox_board *board = child->board;
    for (*i = board->next; *i < child->count; ++*i) {
        int expected = ITEM_FREE;
        while (*i >= board->end)
            usleep(1000);
        if (atomic_compare_exchange_strong(&board->items[*i], &expected, child->index + 1)) {
            board->next = *i + 1;
            return true;
        }
    }
    return false;
}

static void work_on(struct sandbox_child *child, int i)
{
    restart_clock();
    child->work(child->context, i, child);
    child->board->admitted[child->index] = 0;
    child->board->items[i] = ITEM_DONE;
}

/* Memory that runs out is to end this process and not its parent; and one process never takes much more than all
 * together may, whatever an item's estimate. */
static void limit_memory(uint64_t memory)
{
#ifndef CHECKS_ADDRESSES
    enum { DATA = 5, BESIDE = 64 << 20 }; /* the field of statm; what a child needs besides */
    const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!write(score, "1000", 4);
    close(score);
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    const bool known = file && fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) == 1;
    const rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory + BESIDE;
    struct rlimit limit;
    if (file)
        fclose(file);
    if (known && getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur > bytes) {
        limit.rlim_cur = bytes;
        setrlimit(RLIMIT_DATA, &limit);
    }
#else
    (void)memory;
#endif
}

_Noreturn void sandbox_child_run(struct sandbox_child child, pid_t parent)
{
    const struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a killed program leaves nothing running */
    setrlimit(RLIMIT_CORE, &none);
    if (getppid() != parent)
        _exit(EXIT_SUCCESS);
    limit_memory(child.memory);
    if (child.again >= 0)
        work_on(&child, child.again);
    child.again = -1;
    for (int i; take(&i, &child);)
        work_on(&child, i);
    _exit(EXIT_SUCCESS);
}
