/* The ranks' exchange over MPI (transport.h): `make MPI=1`. The calls are those of MPI 3.0; one thread makes them. */
#ifdef WITH_MPI

#include "ranks/transport.h"

#include "cli/clock.h"
#include "cli/memory.h"

#include <assert.h>
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Rank 0 sends no more at a time: the sizes of MPI are ints. */
enum { MAX_MESSAGE = 1 << 30 };

static MPI_Comm data, control; /* of all ranks each; control is for transport_join alone */
static MPI_Request joining = MPI_REQUEST_NULL;
static int own_rank, rank_count = 1;

/* Behind transport_start, which has been told. */
int transport_launched(int *rank)
{
    *rank = own_rank;
    return rank_count;
}

/* A program that is started by itself would wait for a launcher to be found: some tenths of a second. */
static bool is_launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

bool transport_start(struct transport_place *place)
{
    int provided;
    if (!is_launched() || MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided))
        return false;
    MPI_Comm host;
    MPI_Comm_rank(MPI_COMM_WORLD, &own_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &rank_count);
    MPI_Comm_dup(MPI_COMM_WORLD, &data);
    MPI_Comm_dup(MPI_COMM_WORLD, &control);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
    *place = (struct transport_place){.rank = own_rank, .ranks = rank_count};
    MPI_Comm_size(host, &place->on_host);
    MPI_Comm_free(&host);
    return true;
}

void transport_end(void) { MPI_Finalize(); }

void transport_abort(void)
{
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

void transport_broadcast(void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += MAX_MESSAGE) {
        const size_t left = size - at;
        MPI_Bcast((uint8_t *)bytes + at, (int)(left < MAX_MESSAGE ? left : MAX_MESSAGE), MPI_BYTE, 0, data);
    }
}

void transport_gather(uint8_t *all, const uint8_t *own, const int sizes[])
{
    int *starts = allocate((size_t)rank_count, sizeof *starts);
    for (int rank = 1; rank < rank_count; rank++)
        starts[rank] = starts[rank - 1] + sizes[rank - 1];
    MPI_Allgatherv(own, sizes[own_rank], MPI_BYTE, all, sizes, starts, MPI_BYTE, data);
    free(starts);
}

void transport_join(void *all, const void *own, size_t size)
{
    assert(joining == MPI_REQUEST_NULL);
    MPI_Iallgather(own, (int)size, MPI_BYTE, all, (int)size, MPI_BYTE, control, &joining);
}

bool transport_joined(double seconds)
{
    const double start = seconds_now();
    for (int done = 0;;) {
        MPI_Test(&joining, &done, MPI_STATUS_IGNORE);
        if (done)
            return true;
        if (seconds >= 0 && seconds_now() - start > seconds)
            return false;
        usleep(seconds_now() - start < 0.01 ? 50 : 2000);
    }
}

/* ---- The chain ---- */

/* Down the ranks go sums of the lanes so far, block after block, up again the whole ones. In both directions a block is
 * on its way while others are added. */
struct walk {
    const struct transport_chain *chain;
    size_t blocks, down, up;   /* how many have been added and sent on, and are whole */
    size_t asked;              /* how many whole ones are waited for from the next rank, and before */
    MPI_Request *come, *go;    /* (blocks) down: from the rank before, to the next one */
    MPI_Request *whole, *back; /* (blocks) up: from the next one, to the one before */
};

enum { TAG_DOWN, TAG_UP };

static float *block_of(const struct walk *walk, size_t block, int *count)
{
    const size_t start = block * walk->chain->block, left = walk->chain->count - start;
    *count = (int)(left < walk->chain->block ? left : walk->chain->block);
    return walk->chain->sums + start;
}

static void send_back(struct walk *walk, size_t block)
{
    int count;
    float *sums = block_of(walk, block, &count);
    if (own_rank > 0)
        MPI_Isend(sums, count, MPI_FLOAT, own_rank - 1, TAG_UP, data, &walk->back[block]);
}

static bool is_done(MPI_Request *request)
{
    int done;
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    return done;
}

/* Adds to the next block and sends it on, if what comes before it is here. */
static bool step_down(struct walk *walk)
{
    const struct transport_chain *chain = walk->chain;
    const size_t block = walk->down;
    int count;
    if (block == walk->blocks || (chain->receives && !is_done(&walk->come[block])))
        return false;
    float *sums = block_of(walk, block, &count);
    chain->add(chain->context, block * chain->block, block * chain->block + (size_t)count);
    walk->down++;
    if (own_rank + 1 < rank_count) {
        if (chain->sends)
            MPI_Isend(sums, count, MPI_FLOAT, own_rank + 1, TAG_DOWN, data, &walk->go[block]);
    } else {
        send_back(walk, block);
        walk->up++;
    }
    return true;
}

/* Takes the next whole block from the next rank, into the memory of what was sent to it. */
static bool step_up(struct walk *walk)
{
    const size_t block = walk->up;
    if (own_rank + 1 == rank_count)
        return false;
    for (; walk->asked < walk->down && is_done(&walk->go[walk->asked]); walk->asked++) {
        int count;
        float *sums = block_of(walk, walk->asked, &count);
        MPI_Irecv(sums, count, MPI_FLOAT, own_rank + 1, TAG_UP, data, &walk->whole[walk->asked]);
    }
    if (block == walk->asked || !is_done(&walk->whole[block]))
        return false;
    send_back(walk, block);
    walk->up++;
    return true;
}

void transport_sum(const struct transport_chain *chain)
{
    struct walk walk = {.chain = chain, .blocks = (chain->count + chain->block - 1) / chain->block};
    MPI_Request *requests = allocate(4 * walk.blocks + 1, sizeof *requests);
    for (size_t i = 0; i < 4 * walk.blocks; i++)
        requests[i] = MPI_REQUEST_NULL;
    walk.come = requests;
    walk.go = requests + walk.blocks;
    walk.back = requests + 2 * walk.blocks;
    walk.whole = requests + 3 * walk.blocks;
    for (size_t block = 0; chain->receives && block < walk.blocks; block++) {
        int count;
        float *sums = block_of(&walk, block, &count);
        MPI_Irecv(sums, count, MPI_FLOAT, own_rank - 1, TAG_DOWN, data, &walk.come[block]);
    }
    while (walk.up < walk.blocks) {
        const bool down = step_down(&walk), up = step_up(&walk);
        if (!down && !up)
            sched_yield();
    }
    for (size_t block = 0; block < walk.blocks; block++)
        MPI_Wait(&walk.back[block], MPI_STATUS_IGNORE);
    free(requests);
}

#endif
