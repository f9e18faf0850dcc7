#include "ranks/ranks.h"

#include "base/vec/vec.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/quiet.h"
#include "cli/text.h"
#include "ranks/exchange.h"
#include "ranks/transport.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct transport_place place = {.ranks = 1, .on_host = 1};
static const char *own_version;
static pid_t process; /* whose end is the rank's, and not that of a child */
static bool launched; /* by mpirun or its kin, be it as the only rank */
static bool begun;    /* ranks_begin */
static bool broken;   /* some have failed, and all know it */

int ranks_own(void) { return place.rank; }
int ranks_count(void) { return place.ranks; }
bool ranks_launched(void) { return launched; }
bool ranks_first(void) { return place.rank == 0; }

struct parallel ranks_parallel(int threads) { return exchange_parallel(threads, place.rank, place.ranks); }

int ranks_threads(void)
{
    const int threads = omp_get_max_threads(), bound = omp_get_num_procs();
    const bool divides = place.on_host > 1 && bound == (int)sysconf(_SC_NPROCESSORS_ONLN) && !getenv("OMP_NUM_THREADS");
    return divides && threads > place.on_host ? threads / place.on_host : divides ? 1 : threads;
}

void ranks_broadcast(void *bytes, size_t size)
{
    if (place.ranks > 1)
        transport_broadcast(bytes, size);
}

void ranks_gather(uint8_t *all, const uint8_t *own, int count, size_t bytes)
{
    const struct parallel parallel = ranks_parallel(1);
    int *sizes = allocate((size_t)place.ranks, sizeof *sizes);
    for (int rank = 0; rank < place.ranks; rank++)
        sizes[rank] =
            (parallel_start(&parallel, rank + 1, count) - parallel_start(&parallel, rank, count)) * (int)bytes;
    transport_gather(all, own, sizes);
    free(sizes);
}

/* ---- What ranks tell each other of themselves ---- */

enum state { READY, FAILED, DONE };

struct record {
    int state;
    uint64_t digest; /* of what is compared, or of the message that a rank has failed with */
    char host[80], difference[640];
};

/* FNV-1a, eight bytes at a time: it finds accidents. */
static uint64_t digest_of(const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    uint64_t digest = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, from + i, size - i < 8 ? size - i : 8);
        digest = (digest ^ word) * 0x100000001b3;
        digest ^= digest >> 32;
    }
    return digest ^ size;
}

static struct record record_of(enum state state, uint64_t digest)
{
    struct record record = {.state = (int)state, .digest = digest};
    if (gethostname(record.host, sizeof record.host - 1))
        strcpy(record.host, "an unnamed host");
    return record;
}

static char *name_of(int rank, const struct record *record) { return text_format("rank %d on %s", rank, record->host); }

static bool any_failed(const struct record *all)
{
    for (int rank = 0; rank < place.ranks; rank++)
        if (all[rank].state == FAILED)
            return true;
    return false;
}

/* Of all ranks, when they have come to this; where one has failed, the program ends. The caller frees them. */
static struct record *join(const struct record *own)
{
    struct record *all = allocate((size_t)place.ranks, sizeof *all);
    transport_join(all, own, sizeof *own);
    transport_joined(-1);
    broken = any_failed(all);
    if (broken)
        exit(EXIT_ERROR); /* who has failed has said why */
    return all;
}

/* ---- What is to be alike ---- */

struct line {
    const char *text;
    size_t length;
};

/* The next line; text NULL behind the last one. */
static struct line next_line(const char **rest)
{
    if (!**rest)
        return (struct line){NULL, 0};
    const struct line line = {*rest, strcspn(*rest, "\n")};
    *rest += line.length + ((*rest)[line.length] == '\n');
    return line;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a->length == b->length && (!a->length || memcmp(a->text, b->text, a->length) == 0);
}

/* Says in words what a line is about, which begins with one of these. */
static const struct {
    const char *start, *words;
} kinds[] = {{"version=", "is of another version of eyelet"},
             {"data=", "has other data"},
             {"decoders=", "was built with other decoders"},
             {"weights=", "starts from other weights"},
             {"model=", "has another model"},
             {"images=", "has other images"},
             {"multiply-add=", "computes otherwise, and --exact was not given"}};

/* Which line of mine is not that of rank 0: the first one. */
static void find_difference(char *difference, size_t size, const char *mine, const char *first)
{
    struct line own, other;
    do {
        own = next_line(&mine);
        other = next_line(&first);
    } while (own.text && other.text && same_line(&own, &other));
    const struct line *said = own.text ? &own : &other;
    const char *words = "was given other options";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (said->text && strncmp(said->text, kinds[i].start, strlen(kinds[i].start)) == 0)
            words = kinds[i].words;
    snprintf(difference, size, "%s: \"%.*s\", and rank 0 \"%.*s\"", words, own.length < 240 ? (int)own.length : 240,
             own.text ? own.text : "", other.length < 240 ? (int)other.length : 240, other.text ? other.text : "");
}

