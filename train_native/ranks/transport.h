/* How ranks reach each other: the few calls that MPI is needed for. transport_mpi.c has them over MPI, in a program of
 * `make MPI=1`; transport_none.c stands in its place in every other one, where there is one rank.
 *
 *     struct transport_place place;
 *     if (transport_start(&place)) {
 *         transport_broadcast(weights, bytes);             // of rank 0, to all
 *         transport_end();
 *     }
 *
 * All ranks make the same calls in the same order; they return when the data is there. What fails ends all ranks. */
#ifndef TRANSPORT_H
#define TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport_place {
    int rank, ranks;
    int on_host; /* how many of the ranks are on this host */
};

/* False: no launcher has started this program as one of several. */
bool transport_start(struct transport_place *place);

/* Of the program; all ranks end. */
void transport_end(void);
_Noreturn void transport_abort(void);

/* Before anything is exchanged: how many the launcher says that there are, and which one this is. */
int transport_launched(int *rank);

/* Rank 0's bytes come to all. */
void transport_broadcast(void *bytes, size_t size);

/* own, of sizes[rank] bytes, comes to all: one behind the other, in the order of the ranks. */
void transport_gather(uint8_t *all, const uint8_t *own, const int sizes[]);

/* The same with `size` bytes each, apart from the other calls, so that a rank can come to it that does not come to
 * those; while it waits it sleeps. transport_joined says whether all have come within so many seconds; below 0: it waits
 * for as long as that takes. Until it is true, `all` and `own` stay. */
void transport_join(void *all, const void *own, size_t size);
bool transport_joined(double seconds);

/* One rank's part in a chain that adds blocks of floats up and brings the sums back (exchange.h). */
struct transport_chain {
    float *sums;          /* (count): what comes from the rank before, what goes to the next, at the end the sums */
    size_t count, block;  /* the last block may be shorter */
    bool receives, sends; /* whether the rank before has lanes to add to, or this one or one before has some */
    void (*add)(void *context, size_t start, size_t end); /* this rank's own into sums[start .. end) */
    void *context;
};
void transport_sum(const struct transport_chain *chain);

#endif