/* Rank 0's text; the caller frees it. */
static char *text_of_first(const char *own)
{
    size_t size = strlen(own);
    ranks_broadcast(&size, sizeof size);
    char *text = allocate(size + 1, 1);
    memcpy(text, own, place.rank ? 0 : size);
    ranks_broadcast(text, size);
    return text;
}

/* The program ends if there is a difference. */
static void tell_differences(const struct record *own)
{
    struct record *all = join(own);
    int count = 0;
    for (int rank = 1; rank < place.ranks; rank++) {
        if (!*all[rank].difference)
            continue;
        char *name = name_of(rank, &all[rank]);
        if (!place.rank)
            warn(name, NULL, "%s", all[rank].difference);
        free(name);
        count++;
    }
    free(all);
    broken = count > 0;
    if (broken)
        exit(EXIT_ERROR);
}

static bool all_same(const struct record *all)
{
    for (int rank = 1; rank < place.ranks; rank++)
        if (all[rank].digest != all[0].digest)
            return false;
    return true;
}

bool ranks_agree(const char *text, char **first)
{
    *first = NULL;
    if (place.ranks == 1)
        return true;
    const struct record own = record_of(READY, digest_of(text, strlen(text)));
    struct record *all = join(&own);
    const bool same = all_same(all);
    free(all);
    if (!same)
        *first = text_of_first(text);
    return same;
}

void ranks_tell(const char *difference)
{
    struct record own = record_of(READY, 0);
    snprintf(own.difference, sizeof own.difference, "%s", difference);
    if (place.ranks > 1)
        tell_differences(&own);
}

bool ranks_all(bool so)
{
    if (place.ranks == 1)
        return so;
    const struct record own = record_of(READY, so);
    struct record *all = join(&own);
    const bool result = all_same(all) && so;
    free(all);
    return result;
}

void ranks_compare(const char *text)
{
    char *versioned = text_format("version=%s\n%s", own_version, text), *first;
    char difference[sizeof(((struct record *)NULL)->difference)] = "";
    if (!ranks_agree(versioned, &first)) {
        if (strcmp(versioned, first) != 0)
            find_difference(difference, sizeof difference, versioned, first);
        ranks_tell(difference);
    }
    free(first);
    free(versioned);
}

void ranks_begin(void) { begun = true; }

void ranks_compare_weights(const float *weights, size_t count, const char *when)
{
    if (place.ranks == 1)
        return;
    struct record own = record_of(READY, digest_of(weights, count * sizeof *weights)), *all = join(&own);
    if (all[0].digest != own.digest)
        snprintf(own.difference, sizeof own.difference,
                 "has other weights than rank 0 %s: its machine or its program computes otherwise", when);
    if (!all_same(all))
        tell_differences(&own);
    free(all);
}

void ranks_compare_vectors(void)
{
    if (place.ranks == 1)
        return;
    struct record own = record_of(READY, 0);
    snprintf(own.difference, sizeof own.difference, "%s", VEC_NAME);
    struct record *all = join(&own);
    for (int rank = 1; rank < place.ranks && !place.rank; rank++)
        if (strcmp(all[rank].difference, VEC_NAME) != 0) {
            char *name = name_of(rank, &all[rank]);
            warn(name, "Their weights are compared after each epoch; --exact gives the same ones everywhere.",
                 "computes with %s, and rank 0 with %s", all[rank].difference, VEC_NAME);
            free(name);
        }
    free(all);
}

void ranks_refuse(const char *command)
{
    if (place.ranks > 1)
        die(NULL, "Start it without mpirun.", "%s is for one process, and there are %d ranks", command, place.ranks);
}

/* ---- The end ---- */

/* Rank 0 has spoken for itself. Others are heard unless all have the same to say. */
static void speak(const struct record *own, const struct record *all, bool together)
{
    if (!place.rank || (together && all[0].state == FAILED && all[0].digest == own->digest))
        return;
    char *name = name_of(place.rank, own);
    quiet_say(name);
    free(name);
}

/* As any process ends; those that do so alike find each other. */
static void on_end(int status, void *unused)
{
    static const double patience = 2;
    (void)unused;
    if (getpid() != process)
        return;
    if (!broken) {
        const struct record own = record_of(status == EXIT_SUCCESS ? DONE : FAILED, message_digest());
        struct record *all = allocate((size_t)place.ranks, sizeof *all);
        transport_join(all, &own, sizeof own);
        const bool together = transport_joined(status == EXIT_SUCCESS ? -1 : patience);
        if (status != EXIT_SUCCESS)
            speak(&own, all, together);
        if (!together && begun)
            transport_abort();
        if (!together)
            transport_joined(-1);
        free(all);
    }
    transport_end();
}

void ranks_start(const char *version)
{
    int rank;
    own_version = version;
    process = getpid();
    launched = transport_start(&place);
    if (launched) {
        if (place.rank)
            quiet_begin();
        on_exit(on_end, NULL);
    } else if (transport_launched(&rank) > 1) {
        if (rank)
            exit(EXIT_ERROR);
        die(NULL, "Build it with `make MPI=1`.",
            "this program was built without MPI, and knows nothing of other ranks");
    }
}
